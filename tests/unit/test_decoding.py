"""The helpers of generated decoders, which tolerate values of any type."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cstar_async._model import decoding

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def _decode(wire: dict[str, Any]) -> tuple[str, int]:
    return ("decoded", len(wire))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T12:30:00Z", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("2026-03-01T12:30:00.123Z", datetime(2026, 3, 1, 12, 30, 0, 123000, tzinfo=UTC)),
        ("2026-03-01T12:30:00+02:00", datetime(2026, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))),
        ("2026-03-01T12:30:00", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("2026-03-01T12:30:00z", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("2026-03-01t12:30:00.5z", datetime(2026, 3, 1, 12, 30, 0, 500000, tzinfo=UTC)),
        ("20260301T1230", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
    ],
)
def test_datetime_is_aware(text: str, expected: datetime) -> None:
    """It keeps its offset, and is in UTC if it has none."""
    parsed = decoding.parse_datetime(text)

    assert (expected, expected.utcoffset()) == (parsed, parsed.utcoffset())


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "z",
        "jazz",
        "2026-03-01z",
        "",
        "2026-13-01T00:00:00Z",
        "2026-03-01",
        "2026-W09-7",
        "20260301",
        None,
        5,
        5.5,
        True,
        [],
        {},
        datetime(2026, 3, 1, tzinfo=UTC),
    ],
)
def test_value_that_is_no_datetime_stays(value: object) -> None:
    """A date alone is none, because it has no time."""
    assert value is decoding.parse_datetime(value)


@pytest.mark.parametrize("value", [None, 5, "text", True, 1.5])
def test_value_that_is_no_container_stays(value: object) -> None:
    """Every decoder of containers passes it on."""
    decoded = (
        decoding.decode_list(_decode, value),
        decoding.decode_values(decoding.parse_datetime, value),
        decoding.decode_map(_decode, value),
    )

    assert all(one is value for one in decoded)


def test_objects_of_a_list_are_decoded() -> None:
    """Other items stay as they are."""
    assert [("decoded", 1), None, 5, ("decoded", 0)] == decoding.decode_list(_decode, [{"a": 1}, None, 5, {}])


def test_every_value_of_a_list_is_decoded() -> None:
    """The decoder passes on what it cannot decode."""
    assert [datetime(2026, 3, 1, tzinfo=UTC), None, "soon"] == decoding.decode_values(
        decoding.parse_datetime, ["2026-03-01T00:00:00Z", None, "soon"]
    )


def test_objects_of_a_map_are_decoded() -> None:
    """Other values stay as they are."""
    assert {"a": ("decoded", 0), "b": None} == decoding.decode_map(_decode, {"a": {}, "b": None})


def test_every_value_of_a_map_is_decoded() -> None:
    """Also those that are no objects. What is no map stays."""
    assert {"a": "1", "b": "{}"} == decoding.decode_map_values(str, {"a": 1, "b": {}})
    assert [None, [1], "x"] == [decoding.decode_map_values(str, value) for value in (None, [1], "x")]


@pytest.mark.parametrize(("value", "expected"), [("2026-03-01", date(2026, 3, 1)), ("2026-3-1", "2026-3-1"), (5, 5), (None, None)])
def test_date_is_parsed(value: object, expected: object) -> None:
    """Any other value stays."""
    assert expected == decoding.parse_date(value)


def test_unknown_fields_are_returned() -> None:
    """Known ones are not among them."""
    assert {"b": [1]} == decoding.pop_unknown_fields({"a": None}, {"a": 1, "b": [1]})


def test_unknown_fields_are_removed_from_the_union_with_the_defaults() -> None:
    """They are in the order of the response, the known fields in that of the document."""
    defaults = {"a": None, "b": None}
    fields = defaults | {"z": 1, "b": 2, "y": 3}
    assert [("z", 1), ("y", 3)] == list(decoding.pop_unknown_fields(defaults, fields).items())
    assert [("a", None), ("b", 2)] == list(fields.items())


@pytest.mark.parametrize(
    "write",
    [
        lambda extra: extra.update(a=1),
        lambda extra: extra.setdefault("a", 1),
        lambda extra: extra.__setitem__("a", 1),
        lambda extra: extra.__ior__({"a": 1}),
    ],
)
def test_shared_empty_extra_cannot_be_changed(write: Callable[[Any], object]) -> None:
    """A field of one model would be a field of all."""
    with pytest.raises(TypeError, match=r"^extra must not be changed; make the model with extra=$"):
        write(decoding.EMPTY_EXTRA)
    assert {} == decoding.EMPTY_EXTRA


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda extra: pickle.loads(pickle.dumps(extra))])
def test_empty_extra_stays_one_object(again: Callable[[object], object]) -> None:
    """However it is copied."""
    assert again(decoding.EMPTY_EXTRA) is decoding.EMPTY_EXTRA


@pytest.mark.parametrize(("tag", "decoder"), [("a", 1), ("b", 2), ("c", 9), (None, 9), (5, 9), (["a"], 9)])
def test_decoder_is_selected_by_its_tag(tag: object, decoder: int) -> None:
    """The fallback is for a tag that is unknown, missing or no str."""
    assert decoder == decoding.select_decoder({"a": 1, "b": 2}, tag, 9)


def test_every_field_has_a_default_list_of_its_own() -> None:
    """What is appended to one is in no other."""
    decoding.empty_list().append(1)
    assert [] == decoding.empty_list()


def test_new_instance_does_not_call_init() -> None:
    """A decoder sets the fields itself."""

    class Thing:
        def __init__(self) -> None:
            raise AssertionError

    assert isinstance(decoding.new_instance(Thing), Thing)


@given(ANY_JSON)
def test_no_value_makes_a_decoder_raise(value: object) -> None:
    """Whatever JSON can hold is decoded or passed on."""
    decoding.parse_datetime(value)
    decoding.decode_list(_decode, value)
    decoding.decode_values(decoding.parse_datetime, value)
    decoding.decode_map(_decode, value)


@given(st.datetimes(timezones=st.just(UTC)))
def test_datetime_comes_back(value: datetime) -> None:
    """The ISO 8601 form is parsed to the same datetime."""
    assert value == decoding.parse_datetime(value.isoformat())
