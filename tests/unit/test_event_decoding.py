"""Event payloads in all their forms become events of a class."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cstar_async._model.event import UnknownEvent, event_decoder

WIRE = {"id": "evt_1", "type": "toy.made", "created_at": "2026-03-06T14:30:00Z", "team_id": "team_1", "data": {"toy": {"id": "a"}}}


def decoded_data(data: object) -> Any:
    """Return what the decoder of the data of an event gets."""
    return event_decoder(UnknownEvent, lambda fields: fields, "toy")({**WIRE, "data": data}).data


def test_event_has_the_fields_of_its_payload() -> None:
    """Unknown ones are kept, and the data stays as received without a decoder. The payload is not changed."""
    wire = {**WIRE, "new": 5}
    event = event_decoder(UnknownEvent, None)(wire)
    assert ("evt_1", "toy.made", "team_1") == (event.id, event.type, event.team_id)
    assert datetime(2026, 3, 6, 14, 30, tzinfo=UTC) == event.created_at
    assert event.data is WIRE["data"]
    assert {"new": 5} == event.extra
    assert {**WIRE, "new": 5} == wire


def test_missing_field_is_none() -> None:
    """Nothing of a payload is required."""
    event = event_decoder(UnknownEvent, None)({})
    assert [None] * 5 == [event.id, event.type, event.created_at, event.team_id, event.data]
    assert {} == event.extra


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"toy": {"id": "a"}, "old": 1}, {"toy": {"id": "a"}, "old": 1}),
        ({"toy": {"id": "a"}, "id": "b"}, {"toy": {"id": "a"}, "id": "b"}),
        ({"id": "a", "name": "x"}, {"toy": {"id": "a", "name": "x"}}),
        ({"id": "a", "toy": None}, {"toy": {"id": "a", "toy": None}}),
        ({"name": "x"}, {"name": "x"}),
        (None, {}),
        (5, {"data": 5}),
        ([], {"data": []}),
    ],
)
def test_resource_is_under_its_key(data: object, expected: object) -> None:
    """Where the data is the resource itself, as in the oldest payloads; what is no object is an unknown field."""
    assert expected == decoded_data(data)
