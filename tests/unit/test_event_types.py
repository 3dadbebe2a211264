"""The event types that handlers and streams name, and which events are of them."""

from __future__ import annotations

from typing import Any

import pytest

from cstar_async import InvalidArgumentError
from cstar_async.models import Ticket
from cstar_async.webhooks import TicketCreated, TicketUpdated, UnknownEvent, WebhookEvent, event_from_dict
from cstar_async.webhooks._arguments import OLD_TYPES, matches, validate_types


def test_types_patterns_and_classes_are_taken() -> None:
    """As they are, from any iterable."""
    given = ("ticket.created", "ticket.*", "*", "something.new", TicketCreated, UnknownEvent, WebhookEvent)
    assert given == validate_types(iter(given))
    assert () == validate_types([])


@pytest.mark.parametrize(
    ("wrong", "got"), [("", "''"), (None, "None"), (5, "5"), (b"ticket.created", "b'ticket.created'"), (Ticket, repr(Ticket))]
)
def test_what_is_no_type_is_refused(wrong: Any, got: str) -> None:
    """Wherever it is among the types."""
    expected = "event types such as 'ticket.created', patterns such as 'ticket.*', or event classes"
    with pytest.raises(InvalidArgumentError) as caught:
        validate_types(["ticket.created", wrong])
    assert f"types must be {expected}, got {got}" == str(caught.value)


def test_old_name_of_a_type_becomes_the_present_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a warning that names both."""
    monkeypatch.setitem(OLD_TYPES, "ticket.made", "ticket.created")
    with pytest.warns(DeprecationWarning, match=r"^the event ticket\.made is now ticket\.created$"):
        assert ("ticket.created", "ticket.updated") == validate_types(["ticket.made", "ticket.updated"])


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (["ticket.created"], True),
        (["ticket.updated", "ticket.created"], True),
        (["ticket.*"], True),
        (["ticket.c*"], True),
        (["*"], True),
        (["ticket.created*"], True),
        ([TicketCreated], True),
        ([WebhookEvent], True),
        ([TicketUpdated, TicketCreated], True),
        ([], False),
        (["ticket"], False),
        (["ticket."], False),
        (["ticket.createdX", "ticket.create", "customer.*"], False),
        (["*.created"], False),
        (["ticket.created.*"], False),
        ([TicketUpdated, UnknownEvent], False),
    ],
)
def test_event_is_of_a_type_a_pattern_or_a_class(types: list[str | type[WebhookEvent]], expected: bool) -> None:
    """A pattern ends with an asterisk, which is any text; one of several is enough."""
    event = event_from_dict({"id": "evt_1", "type": "ticket.created", "data": {}})
    assert expected is matches(event, types)


def test_pattern_gets_an_event_that_went_to_another_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its old type, with a warning; a pattern that matches both types does not warn."""
    monkeypatch.setitem(OLD_TYPES, "pet.fed", "animal.fed")
    with pytest.warns(DeprecationWarning, match=r"pet\.fed"):
        assert validate_types(["pet.*"]) == ("pet.*", "animal.fed")
    assert validate_types(["*", "animal.*"]) == ("*", "animal.*")
