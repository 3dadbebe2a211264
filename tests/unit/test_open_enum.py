"""Enumerations that stay open."""

from __future__ import annotations

import copy
import pickle

import pytest

from cstar_async.models import TicketStatus


@pytest.mark.parametrize("text", ["open", "snoozed", "", "ü"])
def test_member_survives_pickle_and_copies_with_its_class(text: str) -> None:
    """Known or not."""
    member = TicketStatus.read(text)
    for again in (pickle.loads(pickle.dumps(member)), copy.copy(member), copy.deepcopy(member)):
        assert (text, TicketStatus) == (again, type(again))


def test_known_members_come_in_the_documents_order() -> None:
    """For menus."""
    assert ("new", "open", "pending", "resolved", "closed") == TicketStatus.known()


def test_unknown_text_is_a_member_that_says_so_and_is_not_kept() -> None:
    """A server could fill the memory."""
    assert TicketStatus.read("snoozed").is_known is False
    assert 5 == len(TicketStatus.known())


@pytest.mark.parametrize("value", [None, 5, True, []])
def test_value_that_is_no_text_stays_as_it_came(value: object) -> None:
    """Never coerced."""
    assert value is TicketStatus.read(value)


def test_member_matches_its_text() -> None:
    """In a match statement."""
    match TicketStatus.OPEN:
        case "open":
            found = True
        case _:
            found = False
    assert found
