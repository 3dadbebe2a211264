"""Enums that stay open."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from cstar_async import InvalidArgumentError
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
