"""Signatures, and the classes of events."""

from __future__ import annotations

import copy
import json
import math
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cstar_async import SignatureError, StaleTimestampError, errors, from_dict, redis, to_dict, webhooks
from cstar_async.errors import PayloadError
from cstar_async.models import AutomationTriggerEvent
from cstar_async.webhooks import (
    BossSpawned,
    CustomerUpdated,
    TicketCreated,
    TicketMessageAdded,
    TicketUpdated,
    UnknownEvent,
    WebhookEvent,
    construct_event,
    sign,
    verify_signature,
)

ROOT = Path(__file__).parents[2]
VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests/samples/signatures.json").read_text(encoding="utf-8"))["signatures"]
PAYLOADS = [
    one["body"]
    for one in json.loads((ROOT / "tests/samples/examples.json").read_text(encoding="utf-8"))
    if one["operation"] == "webhook_event"
]
SECRET = "whsec_test"
NOW = 1_774_583_011


def received(payload: object, **settings: Any) -> WebhookEvent:
    """Sign a payload now and construct its event."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return construct_event(body, sign(body, SECRET, timestamp=NOW), SECRET, now=NOW, **settings)


def event(**more: object) -> dict[str, object]:
    """Return a small event about a ticket."""
    ticket = {"id": "tkt_1", "title": "Help", "status": "new", "priority": "high"}
    return {
        "id": "evt_1",
        "type": "ticket.created",
        "created_at": "2026-03-06T14:30:00Z",
        "team_id": "t",
        "data": {"ticket": ticket},
    } | more


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_published_vector_is_accepted(vector: dict[str, Any]) -> None:
    """The header of the vector matches its body."""
    verify_signature(vector["body"].encode(), vector["header"], vector["secret"], now=vector["t"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_published_vector_is_signed_as_published(vector: dict[str, Any]) -> None:
    """Signing its body at its time gives its header."""
    assert vector["header"] == sign(vector["body"].encode(), vector["secret"], timestamp=vector["t"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_legacy_form_is_accepted_only_with_its_option(vector: dict[str, Any]) -> None:
    """It has no timestamp, so it can be replayed."""
    with pytest.raises(SignatureError) as caught:
        verify_signature(vector["body"].encode(), vector["legacy_header"], vector["secret"])
    assert "the signature has the legacy form without a timestamp; pass allow_legacy=True to accept it" == caught.value.message
    verify_signature(vector["body"].encode(), vector["legacy_header"], vector["secret"], allow_legacy=True)


def test_a_legacy_signature_is_verified() -> None:
    """The option does not turn the check off."""
    with pytest.raises(SignatureError, match="none of the secrets"):
        verify_signature(b"{}", VECTORS[0]["legacy_header"], SECRET, allow_legacy=True)


@pytest.mark.parametrize("secrets", [["whsec_new", SECRET], (SECRET, "whsec_new")])
def test_any_of_several_secrets_may_match(secrets: list[str]) -> None:
    """The order does not matter."""
    verify_signature(b"{}", sign(b"{}", SECRET, timestamp=NOW), secrets, now=NOW)


def test_one_of_several_signatures_is_enough() -> None:
    """Unknown parts are ignored."""
    good = sign(b"{}", SECRET, timestamp=NOW).replace("v1=", f"v0=abc, v1={'0' * 64}, v1=")
    verify_signature(b"{}", good, SECRET, now=NOW)


@pytest.mark.parametrize(
    ("secret", "got"),
    [
        ("", "a str of 0 characters"),
        ([], "none"),
        ([SECRET, ""], "a str of 0 characters"),
        ([None], "NoneType"),
        ({SECRET: ""}, "dict"),
    ],
)
def test_an_empty_secret_is_rejected(secret: Any, got: str) -> None:
    """Everyone could sign with it."""
    with pytest.raises(SignatureError) as caught:
        verify_signature(b"{}", sign(b"{}", "", timestamp=NOW), secret, now=NOW)
    rule = "secret must be a signing secret or several, none of them empty"
    assert f"{rule}, got {got}; cStar shows it once, on creation" == caught.value.message


@pytest.mark.parametrize("distance", [-300, 300, 0])
def test_a_timestamp_within_the_tolerance_is_accepted(distance: int) -> None:
    """The tolerance applies in both directions and includes its end."""
    verify_signature(b"{}", sign(b"{}", SECRET, timestamp=NOW), SECRET, now=NOW + distance)


@pytest.mark.parametrize(
    ("now", "tolerance"), [(NOW - 301, 300.0), (NOW + 301, 300.0), (NOW, math.nan), (NOW + 1, 0.0), (NOW, math.inf)]
)
def test_a_timestamp_beyond_the_tolerance_is_stale(now: float, tolerance: float) -> None:
    """No number turns the check off, only None does."""
    with pytest.raises(
        StaleTimestampError, match=r"^the signature matches, but its timestamp is more than tolerance seconds from now$"
    ):
        verify_signature(b"{}", sign(b"{}", SECRET, timestamp=NOW), SECRET, now=now, tolerance=tolerance)


def test_none_turns_the_age_check_off() -> None:
    """An old delivery can be parsed again."""
    verify_signature(b"{}", sign(b"{}", SECRET, timestamp=1), SECRET, now=NOW, tolerance=None)


def test_the_time_of_the_machine_is_the_default() -> None:
    """A signature of now is accepted now."""
    verify_signature(b"{}", sign(b"{}", SECRET), SECRET)


MISSING = "header must be the value of X-Signature; the request has none"
MALFORMED = "header must have the form t=…,v1=…; the X-Signature of this request does not"
NO_MATCH = "the signature matches none of the secrets"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, MISSING),
        (7, MISSING),
        (b"t=1,v1=a", MISSING),
        ("", MALFORMED),
        ("t=1", MALFORMED),
        ("v1=ab", MALFORMED),
        ("t=x,v1=ab", MALFORMED),
        ("t=\u0661,v1=ab", MALFORMED),
        (f"t={'9' * 5000},v1=ab", MALFORMED),
        ("t=1,t=1,v1=ab", MALFORMED),
        ("t=1,v1=ab", NO_MATCH),
        ("t=1,v1=", NO_MATCH),
        ("t=1,v1=a=b", NO_MATCH),
        ("t=1,v1=\ud800", NO_MATCH),
    ],
)
def test_a_header_without_a_matching_signature_is_rejected(header: Any, message: str) -> None:
    """The error is a SignatureError, and says whether the header is missing, malformed or does not match."""
    with pytest.raises(SignatureError) as caught:
        verify_signature(b"{}", header, SECRET, now=NOW)
    assert message == caught.value.message


class _Unreadable:
    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("the secrets are gone")


@pytest.mark.parametrize("secret", [list, str, _Unreadable()], ids=["class", "str itself", "iterable that raises"])
def test_secrets_that_cannot_be_read_are_rejected(secret: Any) -> None:
    """As is whatever else is no secret."""
    with pytest.raises(SignatureError, match="secret must be a signing secret"):
        verify_signature(b"{}", "t=1,v1=00", secret)


def test_a_secret_with_any_characters_signs() -> None:
    """Characters that UTF-8 cannot encode raise no UnicodeError."""
    verify_signature(b"{}", sign(b"{}", "a\ud800", timestamp=NOW), "a\ud800", now=NOW)


@pytest.mark.parametrize("body", [{"type": "ticket.created"}, "{}", None])
def test_a_body_that_is_not_bytes_is_rejected(body: Any) -> None:
    """The most frequent mistake has its own message."""
    with pytest.raises(PayloadError) as caught:
        construct_event(body, "t=1,v1=ab", SECRET)
    expected = f"body must be bytes, got {type(body).__name__}; pass the raw body of the request, before it is parsed"
    assert expected == caught.value.message


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"type": 7}', b"\xff", b"[" * 5000])
def test_a_signed_body_that_is_not_an_event_is_rejected(body: bytes) -> None:
    """The error is not that of a signature."""
    with pytest.raises(PayloadError):
        received(body)


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: payload["id"])
def test_a_documented_event_is_serialised_to_its_payload(payload: dict[str, Any]) -> None:
    """No field is lost, and none is unknown."""
    payload = copy.deepcopy(payload)
    event = received(payload)
    again: Any = to_dict(event)
    times = [node.pop("created_at") for node in (again, again["data"]["ticket"], payload, payload["data"]["ticket"])]
    assert (again, event.extra) == (payload, {})
    assert [time.replace(".000Z", "Z") for time in times[:2]] == [time.replace(".000Z", "Z") for time in times[2:]]


def test_a_documented_event_has_its_types() -> None:
    """Its class, ticket, customer and times are typed."""
    event = received(PAYLOADS[0])
    assert isinstance(event, TicketCreated)
    assert event.data.ticket is not None
    assert event.data.customer is not None
    assert (event.data.ticket.status.is_known, event.data.customer.email) == (True, "jane@example.com")
    assert event.created_at.tzinfo is not None


def test_an_update_has_its_changes() -> None:
    """Each is a `FieldChange`; `from` is a keyword of Python, hence the underscore."""
    changed = event(type="ticket.updated", data={"ticket": {"id": "t"}, "changes": {"status": {"from": "new", "to": "closed"}}})
    got = received(changed)
    assert isinstance(got, TicketUpdated)
    assert got.data.changes is not None
    assert {"status": webhooks.FieldChange(from_="new", to="closed")} == got.data.changes


def test_a_message_comes_with_its_event() -> None:
    """It is beside the ticket."""
    got = received(event(type="ticket.message_added", data={"ticket": {"id": "t"}, "message": {"id": "m", "sender": "agent"}}))
    assert isinstance(got, TicketMessageAdded)
    assert got.data.message is not None
    assert got.data.message.sender == "agent"


def test_unknown_fields_of_the_data_are_kept() -> None:
    """The API may add more."""
    got = received(event(type="customer.updated", data={"customer": {"id": "c"}, "reason": "merge"}))
    assert isinstance(got, CustomerUpdated)
    assert got.data.customer is not None
    assert (got.data.customer.id, got.data.extra) == ("c", {"reason": "merge"})


def test_data_without_a_schema_is_returned_as_received() -> None:
    """The event has its own class all the same."""
    got = received(event(type="boss.spawned", data={"boss": {"name": "Backlog"}}))
    assert isinstance(got, BossSpawned)
    assert got.data == {"boss": {"name": "Backlog"}}


def test_an_undocumented_type_is_an_unknown_event() -> None:
    """It is not an error."""
    got = received(event(type="rocket.launched", data=[1]))
    assert isinstance(got, UnknownEvent)
    assert (got.type, got.data) == ("rocket.launched", [1])


def test_a_flat_payload_keeps_its_repeated_fields() -> None:
    """They are in `extra` of the event."""
    assert received(event(ticket_title="Help")).extra == {"ticket_title": "Help"}


def test_data_of_the_oldest_form_is_the_ticket_itself() -> None:
    """It is moved to the key of newer payloads."""
    got = received(event(data={"id": "tkt_9", "title": "Old"}))
    assert isinstance(got, TicketCreated)
    assert got.data.ticket is not None
    assert got.data.ticket.id == "tkt_9"


@pytest.mark.parametrize("data", [None, [], "x", 7, {}, {"ticket": None}])
def test_data_of_any_type_gives_an_event_of_its_class(data: object) -> None:
    """The ticket is None then, and the event can be serialised and decoded again."""
    got = received(event(data=data))
    assert isinstance(got, TicketCreated)
    assert got.data.ticket is None
    assert from_dict(TicketCreated, to_dict(got)) == got


def test_an_event_can_be_copied_and_pickled() -> None:
    """A queue may do so."""
    got = received(event())
    assert pickle.loads(pickle.dumps(got)) == copy.deepcopy(got) == got


def test_an_event_shows_no_text_of_a_person() -> None:
    """Its repr may be logged."""
    assert repr(received(event())) == "TicketCreated(id='evt_1', type='ticket.created')"


def test_every_type_has_one_class() -> None:
    """The types are those that trigger automations, and each is decoded as its own class."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is there: seven times as fast
    document = yaml.load((ROOT / "openapi/cstar.yaml").read_text(encoding="utf-8"), Loader=loader)
    assert sorted(document["webhooks"]) == sorted(AutomationTriggerEvent.known_values())
    classes = {kind: type(received(event(type=kind))).__name__ for kind in document["webhooks"]}
    assert classes == {kind: "".join(part.title() for part in kind.replace(".", "_").split("_")) for kind in classes}
    assert set(classes.values()) <= set(webhooks.__all__)


def test_the_package_exports_its_errors_and_stores() -> None:
    """They are the objects of `cstar_async.errors` and `cstar_async.redis`."""
    assert [getattr(errors, name) for name in ("WebhookError", "SignatureError", "StaleTimestampError", "PayloadError")] == [
        webhooks.WebhookError,
        webhooks.SignatureError,
        webhooks.StaleTimestampError,
        webhooks.PayloadError,
    ]
    assert redis.RedisStore is webhooks.RedisStore
    with pytest.raises(AttributeError, match="has no attribute 'NoSuchStore'"):
        _ = webhooks.NoSuchStore  # type: ignore[attr-defined]


def test_importing_the_package_imports_no_redis() -> None:
    """`RedisStore` is imported on first use."""
    program = "import sys, cstar_async.webhooks; sys.exit('cstar_async.redis' in sys.modules)"
    assert 0 == subprocess.run([sys.executable, "-c", program], check=False).returncode
