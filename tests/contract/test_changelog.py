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
    """List the changes that the changelog names neither themselves nor by their owner, in code marks."""
    code = " ".join(re.findall(r"`([^`]+)`", text))
    return [
        f"{change.name}: {change.message}"
        for change in changes
        if not any(re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", code) for name in _names_of(change))
    ]


def _names_of(change: Change) -> set[str]:
    """Return the name of a change and that of its owner: `tickets.list` for an argument, `Ticket` for a field."""
    name = re.sub(r"^(models|api|webhooks)\.", "", change.name).partition("(")[0]
    owner = name.rpartition(".")[0]
    return {change.name, name, *([owner] if owner[:1].isupper() else [])}


def test_changelog_names_what_changed_since_the_release() -> None:
    """`python -m codegen diff --format markdown` prints lines to insert; `python -m codegen release` keeps a new surface."""
    assert [] == _unmentioned(changes_since_release(ROOT / "openapi" / "cstar.yaml"), UNRELEASED)


def _change(name: str) -> Change:
    return Change(surface="python", kind="added", is_breaking=False, name=name, place="#", message="new")


def test_change_is_named_by_itself_or_by_its_owner() -> None:
    """An argument by its method, a field or constant by its class; a part of another name is no mention."""
    text = "- `tickets.list()` takes `color`. `Ticket` has a color, and `models.Food` is new."
    named = ["tickets.list(color=)", "Ticket.color", "models.Food"]
    missing = ["tickets.list_all", "TicketStatus.LOST", "customers.list(color=)", "messages.tickets"]

    assert [f"{name}: new" for name in missing] == _unmentioned([_change(name) for name in (*named, *missing)], text)
