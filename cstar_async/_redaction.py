"""What must not reach a log, a repr or an exception text, taken out of any text on its way there."""

from __future__ import annotations

import re
from typing import Final

MAX_LENGTH: Final = 200
"""Characters of a server's sentence that are shown; the rest says nothing to a reader of logs."""

_SECRET: Final = re.compile(
    r"(?<![a-z])(sk|pk)_(?:(live|test)_)?[\w.~+/=-]{6,}|(?<![a-z])(whsec)_[\w.~+/=-]{6,}|\b(bearer)(?:\s|%20)+[\w.~+/=-]+",
    re.IGNORECASE | re.ASCII,
)
_ADDRESS: Final = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+")
_SPACE: Final = re.compile(r"\s+")


def redact_secrets(text: str) -> str:
    """The text without keys and tokens, otherwise as it is: for what is kept, and may be pickled."""
    return _SECRET.sub(_keep_kind, text)


def redact(text: str) -> str:
    """One short line of *text* without keys, tokens and e-mail addresses: for what is shown."""
    line = _SPACE.sub(" ", text).strip()
    line = _ADDRESS.sub("…@…", redact_secrets(line))
    return line if len(line) <= MAX_LENGTH else line[: MAX_LENGTH - 1] + "…"


def _keep_kind(match: re.Match[str]) -> str:
    """The prefix of a key says which kind was meant; nothing after it may stay."""
    kind, environment, signing, bearer = match.groups()
    if bearer:
        return f"{bearer} …"
    return "_".join(part for part in (kind or signing, environment) if part) + "_…"
