"""Deliveries become events: what is verified, what is refused, and which id is logged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cstar_async import SignatureError, StaleTimestampError
from cstar_async.errors import PayloadError
from cstar_async.webhooks import TicketCreated, UnknownEvent, construct_event, event_from_dict, sign
from cstar_async.webhooks._parsing import MAX_ID_LENGTH, find_event_id, id_of, parse_event

BODY = b'{"id": "evt_1", "type": "ticket.created", "data": {}}'
SECRET = "whsec_test"
SENT = 1_774_583_011
LEGACY = "sha256=ee52c8a0c7df8ba0bf5d8d73a5fc3a3a8b0fca6ecb2b8d47d4a5ab0ab8f0b9f8"


@pytest.mark.parametrize(
    ("settings", "age", "is_stale"),
    [
        ({}, 300, False),
        ({}, 300.5, True),
        ({}, -300.5, True),
        ({"tolerance": 10}, 10, False),
        ({"tolerance": 10}, 11, True),
        ({"tolerance": None}, 10**6, False),
    ],
)
def test_delivery_may_be_five_minutes_old(settings: dict[str, Any], age: float, is_stale: bool) -> None:
    """Or as old as the caller says."""
    header = sign(BODY, SECRET, timestamp=SENT)
    if is_stale:
        with pytest.raises(StaleTimestampError):
            construct_event(BODY, header, SECRET, now=SENT + age, **settings)
    else:
        event = construct_event(BODY, header, SECRET, now=SENT + age, **settings)
        assert (TicketCreated, "evt_1") == (type(event), event.id)


def test_legacy_signature_is_accepted_only_with_its_option() -> None:
    """It can be replayed. The option is given on, so a wrong one is still refused."""
    with pytest.raises(SignatureError, match="pass allow_legacy=True to accept it"):
        construct_event(BODY, LEGACY, SECRET)
    with pytest.raises(SignatureError, match="none of the secrets"):
        construct_event(BODY, LEGACY, SECRET, allow_legacy=True)


def test_body_is_verified_before_it_is_parsed() -> None:
    """Bytes of an unknown sender reach no parser."""
    with pytest.raises(SignatureError):
        construct_event(b"{", sign(BODY, SECRET, timestamp=SENT), SECRET, now=SENT)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "body must be JSON"),
        (b"{", "body must be JSON"),
        (b"[]", "an event must be a JSON object"),
        (b"null", "an event must be a JSON object"),
        (b"{}", "an event must have a `type`"),
        (b'{"type": 7}', "an event must have a `type`"),
    ],
)
def test_error_says_what_is_missing(body: bytes, message: str) -> None:
    """Without the body."""
    with pytest.raises(PayloadError) as caught:
        parse_event(body)
    assert (message, None) == (caught.value.message, caught.value.__cause__)


def test_event_is_of_the_class_of_its_type() -> None:
    """Any other one is an `UnknownEvent`."""
    known, other = parse_event(BODY), event_from_dict({"type": "something.new", "data": 5})
    assert (TicketCreated, UnknownEvent, 5) == (type(known), type(other), other.data)


@pytest.mark.parametrize(
    ("given", "expected"),
    [("evt_1", "evt_1"), ("e" * MAX_ID_LENGTH, "e" * 255), ("e" * 256, ""), (None, ""), (7, ""), ([], ""), ("", "")],
)
def test_id_that_cannot_be_stored_counts_as_missing(given: object, expected: str) -> None:
    """Thousands of ids are kept, so a long one is not; nor is another type."""
    assert expected == id_of(event_from_dict({"type": "ticket.created", "id": given}))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (BODY, "evt_1"),
        (b'{"id":"evt_1"', "evt_1"),
        (b'{"type": "a", "id" : "evt.1:b-2", "data": {"id": "tkt_1"', "evt.1:b-2"),
        (b'{"data": {"id": "tkt_1"}, "id": "evt_1"}', "an event without an id"),
        (json.dumps({"type": "a", "data": {"ticket": {"id": "tkt_1"}, "data": 1}}).encode(), "an event without an id"),
        (b'{"id": "ann@example.com"}', "an event without an id"),
        (b'{"id": 7}', "an event without an id"),
        (b" " * 985 + b'{"id": "evt_1"}', "evt_1"),
        (b" " * 1000 + b'{"id": "evt_1"}', "an event without an id"),
        (b"", "an event without an id"),
    ],
)
def test_id_of_a_body_too_large_is_found_before_its_data(body: bytes, expected: str) -> None:
    """For the log: it is no id of something else, and nothing that could be personal."""
    assert expected == find_event_id(body)
