"""What the exception of a handler or a store means: how long to wait for the next attempt, and what may be logged of it."""

from __future__ import annotations

import logging
import os
import sqlite3
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cstar_async._protocol.retry import RATE_LIMIT_WAIT
from cstar_async._values.redaction import printable_line, redact
from cstar_async.errors import APIError, CStarError, RateLimitError, RateLimitWaitError, TransportError

LOGGER: Final = logging.getLogger("cstar_async.webhooks")

MAX_STATED_WAIT: Final = 3600.0
"""Longest wait in seconds before the next attempt, whatever an error states."""
_OUTAGES: Final = frozenset({408, 502, 503, 504})
_MAX_FRAMES: Final = 20
_MAX_CAUSES: Final = 5


def log_event(
    level: int,
    message: str,
    event_id: str,
    *,
    failure: BaseException | None = None,
    logger: logging.Logger = LOGGER,
    **fields: object,
) -> None:
    """Log a message about an event, with its id before it and the traceback of *failure* after it.

    The message has fields such as `%(attempt)d`. Id and fields are attributes of the record too, as `extra` sets them.
    """
    fields = {"event_id": event_id, **fields}
    text = f"%(event_id)s: {message}"
    if failure is not None:
        fields["error"] = describe(failure)
        text += "\n%(traceback)s"
    clean = {name: printable_line(value) if isinstance(value, str) else value for name, value in fields.items()}
    logger.log(level, text, {**clean, "traceback": failure and SafeTraceback(failure)}, extra=clean, stacklevel=2)


def outage_wait(error: BaseException) -> float | None:
    """Return the seconds until an attempt can succeed if a rate limit or an outage is the cause, 0 if they are not stated.

    None: the handler or the request is at fault, so a wait alone repairs nothing. A group has the longest wait of its exceptions.
    """
    waits = [_stated_wait(one) for one in _leaves(error)]
    known = [wait for wait in waits if wait is not None]
    return max(known) if len(known) == len(waits) else None


def _stated_wait(error: BaseException) -> float | None:
    wait: float | None = None
    if isinstance(error, RateLimitWaitError):
        wait = error.wait
    elif isinstance(error, RateLimitError):
        wait = RATE_LIMIT_WAIT if error.retry_after is None else error.retry_after
    elif isinstance(error, APIError) and (error.status in _OUTAGES or (error.status >= 500 and error.retry_after is not None)):
        wait = error.retry_after or 0.0
    elif isinstance(error, TransportError):
        wait = 0.0
    # A NaN compares as false, so it counts as 0.
    return None if wait is None else min(wait, MAX_STATED_WAIT) if wait > 0 else 0.0


def describe(error: BaseException) -> str:
    """Return the class of an exception, and its text if that cannot contain the event."""
    name, text, leaves = type(error).__name__, "", _leaves(error)
    if isinstance(error, (CStarError, sqlite3.Error)):
        text = redact(str(error))
    elif isinstance(error, OSError) and error.errno:
        text = os.strerror(error.errno)  # its own text may contain a path
    elif leaves != [error]:
        text = ", ".join(type(one).__name__ for one in leaves)
    return f"{name}: {text}" if text else name


def describe_with_line(error: BaseException) -> str:
    """Return the description of an exception with the line that raised it."""
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    place = f" ({Path(frames[0].filename).name}:{frames[0].lineno}, in {frames[0].name})" if frames else ""
    return describe(error) + place


class SafeTraceback:
    """The lines of code that led to an exception and its causes. Texts of exceptions are left out: they may contain the event.

    It is formatted when it is logged, and is no str, because the log filter makes one line of each str.
    """

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __str__(self) -> str:
        return "\n".join(
            "".join(traceback.format_tb(one.__traceback__, limit=-_MAX_FRAMES)) + describe(one)
            for one in reversed([*_chain(self._error)])
        )


def _leaves(error: BaseException) -> list[BaseException]:
    """Return the exceptions in a group and its groups, or the exception alone."""
    nested: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for one in nested for leaf in _leaves(one)]


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    while len(seen) < _MAX_CAUSES and not any(error is one for one in seen):
        yield error
        seen.append(error)
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None:
            return
        error = cause
