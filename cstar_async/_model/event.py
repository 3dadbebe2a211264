"""The fields that every webhook event has, and their decoding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import ClassVar, Final, TypeVar

import attrs

from cstar_async._model.decoding import EMPTY_EXTRA, parse_datetime, pop_unknown_fields
from cstar_async._model.model import Model
from cstar_async._types import JSON, UntypedJSON, is_object

E = TypeVar("E", bound="WebhookEvent")


@attrs.frozen(kw_only=True, repr=False)
class WebhookEvent(Model):
    """An event of cStar, received by a webhook or from the event stream.

    Each documented type has a class with typed `data`; an event of any other type is an `UnknownEvent`. A missing field is None.

    Source: Webhook reference, Payload (documented).
    """

    __wire_names__: ClassVar[Mapping[str, str]] = {name: name for name in ("id", "type", "created_at", "team_id", "data")}

    id: str
    """Event ID; duplicates are recognised by it."""
    type: str
    """The event type, such as `ticket.created`."""
    created_at: datetime
    """The time of the event."""
    team_id: str
    """The id of the team."""
    data: object
    """What the event is about."""
    extra: Mapping[str, JSON] = EMPTY_EXTRA
    """Unknown fields, such as the repeated fields of a flat payload."""

    def _loggable_fields(self) -> Iterable[tuple[str, object]]:
        values: dict[str, UntypedJSON] = {"id": self.id, "type": self.type}
        return [(name, value) for name, value in values.items() if isinstance(value, (str, int))]


@attrs.frozen(kw_only=True, repr=False)
class UnknownEvent(WebhookEvent):
    """An event of a type that the document does not list."""

    data: JSON
    """What the event is about, as received."""


def event_decoder(
    event: type[E], decode_data: Callable[[dict[str, UntypedJSON]], UntypedJSON] | None, resource: str = ""
) -> Callable[[dict[str, UntypedJSON]], E]:
    """Make the decoder of a class of events. *decode_data* decodes its `data`; None leaves it as received.

    *resource* is the key of the resource in `data`; in the oldest payloads `data` is the resource itself.
    """

    def decode(wire: dict[str, UntypedJSON]) -> E:
        fields = _DEFAULT_FIELDS | wire
        data = fields["data"]
        return event(
            id=fields["id"],
            type=fields["type"],
            created_at=parse_datetime(fields["created_at"]),
            team_id=fields["team_id"],
            data=data if decode_data is None else decode_data(_normalize_data(data, resource)),
            extra=pop_unknown_fields(_DEFAULT_FIELDS, fields) or EMPTY_EXTRA,
        )

    return decode


def _normalize_data(data: UntypedJSON, resource: str) -> dict[str, UntypedJSON]:
    """Put the oldest form under its key, and any other value than an object into an unknown field."""
    if not is_object(data):
        return {} if data is None else {"data": data}
    # A null under the key counts as missing, because nulls are not written back.
    return {resource: data} if "id" in data and data.get(resource) is None else data


_DEFAULT_FIELDS: Final[dict[str, UntypedJSON]] = dict.fromkeys(WebhookEvent.__wire_names__.values())

DECODERS: Final[Mapping[type[WebhookEvent], Callable[[dict[str, UntypedJSON]], WebhookEvent]]] = {
    WebhookEvent: event_decoder(WebhookEvent, None),
    UnknownEvent: event_decoder(UnknownEvent, None),
}
"""The decoder of each class of this module."""
