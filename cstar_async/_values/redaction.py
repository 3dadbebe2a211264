"""Redaction of secrets and e-mail addresses in logs, reprs and error messages.

The texts come from the server, so each function cuts its text before it searches it, and searches it in linear time.
"""

from __future__ import annotations

import re
from typing import Final

from cstar_async._values.repr import short_repr

MAX_LENGTH: Final = 200
"""Characters of a server's message that are shown."""
MAX_STORED_LENGTH: Final = 2000
"""Characters of a str of the server that errors and hook values keep."""

# Patterns are compiled when they are first used: `re` keeps them, and most programs start without an error.
# No letter is before a key, as in task_…; but a letter can end the escape of another character, as in %3Dsk_… and \nsk_….
_START: Final = r"(?:(?<![a-z])|(?<=%[\da-f][a-f])|(?<=\\[a-z])|(?<=\\u[\da-f]{3}[a-f]))"
_SECRET: Final = (
    rf"(?ia){_START}(sk|pk)_(?:(live|test)_)?[\w.~+/=-]{{6,}}"
    rf"|{_START}(whsec)_[\w.~+/=-]{{6,}}"
    rf"|{_START}(bearer)(?:\s|%20)+[\w.~+/=-]+"
)
# A match begins only where a run of these characters begins: searching from each of them would take quadratic time.
_ADDRESS: Final = r"(?<![^\s@<>\"'(),;:])[^\s@<>\"'(),;:]+(?:@|%40)[^\s@<>\"'(),;:]+"


def printable_line(text: object) -> str:
    """Return one line that every log and UTF-8 can take: at most 2,000 characters, unprintable ones replaced.

    *text* is usually a str. Of any other object, it is the shortened repr.
    """
    if not isinstance(text, str):
        text = short_repr(text)
    line = one_line(text[:MAX_STORED_LENGTH])
    return line[: MAX_STORED_LENGTH - 1] + "…" if len(text) > MAX_STORED_LENGTH else line


def one_line(text: str) -> str:
    """Return one line of any length, with unprintable characters replaced."""
    line = " ".join(text.split())
    return line if line.isprintable() else "".join(character if character.isprintable() else "\ufffd" for character in line)


def redact_secrets(text: object) -> str:
    """Return one line of *text* without keys and tokens, for what is stored or pickled."""
    return re.sub(_SECRET, _prefix_of, printable_line(text))


def redact(text: object) -> str:
    """Return one short line of *text* without keys, tokens and e-mail addresses, for what is shown."""
    line = printable_line(text)
    if line.endswith("…"):
        # The last word may be an address or a key that was cut, which is no longer recognised. Without a space, -1 keeps it.
        line = line[: line.rfind(" ", MAX_LENGTH)] + "…"
    line = re.sub(_ADDRESS, "…@…", re.sub(_SECRET, _prefix_of, line))
    return line if len(line) <= MAX_LENGTH else line[: MAX_LENGTH - 1] + "…"


def _prefix_of(match: re.Match[str]) -> str:
    """Keep the prefix of a key, which says what kind of key it was."""
    kind, environment, signing, bearer = match.groups()
    if bearer:
        return f"{bearer} …"
    return "_".join(part for part in (kind or signing, environment) if part) + "_…"
