"""The changelog names each change of the generated public surface since the last release."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from codegen.diff.changes import Change
from codegen.diff.command import changes_since_release

ROOT = Path(__file__).parents[2]
UNRELEASED = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition("## [Unreleased]")[2].partition("\n## [")[0]


def _unmentioned(changes: Sequence[Change], text: str) -> list[str]:
    """List the changes that no entry names: by their name, or by the name of their owner in code marks and their own in words."""
    entries = re.split(r"\n(?=- |\n)", text)
    return [f"{change.name}: {change.message}" for change in changes if not any(_is_named(change, entry) for entry in entries)]


def _is_named(change: Change, entry: str) -> bool:
    code = " ".join(re.findall(r"`([^`]+)`", entry))
    name, _, argument = re.sub(r"^(models|api|webhooks)\.", "", change.name).partition("(")
    owner, _, part = name.rpartition(".") if name[:1].isupper() else (name, "", argument.rstrip("=)"))
    has_owner = bool(owner) and _has(owner, code) and _has(part.replace("_", "[_ ]?"), entry, is_pattern=True)
    return _has(change.name, code) or (not argument and _has(name, code)) or has_owner


def _has(name: str, string: str, *, is_pattern: bool = False) -> bool:
    """Return whether a string has a name as a whole; the empty name is in each."""
    pattern = name if is_pattern else re.escape(name)
    return not name or re.search(rf"(?<![\w.]){pattern}(?!\w)", string, re.IGNORECASE if is_pattern else 0) is not None


def test_changelog_names_what_changed_since_the_release() -> None:
    """`python -m codegen diff --format markdown` prints lines to insert; `python -m codegen release` keeps a new surface."""
    assert [] == _unmentioned(changes_since_release(ROOT / "openapi" / "cstar.yaml"), UNRELEASED)


def _change(name: str) -> Change:
    return Change(surface="python", kind="added", is_breaking=False, name=name, place="#", message="new")


def test_change_is_named_by_itself_or_by_its_owner() -> None:
    """An argument with its method, a field with its class; a part of a name is no mention, nor is another entry."""
    text = "- `tickets.list()` takes `color`. `Ticket` has a color\n  and closing notes, and `models.Food` is new.\n- A mood."
    named = ["tickets.list(color=)", "tickets.list()", "Ticket.color", "Ticket.closing_notes", "models.Food"]
    missing = ["tickets.list_all", "TicketStatus.LOST", "customers.list(color=)", "messages.tickets"]
    missing += ["Ticket.mood", "tickets.list(mood=)", "Food.brand"]

    assert [f"{name}: new" for name in missing] == _unmentioned([_change(name) for name in (*named, *missing)], text)
