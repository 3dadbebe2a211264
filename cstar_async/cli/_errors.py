"""Exit codes, and the message of each error that a user can cause."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SUCCESS: Final = 0
FAILURE: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
NOT_FOUND: Final = 4
RATE_LIMITED: Final = 5
UNREACHABLE: Final = 6
INTERRUPTED: Final = 130
CLOSED_OUTPUT: Final = 141
MEANINGS: Final[Mapping[int, str]] = MappingProxyType(
    {
        SUCCESS: "success",
        FAILURE: "another failure",
        USAGE: "wrong usage",
        REFUSED: "no usable key, or refused (401, 403)",
        NOT_FOUND: "not found (404)",
        RATE_LIMITED: "rate limit, run it again later",
        UNREACHABLE: "no connection, a timeout or 5xx, run it again later",
        INTERRUPTED: "Ctrl-C",
        CLOSED_OUTPUT: "the reader of standard output has stopped",
    }
)
"""What each exit code means, for the help. The page "Command line" has more."""
_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "api_key": "CSTAR_API_KEY",
        "team_id": "CSTAR_TEAM_ID",
        "base_url": "CSTAR_BASE_URL",
        "proxy": "the proxy of the environment",
        "timeout": "--timeout",
        "max_wait": "--max-wait",
        "idempotency_key": "--idempotency-key",
    }
)
"""What the user of a command calls the arguments of a client."""


class UsageError(Exception):
    """An argument, a file or a setting that the user has to change. All parts of a command may raise it."""


def report(error: Exception) -> int:
    """Print one error on standard error, and return its exit code. Keys and secrets are left out."""
    from cstar_async._values.redaction import redact, redact_secrets
    from cstar_async.errors import CStarError

    if isinstance(error, UsageError):
        code, text, hint = USAGE, redact_secrets(str(error)), None
    elif isinstance(error, CStarError):
        code, text, hint = _describe(error)
    elif isinstance(error, OSError):
        # A file name is the user's own; it may be longer than what `redact()` shows.
        name = f"{error.filename}: " if isinstance(error.filename, str) else ""
        code, text, hint = FAILURE, redact_secrets(f"{name}{error.strerror or error}"), None
    else:
        code, text, hint = FAILURE, redact(error), None
    sys.stderr.write(f"error: {text}\n" + (f"{hint}\n" if hint else ""))
    return code


def _describe(error: Exception) -> tuple[int, str, str | None]:
    """Return the exit code of an error of the SDK, its message, and what to do."""
    from cstar_async import errors

    text = str(error)
    match error:
        case errors.ConfigurationError():
            return REFUSED, _for_command(text), "'cstar-async doctor' checks key, team and connection."
        case errors.InvalidArgumentError():
            return USAGE, _for_command(text), None
        case errors.AuthenticationError() | errors.PermissionDeniedError():
            return REFUSED, text, "'cstar-async doctor' shows which key is used, and for which team."
        case errors.NotFoundError():
            return NOT_FOUND, text, None
        case errors.RateLimitWaitError():
            at = f"{error.retry_at.astimezone():%H:%M:%S}"
            return RATE_LIMITED, text, f"Try again after {at}, or wait for it with --max-wait none."
        case errors.RateLimitError():
            return RATE_LIMITED, text, None
        case errors.TransportError():
            return UNREACHABLE, text, "'cstar-async doctor' checks the connection."
        case errors.ServerError():
            return UNREACHABLE, text, None
        case _:
            return FAILURE, text, None


def _for_command(text: str) -> str:
    """Return the text of an error about an argument with the variable or the option that the user has set."""
    argument, separator, rest = text.partition(" must ")
    return f"{_NAMES.get(argument, argument)}{separator}{rest}"
