"""The validation of arguments, and the match of events with the types of a handler or a stream."""

from __future__ import annotations

from collections.abc import Iterable

from cstar_async._model.event import WebhookEvent
from cstar_async._types import is_int, is_str
from cstar_async.errors import InvalidArgumentError


def validate_count(name: str, value: int) -> int:
    """Return an int of at least 1. Raise InvalidArgumentError for anything else."""
    if not (is_int(value) and value >= 1):
        raise InvalidArgumentError(f"{name} must be an int of at least 1, got {value!r}")
    return value


def validate_types(types: Iterable[object]) -> None:
    """Raise InvalidArgumentError unless each item is an event type, a pattern or an event class."""
    for one in types:
        if not ((is_str(one) and one) or (isinstance(one, type) and issubclass(one, WebhookEvent))):
            raise InvalidArgumentError(
                f"types must be event types such as 'ticket.created', patterns such as 'ticket.*', or event classes, got {one!r}"
            )


def matches(event: WebhookEvent, types: Iterable[str | type[WebhookEvent]]) -> bool:
    """Return whether an event is of one of the types, patterns or classes."""
    for one in types:
        if isinstance(one, type):
            if isinstance(event, one):
                return True
        elif one == event.type or (one.endswith("*") and event.type.startswith(one.removesuffix("*"))):
            return True
    return False
