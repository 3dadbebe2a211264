"""Which events a handler or a stream wants: types, patterns and classes."""

from __future__ import annotations

from collections.abc import Iterable

from cstar_async._model.event import WebhookEvent
from cstar_async._types import is_str


def is_event_filter(kind: object) -> bool:
    """Whether something can be asked for: a type, a wildcard, or a class of events."""
    return (is_str(kind) and kind != "") or (isinstance(kind, type) and issubclass(kind, WebhookEvent))


def matches_filter(event: WebhookEvent, kinds: Iterable[str | type[WebhookEvent]]) -> bool:
    """Whether an event is of one of the kinds: an exact type, the types before a `*`, or a class."""
    for kind in kinds:
        if isinstance(kind, type):
            if isinstance(event, kind):
                return True
        elif kind == event.type or (kind.endswith("*") and event.type.startswith(kind.removesuffix("*"))):
            return True
    return False
