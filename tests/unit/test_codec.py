"""Between Python and the wire."""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest

from cstar_async import UNSET, InvalidArgumentError, from_dict, to_dict
from cstar_async._codec import encode_body, read_rows, to_wire, write_instant
from cstar_async.models import Ticket, TicketStatus


class Colour(enum.Enum):
    """Somebody's own enum."""

    RED = "red"


class Text(str):
    """Somebody's own text."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (None, None),
        (True, True),
        (0.5, 0.5),
        (Colour.RED, "red"),
        (Text("x"), "x"),
        (TicketStatus.OPEN, "open"),
        ((1, [2]), [1, [2]]),
        ({"a": {"b": ()}}, {"a": {"b": []}}),
        (date(2026, 3, 1), "2026-03-01"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00:00:00Z"),
    ],
)
def test_value_has_its_wire_form(value: object, wire: object) -> None:
    """The usual form of what JSON has no word for."""
    assert wire == to_wire(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"x", {1: 2}, {1, 2}, UNSET, datetime(2026, 3, 1)])  # noqa: DTZ001
def test_value_that_is_not_json_is_refused_with_its_place(value: object) -> None:
    """A caller finds it in a large body."""
    with pytest.raises(InvalidArgumentError, match=r"^\$\.a\[1\]"):
        to_wire({"a": [0, value]})


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2))), "2026-03-01T10:00:00Z"),
        (datetime(2026, 3, 1, 0, 0, 0, 5000, tzinfo=UTC), "2026-03-01T00:00:00.005Z"),
        (datetime(2026, 3, 1, 0, 0, 0, 5, tzinfo=UTC), "2026-03-01T00:00:00.000005Z"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))), "0001-01-01T00:00:00+02:00"),
    ],
)
def test_instant_is_written_in_utc_where_it_has_one(instant: datetime, text: str) -> None:
    """Fractions only where there are some; the ends of time keep their offset."""
    assert text == write_instant(instant, "$")


def test_extra_fields_go_over_those_of_the_body() -> None:
    """What the document does not know can still be sent."""
    assert b'{"a":2,"b":3}' == encode_body({"a": 1}, {"a": 2, "b": 3})


def test_body_that_is_no_object_takes_no_extra_fields() -> None:
    """They have no place to go."""
    with pytest.raises(InvalidArgumentError):
        encode_body([1], {"a": 2})


def test_body_that_contains_itself_is_refused() -> None:
    """Not a RecursionError."""
    body: dict[str, object] = {}
    body["self"] = body
    with pytest.raises(InvalidArgumentError):
        encode_body(body, None)


def test_model_that_contains_itself_has_no_wire_form() -> None:
    """Not a RecursionError either."""
    ticket = from_dict(Ticket, {"id": "tkt_1", "new": []})
    ticket.extra["new"].append(ticket)
    with pytest.raises(InvalidArgumentError, match="contains itself"):
        to_dict(ticket)


@pytest.mark.parametrize("value", [2**64, "\ud800"])
def test_body_that_json_on_the_wire_cannot_hold_is_refused(value: object) -> None:
    """Nothing of orjson escapes."""
    with pytest.raises(InvalidArgumentError):
        encode_body({"a": value}, None)


@pytest.mark.parametrize("data", [None, [], "x", 5])
def test_model_is_read_from_an_object_only(data: dict[str, object]) -> None:
    """Anything else is the caller's mistake."""
    with pytest.raises(InvalidArgumentError):
        from_dict(Ticket, data)


def test_wire_form_of_what_is_no_model_is_refused() -> None:
    """A dict has no wire names."""
    model: Ticket = {}  # type: ignore[assignment]
    with pytest.raises(InvalidArgumentError):
        to_dict(model)


def test_rows_that_are_no_objects_stay_as_they_came() -> None:
    """Null does not become a model."""
    rows = read_rows(Ticket, [{"id": "tkt_1"}, None, 5])
    assert ["tkt_1", None, 5] == [rows[0].id, *rows[1:]]


def test_nulls_and_unknown_fields_go_back_as_they_should() -> None:
    """Known nulls are left out, unknown fields are kept."""
    assert {"id": "tkt_1", "new": None} == to_dict(from_dict(Ticket, {"id": "tkt_1", "title": None, "new": None}))
