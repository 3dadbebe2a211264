"""What decoders are made of: tolerant readers of single values, lists and maps."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cstar_async._model import decoding as _wire

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def _tag(wire: dict[str, Any]) -> tuple[str, int]:
    return ("read", len(wire))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-01T12:30:00Z", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("2026-03-01T12:30:00.123Z", datetime(2026, 3, 1, 12, 30, 0, 123000, tzinfo=UTC)),
        ("2026-03-01T12:30:00+02:00", datetime(2026, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))),
        ("2026-03-01T12:30:00", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("20260301T1230", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
    ],
)
def test_instant_is_aware(text: str, instant: datetime) -> None:
    """An instant keeps its offset, and is in UTC where it names none."""
    found = _wire.parse_datetime(text)

    assert (instant, instant.utcoffset()) == (found, found.utcoffset())


@pytest.mark.parametrize(
    "value",
    [
        "soon",
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
def test_what_is_no_instant_stays(value: object) -> None:
    """Anything else is passed through as it came."""
    assert value is _wire.parse_datetime(value)


@pytest.mark.parametrize("value", [None, 5, "text", True, 1.5])
def test_what_is_no_container_stays(value: object) -> None:
    """Every reader passes on what it is not for."""
    found = (
        _wire.read_list(_tag, value),
        _wire.read_values(_wire.parse_datetime, value),
        _wire.read_map(_tag, value),
    )

    assert all(one is value for one in found)


def test_list_is_read_item_by_item() -> None:
    """Objects of a list are read, and what is none stays in its place."""
    assert [("read", 1), None, 5, ("read", 0)] == _wire.read_list(_tag, [{"a": 1}, None, 5, {}])


def test_values_are_read_one_by_one() -> None:
    """Every item of a list goes to the reader, which passes on what it cannot read."""
    assert [datetime(2026, 3, 1, tzinfo=UTC), None, "soon"] == _wire.read_values(
        _wire.parse_datetime, ["2026-03-01T00:00:00Z", None, "soon"]
    )


def test_map_is_read_value_by_value() -> None:
    """Objects of a map are read, and what is none stays under its key."""
    assert {"a": ("read", 0), "b": None} == _wire.read_map(_tag, {"a": {}, "b": None})


def test_extra_is_what_is_not_known() -> None:
    """Unknown fields are kept as they came, known ones are not among them."""
    assert {"b": [1]} == _wire.pop_unknown_fields({"a": None}, {"a": 1, "b": [1]})


def test_unknown_fields_are_taken_out_of_the_union_with_the_known_ones() -> None:
    """In the order of the wire, and what is left is in the order of the document."""
    known = {"a": None, "b": None}
    found = known | {"z": 1, "b": 2, "y": 3}
    assert [("z", 1), ("y", 3)] == list(_wire.pop_unknown_fields(known, found).items())
    assert [("a", None), ("b", 2)] == list(found.items())


@pytest.mark.parametrize(
    "write",
    [
        lambda extra: extra.update(a=1),
        lambda extra: extra.setdefault("a", 1),
        lambda extra: extra.__setitem__("a", 1),
        lambda extra: extra.__ior__({"a": 1}),
    ],
)
def test_nothing_can_be_written_into_what_all_models_share(write: Callable[[Any], object]) -> None:
    """A field that one model got would be a field of all."""
    with pytest.raises(TypeError, match=r"^the unknown fields of a model are read, not written; make the model with extra=$"):
        write(_wire.EMPTY_EXTRA)
    assert {} == _wire.EMPTY_EXTRA


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda extra: pickle.loads(pickle.dumps(extra))])
def test_no_extra_stays_one_object(again: Callable[[object], object]) -> None:
    """However it is copied."""
    assert again(_wire.EMPTY_EXTRA) is _wire.EMPTY_EXTRA


@pytest.mark.parametrize(("tag", "reader"), [("a", 1), ("b", 2), ("c", 9), (None, 9), (5, 9), (["a"], 9)])
def test_reader_is_chosen_by_its_tag(tag: object, reader: int) -> None:
    """The fallback for a tag that is unknown, missing or no text."""
    assert reader == _wire.select_reader({"a": 1, "b": 2}, tag, 9)


def test_every_field_begins_with_a_list_of_its_own() -> None:
    """What one model appends is in no other."""
    _wire.no_items().append(1)
    assert [] == _wire.no_items()


def test_new_makes_an_instance_without_init() -> None:
    """A decoder sets the fields itself."""

    class Thing:
        def __init__(self) -> None:
            raise AssertionError

    assert isinstance(_wire.new_instance(Thing), Thing)


@given(ANY_JSON)
def test_no_value_makes_a_reader_raise(value: object) -> None:
    """Nothing that JSON can hold breaks a reader."""
    _wire.parse_datetime(value)
    _wire.read_list(_tag, value)
    _wire.read_values(_wire.parse_datetime, value)
    _wire.read_map(_tag, value)


@given(st.datetimes(timezones=st.just(UTC)))
def test_instant_comes_back(instant: datetime) -> None:
    """What is written in ISO 8601 is read as the same instant."""
    assert instant == _wire.parse_datetime(instant.isoformat())
