"""Enums that stay open."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from cstar_async import InvalidArgumentError
from cstar_async._model.open_enum import OpenEnum
from cstar_async.models import TicketStatus


@pytest.mark.parametrize("value", ["open", "snoozed", "", "ü"])
def test_member_survives_pickle_and_copies_with_its_class(value: str) -> None:
    """Known or not."""
    member = TicketStatus.__decode__(value)
    for again in (pickle.loads(pickle.dumps(member)), copy.copy(member), copy.deepcopy(member)):
        assert (value, TicketStatus) == (again, type(again))


def test_known_values_are_in_the_order_of_the_document() -> None:
    """A menu can list them."""
    assert ("new", "open", "pending", "resolved", "closed") == TicketStatus.known_values()


def test_unknown_value_is_a_member_that_is_not_stored() -> None:
    """Otherwise a server could fill the memory."""
    assert (False, False) == (TicketStatus.__decode__("snoozed").is_known, TicketStatus("snoozed").is_known)
    assert 5 == len(TicketStatus.known_values())


@pytest.mark.parametrize("value", [None, 5, True, []])
def test_value_that_is_no_str_stays_as_received(value: object) -> None:
    """It is never coerced."""
    assert value is TicketStatus.__decode__(value)


def test_member_matches_its_value() -> None:
    """A match statement compares it as a str."""
    match TicketStatus.OPEN:
        case "open":
            found = True
        case _:
            found = False
    assert found


@pytest.mark.parametrize("value", [None, 5, b"open", ["open"]])
def test_what_is_no_str_is_refused(value: Any) -> None:
    """None must not become the str `None`."""
    with pytest.raises(InvalidArgumentError, match="TicketStatus must be a str, got"):
        TicketStatus(value)


@pytest.fixture
def level() -> Any:
    """Return an enum, as it is generated, with an old name of a value and an old value."""

    class Level(OpenEnum, known={"LOW": "low", "HIGH": "high", "TOP": "high", "OLD": "old"}, deprecated=("TOP", "OLD")):
        pass

    return Level


def test_constants_are_the_members(level: Any) -> None:
    """The same objects that decoding gives, of the class."""
    assert ("low", level) == (level.LOW, type(level.LOW))
    assert level.LOW is level.__decode__("low")
    assert level.HIGH is level.__decode__("high")
    assert ("low", "high", "old") == level.known_values()
    assert (True, False) == (level("low").is_known, level("LOW").is_known)
    other = level.__decode__("other")
    assert ("other", level, False) == (other, type(other), other.is_known)


@pytest.mark.parametrize(
    ("name", "value", "message"), [("TOP", "high", r"^Level\.TOP is now HIGH$"), ("OLD", "old", r"^Level\.OLD is deprecated$")]
)
def test_deprecated_constant_warns(level: Any, name: str, value: str, message: str) -> None:
    """With the present name of its value, if there is one."""
    with pytest.warns(DeprecationWarning, match=message):
        found = getattr(level, name)
    assert (value, level) == (found, type(found))


def test_value_is_deprecated_if_all_its_names_are(level: Any) -> None:
    """Most enums have none."""
    assert ({"old"}, frozenset()) == (level.__deprecated_values__, TicketStatus.__deprecated_values__)
