"""Redaction of secrets and e-mail addresses in logs, reprs and error messages."""

from __future__ import annotations

import re
from typing import Final

MAX_LENGTH: Final = 200
"""Characters of a server's message that are shown."""

_SECRET: Final = re.compile(
    r"(?<![a-z])(sk|pk)_(?:(live|test)_)?[\w.~+/=-]{6,}|(?<![a-z])(whsec)_[\w.~+/=-]{6,}|\b(bearer)(?:\s|%20)+[\w.~+/=-]+",
    re.IGNORECASE | re.ASCII,
)
_ADDRESS: Final = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+")
_SPACE: Final = re.compile(r"\s+")


def redact_secrets(text: str) -> str:
    """Return *text* without keys and tokens, for what is stored or pickled."""
    return _SECRET.sub(_prefix_of, text)


def redact(text: str) -> str:
    """Return one short line of *text* without keys, tokens and e-mail addresses, for what is shown."""
    line = _SPACE.sub(" ", text).strip()
    line = _ADDRESS.sub("…@…", redact_secrets(line))
    return line if len(line) <= MAX_LENGTH else line[: MAX_LENGTH - 1] + "…"


def _prefix_of(match: re.Match[str]) -> str:
    """Keep the prefix of a key, which says what kind of key it was."""
    kind, environment, signing, bearer = match.groups()
    if bearer:
        return f"{bearer} …"
    return "_".join(part for part in (kind or signing, environment) if part) + "_…"
