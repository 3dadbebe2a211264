"""The validation of arguments, and the match of events with the types of a handler or a stream."""

from __future__ import annotations

from collections.abc import Iterable

from cstar_async._model.event import WebhookEvent
from cstar_async._types import is_str
from cstar_async._validation import invalid


def validate_types(types: Iterable[object]) -> None:
    """Raise InvalidArgumentError unless each item is an event type, a pattern or an event class."""
    for one in types:
        if not (one if is_str(one) else _is_event_class(one)):
            raise invalid("types", "event types such as 'ticket.created', patterns such as 'ticket.*', or event classes", one)


def _is_event_class(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, WebhookEvent)


def matches(event: WebhookEvent, types: Iterable[str | type[WebhookEvent]]) -> bool:
    """Return whether an event is of one of the types, patterns or classes."""
    for one in types:
        if isinstance(one, type):
            if isinstance(event, one):
                return True
        elif one == event.type or (one.endswith("*") and event.type.startswith(one.removesuffix("*"))):
            return True
    return False
