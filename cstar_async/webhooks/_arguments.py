"""The validation of arguments, and the match of events with the types of a handler or a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cstar_async._generated.events import OLD_TYPES
from cstar_async._model.argument_check import warn_of_deprecated
from cstar_async._model.event import WebhookEvent
from cstar_async._types import is_str
from cstar_async._values.validation import invalid


def validate_types(types: Iterable[str | type[WebhookEvent]]) -> tuple[str | type[WebhookEvent], ...]:
    """Return the types of a handler or a stream; an old name of one becomes the present one, and warns.

    A pattern that matches an old name only, because the event went to another namespace, gets the present one in addition. An item
    that is no event type, no pattern and no event class raises an `InvalidArgumentError`.
    """
    return tuple(found for one in types for found in (_validate_type(one), *_moved(one)))


def _validate_type(one: str | type[WebhookEvent]) -> str | type[WebhookEvent]:
    if not (one if is_str(one) else _is_event_class(one)):
        raise invalid("types", "event types such as 'ticket.created', patterns such as 'ticket.*', or event classes", one)
    if not is_str(one) or one not in OLD_TYPES:
        return one
    warn_of_deprecated(f"the event {one}", OLD_TYPES[one])
    return OLD_TYPES[one]


def _moved(one: str | type[WebhookEvent]) -> Iterator[str]:
    """Yield the present types of the events that a pattern matches by their old type only."""
    if not is_str(one) or not one.endswith("*"):
        return
    prefix = one.removesuffix("*")
    for old, new in OLD_TYPES.items():
        if old.startswith(prefix) and not new.startswith(prefix):
            warn_of_deprecated(f"the event {old}", new)
            yield new


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
