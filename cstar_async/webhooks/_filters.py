"""The types of events that a handler or a stream is for: exact types, patterns and classes."""

from __future__ import annotations

from collections.abc import Iterable

from cstar_async._model.event import WebhookEvent
from cstar_async._types import is_str
from cstar_async.errors import InvalidArgumentError


def validate_types(types: Iterable[object]) -> None:
    """Check that each item is an event type, a pattern or a class of events.

    Raises:
        InvalidArgumentError: One is none of these.
    """
    for one in types:
        if not ((is_str(one) and one) or (isinstance(one, type) and issubclass(one, WebhookEvent))):
            raise InvalidArgumentError(
                f"types must be event types such as 'ticket.created', patterns such as 'ticket.*', or event classes, got {one!r}"
            )


def matches_filter(event: WebhookEvent, types: Iterable[str | type[WebhookEvent]]) -> bool:
    """Return whether an event has one of the types, a type that begins as a pattern does, or is of one of the classes."""
    for one in types:
        if isinstance(one, type):
            if isinstance(event, one):
                return True
        elif one == event.type or (one.endswith("*") and event.type.startswith(one.removesuffix("*"))):
            return True
    return False
