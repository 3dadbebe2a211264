"""What every event has: the frame around its data, and how it is read, whatever the data turns out to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar, Final, TypeVar

import attrs

from cstar_async._model.decoding import EMPTY_EXTRA, parse_datetime, pop_unknown_fields
from cstar_async._model.model import Model
from cstar_async._types import JSON, UntypedJSON, is_object

E = TypeVar("E", bound="WebhookEvent")


@attrs.frozen(kw_only=True, repr=False)
class WebhookEvent(Model):
    """Something that happened at cStar, as it was told to a webhook or over the event stream.

    Each documented type has a class of its own with typed `data`; an event of any other type is an `UnknownEvent`. A field that did
    not arrive is None.

    Source: Webhook reference, Payload (documented).
    """

    __wire_names__: ClassVar[Mapping[str, str]] = {
        "id": "id",
        "type": "type",
        "created_at": "created_at",
        "team_id": "team_id",
        "data": "data",
    }

    id: str
    """Its id, the key by which repeats are dropped."""
    type: str
    """What happened, such as `ticket.created`."""
    created_at: datetime
    """When it happened."""
    team_id: str
    """The team in which it happened."""
    data: object
    """What it is about."""
    extra: Mapping[str, JSON] = EMPTY_EXTRA
    """What else stood beside these, such as the repeated fields of a flat payload."""

    def __repr__(self) -> str:
        """The class, the id and the type: no word of what a person wrote."""
        return f"{type(self).__name__}(id={self.id!r}, type={self.type!r})"


@attrs.frozen(kw_only=True, repr=False)
class UnknownEvent(WebhookEvent):
    """An event of a type that the document does not know yet."""

    data: JSON
    """What it is about, as it came."""


def event_reader(
    kind: type[E], read_data: Callable[[dict[str, UntypedJSON]], UntypedJSON] | None, resource: str = ""
) -> Callable[[dict[str, UntypedJSON]], E]:
    """Make the function that reads a class of events.

    Args:
        kind: The class.
        read_data: What reads its `data`; None: it is handed out as it came.
        resource: The key under which `data` has the thing that the event is about; in the oldest payloads `data` is that thing.
    """

    def read(wire: dict[str, UntypedJSON]) -> E:
        found = _DEFAULT_FIELDS | wire
        data = found["data"]
        return kind(
            id=found["id"],
            type=found["type"],
            created_at=parse_datetime(found["created_at"]),
            team_id=found["team_id"],
            data=data if read_data is None else read_data(_keyed(data, resource)),
            extra=pop_unknown_fields(_DEFAULT_FIELDS, found) or EMPTY_EXTRA,
        )

    return read


def _keyed(data: UntypedJSON, resource: str) -> dict[str, UntypedJSON]:
    """`data` as the object that it should be: the oldest form put under its key, and what is no object kept as an unknown field."""
    if not is_object(data):
        return {} if data is None else {"data": data}
    # A null under the key is as good as none: what is written back has no nulls, and is to be read as the same.
    return {resource: data} if "id" in data and data.get(resource) is None else data


_DEFAULT_FIELDS: Final[dict[str, UntypedJSON]] = dict.fromkeys(WebhookEvent.__wire_names__.values())

DECODERS: Final[Mapping[type[WebhookEvent], Callable[[dict[str, UntypedJSON]], WebhookEvent]]] = {
    WebhookEvent: event_reader(WebhookEvent, None),
    UnknownEvent: event_reader(UnknownEvent, None),
}
"""How the classes of this module are read."""
