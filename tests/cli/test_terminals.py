"""What a terminal shows: tables and help that fit, however narrow it is."""

from __future__ import annotations

import re
import sys

import pytest

from .conftest import Command


@pytest.mark.parametrize("width", [24, 40, 80, 120, 200])
def test_table_fits_the_terminal(width: int, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns that do not fit are left out, a row is one line, and every ID is complete."""
    ids = [row["id"] for row in command("tickets", "list", "--max-items", "3", "--json").json]
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")  # a dumb one is taken to have 80 columns
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", command("tickets", "list", "--max-items", "3").out).splitlines()
    assert max(map(len, lines)) <= width
    if width > len(ids[0]):
        assert [line.split()[0] for line in lines] == ["id", *ids]
    else:
        assert "".join(line.strip() for line in lines) == f"id{''.join(ids)}"


@pytest.mark.parametrize(
    ("names", "option"),
    [
        (["sla", "rules", "create"], "--business-hours-only / --no-business-hours-only"),
        (["sla", "rules", "update"], "--resolution-target"),
        (["export"], "--max-wait SECONDS|none"),
        (["tickets", "reply"], "--internal"),
    ],
)
def test_help_shows_whole_names(names: list[str], option: str, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The help of a command cuts no option off in a narrow terminal."""
    monkeypatch.setenv("COLUMNS", "50")
    assert option in command(*names, "--help").out


@pytest.mark.parametrize("name", ["export", "import", "sync"])
def test_help_of_a_long_command_says_that_it_waits(name: str, command: Command) -> None:
    """The option states the default of this command, which is not that of the others."""
    text = " ".join(re.sub(r"[│\s]+", " ", command(name, "--help").out).split())
    assert "as long as it takes" in text
    assert "Default 60" not in text
