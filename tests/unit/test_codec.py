"""Conversion of values and models to JSON and back."""

from __future__ import annotations

import enum
import math
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any
from uuid import UUID

import pytest

from cstar_async import UNSET, InvalidArgumentError, from_dict, to_dict
from cstar_async._model.codec import decode_item, decode_items, encode_body, to_wire
from cstar_async._model.decoding import format_datetime
from cstar_async._model.model import Model
from cstar_async.models import Ticket, TicketCreate, TicketStatus, TicketUpdate
from tests.unit.clocks import far_from_utc


class Colour(enum.Enum):
    """Somebody's own enum."""

    RED = "red"


class Text(str):
    """Somebody's own str."""

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
    """Values that JSON does not have take their usual form."""
    assert wire == to_wire(value)


class Odd(enum.Enum):
    """Somebody's own enum of what JSON cannot hold."""

    THING = b"x"


class Nowhere(tzinfo):
    """A zone that names no offset."""

    def utcoffset(self, _: datetime | None, /) -> None:
        """None: as if there were no zone."""


ZONE = "must be a datetime with a time zone, got one without; use datetime.now(UTC)"


@pytest.mark.parametrize(
    ("value", "path", "expected"),
    [
        (float("nan"), "", "must be a finite number, got nan"),
        (float("inf"), "", "must be a finite number, got inf"),
        (object(), "", "must be a JSON value, got object"),
        (b"x", "", "must be a JSON value, got bytes"),
        (Odd.THING, "", "must be a JSON value, got bytes"),
        ({1: 2}, "", "must have keys of type str, got int"),
        ({1, 2}, "", "must be a JSON value, got set"),
        (UNSET, "", "must be a JSON value, got Unset"),
        (datetime(2026, 3, 1), "", ZONE),  # noqa: DTZ001
        (datetime(2026, 3, 1, tzinfo=Nowhere()), "", ZONE),
        (TicketUpdate(title=b"x"), ".title", "must be a JSON value, got bytes"),  # type: ignore[arg-type]
        (from_dict(Ticket, {"id": "t", "new": {"deep": b"x"}}), ".new.deep", "must be a JSON value, got bytes"),  # type: ignore[dict-item]
    ],
)
def test_value_that_is_not_json_is_refused_with_its_path(value: object, path: str, expected: str) -> None:
    """So it can be found in a large body."""
    with pytest.raises(InvalidArgumentError) as caught:
        to_wire({"a": [0, value]})
    assert f"$.a[1]{path} {expected}" == caught.value.message


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2))), "2026-03-01T10:00:00Z"),
        (datetime(2026, 3, 1, 0, 0, 0, 5000, tzinfo=UTC), "2026-03-01T00:00:00.005Z"),
        (datetime(2026, 3, 1, 0, 0, 0, 5, tzinfo=UTC), "2026-03-01T00:00:00.000005Z"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))), "0001-01-01T00:00:00+02:00"),
    ],
)
def test_datetime_is_formatted_in_utc(value: datetime, text: str) -> None:
    """Fractions of a second only if there are any. The first and the last day of all keep their offset."""
    with far_from_utc():
        assert text == format_datetime(value, "$")


def test_extra_fields_override_those_of_the_body() -> None:
    """Fields that the document does not list can be sent."""
    assert b'{"a":2,"b":3}' == encode_body({"a": 1}, {"a": 2, "b": 3})


def test_extra_field_that_is_not_json_is_refused_with_its_path() -> None:
    """As every other."""
    with pytest.raises(InvalidArgumentError) as caught:
        encode_body({}, {"a": {"b": b"x"}})  # type: ignore[dict-item]
    assert "$.a.b must be a JSON value, got bytes" == caught.value.message


def test_body_that_is_no_object_takes_no_extra_fields() -> None:
    """There is nothing to add them to."""
    with pytest.raises(InvalidArgumentError) as caught:
        encode_body([1], {"a": 2})
    assert "the body must be an object to take extra_body, got list" == caught.value.message


def test_extra_fields_that_are_no_mapping_are_refused() -> None:
    """A list of pairs is not one."""
    with pytest.raises(InvalidArgumentError) as caught:
        encode_body({}, [("a", 1)])  # type: ignore[arg-type]
    assert "extra_body must be a mapping, got list" == caught.value.message


TOO_DEEP = "must be of limited depth, got a value that contains itself or is nested too deeply"


def test_body_that_contains_itself_is_refused() -> None:
    """Not a RecursionError."""
    body: dict[str, object] = {}
    body["self"] = body
    with pytest.raises(InvalidArgumentError) as caught:
        encode_body(body, None)
    assert f"the body {TOO_DEEP}" == caught.value.message


def test_model_that_contains_itself_has_no_wire_form() -> None:
    """Not a RecursionError either."""
    ticket = from_dict(Ticket, {"id": "tkt_1", "new": []})
    ticket.extra["new"].append(ticket)
    with pytest.raises(InvalidArgumentError) as caught:
        to_dict(ticket)
    assert f"model {TOO_DEEP}" == caught.value.message


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("title", object(), "$.title must be a JSON value, got object"),
        ("tags", [object()], "$.tags[0] must be a JSON value, got object"),
        ("extra", {"new": {"a": math.nan}}, "$.new.a must be a finite number, got nan"),
    ],
)
def test_error_of_a_model_names_the_field(field: str, value: object, message: str) -> None:
    """By its path in the wire form."""
    ticket = from_dict(Ticket, {"id": "tkt_1"})
    setattr(ticket, field, value)
    with pytest.raises(InvalidArgumentError) as caught:
        to_dict(ticket)
    assert message == caught.value.message


def test_model_without_unknown_fields_has_a_wire_form() -> None:
    """Models of requests have no `extra`."""
    assert {"title": "Help"} == to_dict(TicketCreate(title="Help"))


@pytest.mark.parametrize("value", [2**64, "\ud800"])
def test_body_that_json_on_the_wire_cannot_hold_is_refused(value: object) -> None:
    """The error of orjson becomes ours, with its message."""
    with pytest.raises(InvalidArgumentError, match=r"^the body must be JSON, got a value that has none: ."):
        encode_body({"a": value}, None)


@pytest.mark.parametrize("data", [None, [], "x", 5])
def test_model_is_read_from_a_mapping_only(data: dict[str, Any]) -> None:
    """Anything else is the caller's mistake."""
    with pytest.raises(InvalidArgumentError) as caught:
        from_dict(Ticket, data)
    assert f"data of Ticket must be a mapping, got {type(data).__name__}" == caught.value.message


@pytest.mark.parametrize(
    "model", [int, dict[str, Any], "Ticket", None, Model, type("Later", (Model,), {}), [], from_dict(Ticket, {})]
)
def test_only_models_are_read(model: Any) -> None:
    """Any other argument is refused, a class or not."""
    with pytest.raises(InvalidArgumentError) as caught:
        from_dict(model, {})
    assert f"model must be a class of cstar_async.models, got {model!r}" == caught.value.message


def test_only_models_have_a_wire_form() -> None:
    """A dict has no wire names."""
    model: Ticket = {}  # type: ignore[assignment]
    with pytest.raises(InvalidArgumentError) as caught:
        to_dict(model)
    assert "model must be an instance of a model class, got dict" == caught.value.message


def test_object_is_decoded_to_its_model() -> None:
    """With the generated decoder."""
    ticket: Ticket = decode_item(Ticket, {"id": "tkt_1"})
    assert (Ticket, "tkt_1") == (type(ticket), ticket.id)


def test_free_json_stays_as_received() -> None:
    """It is not even copied."""
    item: dict[str, Any] = {"id": 1}
    items: list[Any] = [item, None]
    assert decode_item(dict[str, Any], item) is item
    assert decode_items(dict[str, Any], items) is items


def test_request_model_has_the_fields_that_were_given() -> None:
    """None clears a field. UNSET is not sent."""
    assert {"title": "x", "assignedTo": None} == to_wire(TicketUpdate(title="x", assigned_to=None))


def test_items_that_are_no_objects_stay_as_received() -> None:
    """Null does not become a model."""
    items = decode_items(Ticket, [{"id": "tkt_1"}, None, 5])
    assert ["tkt_1", None, 5] == [items[0].id, *items[1:]]


def test_nulls_of_known_fields_are_left_out() -> None:
    """Unknown fields are kept, also if they are null."""
    assert {"id": "tkt_1", "new": None} == to_dict(from_dict(Ticket, {"id": "tkt_1", "title": None, "new": None}))
