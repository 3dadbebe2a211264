"""Between Python and the wire."""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any
from uuid import UUID

import pytest

from cstar_async import UNSET, InvalidArgumentError, from_dict, to_dict
from cstar_async._model.codec import converter, encode_body, read_row, read_rows, to_wire
from cstar_async._model.decoding import format_datetime
from cstar_async.models import Ticket, TicketStatus, TicketUpdate
from tests.unit.clocks import far_from_utc


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


class Odd(enum.Enum):
    """Somebody's own enum of what JSON cannot hold."""

    THING = b"x"


class Nowhere(tzinfo):
    """A zone that names no offset."""

    def utcoffset(self, _: datetime | None, /) -> None:
        """None: as if there were no zone."""


ZONE = "an instant needs a time zone, such as datetime.now(UTC)"


@pytest.mark.parametrize(
    ("value", "place", "said"),
    [
        (float("nan"), "", "nan is not JSON"),
        (float("inf"), "", "inf is not JSON"),
        (object(), "", "object is not JSON"),
        (b"x", "", "bytes is not JSON"),
        (Odd.THING, "", "bytes is not JSON"),
        ({1: 2}, "", "a key of a JSON object is a text, not int"),
        ({1, 2}, "", "set is not JSON"),
        (UNSET, "", "Unset is not JSON"),
        (datetime(2026, 3, 1), "", ZONE),  # noqa: DTZ001
        (datetime(2026, 3, 1, tzinfo=Nowhere()), "", ZONE),
        (TicketUpdate(title=b"x"), ".title", "bytes is not JSON"),  # type: ignore[arg-type]
        (from_dict(Ticket, {"id": "t", "new": {"deep": b"x"}}), ".new.deep", "bytes is not JSON"),  # type: ignore[dict-item]
    ],
)
def test_value_that_is_not_json_is_refused_with_its_place(value: object, place: str, said: str) -> None:
    """A caller finds it in a large body."""
    with pytest.raises(InvalidArgumentError) as caught:
        to_wire({"a": [0, value]})
    assert f"$.a[1]{place}: {said}" == caught.value.message


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
    with far_from_utc():
        assert text == format_datetime(instant, "$")


def test_extra_fields_go_over_those_of_the_body() -> None:
    """What the document does not know can still be sent."""
    assert b'{"a":2,"b":3}' == encode_body({"a": 1}, {"a": 2, "b": 3})


def test_extra_field_that_is_not_json_is_refused_with_its_place() -> None:
    """As every other."""
    with pytest.raises(InvalidArgumentError) as caught:
        encode_body({}, {"a": {"b": b"x"}})  # type: ignore[dict-item]
    assert "$.a.b: bytes is not JSON" == caught.value.message


def test_body_that_is_no_object_takes_no_extra_fields() -> None:
    """They have no place to go."""
    with pytest.raises(InvalidArgumentError) as caught:
        encode_body([1], {"a": 2})
    assert "extra_body needs a JSON object to go into" == caught.value.message


def test_extra_fields_that_are_no_mapping_are_refused() -> None:
    """A list of pairs is not one."""
    with pytest.raises(InvalidArgumentError) as caught:
        encode_body({}, [("a", 1)])  # type: ignore[arg-type]
    assert "extra_body is a mapping of names to JSON values" == caught.value.message


TOO_DEEP = "contains itself, or is nested too deeply for JSON"


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
    assert f"the model {TOO_DEEP}" == caught.value.message


@pytest.mark.parametrize("value", [2**64, "\ud800"])
def test_body_that_json_on_the_wire_cannot_hold_is_refused(value: object) -> None:
    """Nothing of orjson escapes but its sentence."""
    with pytest.raises(InvalidArgumentError, match=r"^the body is not JSON: ."):
        encode_body({"a": value}, None)


@pytest.mark.parametrize(("data", "words"), [(None, "null"), ([], "an array"), ("x", "a text"), (5, "a number")])
def test_model_is_read_from_an_object_only(data: dict[str, Any], words: str) -> None:
    """Anything else is the caller's mistake."""
    with pytest.raises(InvalidArgumentError) as caught:
        from_dict(Ticket, data)
    assert f"Ticket is read from an object, not from {words}" == caught.value.message


@pytest.mark.parametrize("kind", [int, dict[str, Any], "Ticket", None])
def test_only_models_are_read(kind: Any) -> None:
    """Whatever else is asked for, a class or not."""
    with pytest.raises(InvalidArgumentError) as caught:
        from_dict(kind, {})
    assert f"from_dict() makes objects of the classes of models, not {kind!r}" == caught.value.message


def test_wire_form_of_what_is_no_model_is_refused() -> None:
    """A dict has no wire names."""
    model: Ticket = {}  # type: ignore[assignment]
    with pytest.raises(InvalidArgumentError) as caught:
        to_dict(model)
    assert "to_dict() takes a model, not dict" == caught.value.message


def test_a_new_converter_reads_and_writes_models() -> None:
    """As the first call of a process finds it; what is no object comes through as it is."""
    made = converter.__wrapped__()
    ticket = made.structure({"id": "tkt_1", "x": 1}, Ticket)
    assert (Ticket, "tkt_1", {"x": 1}) == (type(ticket), ticket.id, ticket.extra)
    assert {"id": "tkt_1", "x": 1} == made.unstructure(ticket)
    assert 5 == made.structure(5, Ticket)


def test_a_converter_leaves_other_classes_to_cattrs() -> None:
    """Models are all that this package knows to read."""
    assert [1, 2] == converter.__wrapped__().structure(["1", "2"], list[int])


def test_row_is_read_as_its_model() -> None:
    """By the decoder that was generated for it."""
    ticket: Ticket = read_row(Ticket, {"id": "tkt_1"})
    assert (Ticket, "tkt_1") == (type(ticket), ticket.id)


def test_free_json_is_handed_out_as_it_came() -> None:
    """It is not even copied."""
    row: dict[str, Any] = {"id": 1}
    rows: list[Any] = [row, None]
    assert read_row(dict[str, Any], row) is row
    assert read_rows(dict[str, Any], rows) is rows


def test_model_of_a_request_writes_what_it_was_given() -> None:
    """None clears a field, what was not given is not sent."""
    assert {"title": "x", "assignedTo": None} == to_wire(TicketUpdate(title="x", assigned_to=None))


def test_rows_that_are_no_objects_stay_as_they_came() -> None:
    """Null does not become a model."""
    rows = read_rows(Ticket, [{"id": "tkt_1"}, None, 5])
    assert ["tkt_1", None, 5] == [rows[0].id, *rows[1:]]


def test_nulls_and_unknown_fields_go_back_as_they_should() -> None:
    """Known nulls are left out, unknown fields are kept."""
    assert {"id": "tkt_1", "new": None} == to_dict(from_dict(Ticket, {"id": "tkt_1", "title": None, "new": None}))
