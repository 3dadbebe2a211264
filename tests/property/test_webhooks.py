"""Signatures and events with arbitrary input."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cstar_async import SignatureError, WebhookError, from_dict, to_dict
from cstar_async.webhooks import construct_event, event_from_dict, sign, verify_signature

SECRET, BODY, NOW = "whsec_test", b'{"id":"evt_1","type":"ticket.created","data":{}}', 1_774_583_011
HEADER = sign(BODY, SECRET, timestamp=NOW)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "ticket", "customer", "from", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("bit", range(len(BODY) * 8))
def test_no_bit_of_the_body_can_be_flipped(bit: int) -> None:
    """All of the body is signed."""
    changed = bytearray(BODY)
    changed[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(SignatureError):
        verify_signature(bytes(changed), HEADER, SECRET, now=NOW)


@pytest.mark.parametrize("bit", range(len(HEADER) * 8))
def test_no_bit_of_the_header_can_be_flipped(bit: int) -> None:
    """Neither the timestamp nor the signature can be changed."""
    changed = bytearray(HEADER.encode())
    changed[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(WebhookError):
        verify_signature(BODY, changed.decode("latin-1"), SECRET, now=NOW)


@given(
    body=st.binary(), header=st.text() | st.from_regex(r"t=\d*,v1=[0-9a-f]*"), secret=st.text() | st.lists(st.text(), max_size=2)
)
def test_arbitrary_input_raises_only_webhook_errors(body: bytes, header: str, secret: str | list[str]) -> None:
    """A receiver needs to catch one class."""
    with pytest.raises(WebhookError):
        construct_event(body, header, secret, now=NOW, allow_legacy=True)


@given(body=st.binary(), secret=st.text(min_size=1), now=st.integers(0, 10**12))
def test_a_signature_is_verified_for_any_body_and_secret(body: bytes, secret: str, now: int) -> None:
    """This includes characters that UTF-8 cannot encode."""
    verify_signature(body, sign(body, secret, timestamp=now), secret, now=now)


@example(kind="ticket.created", data={"id": None, "ticket": None})
@given(kind=st.sampled_from(["ticket.created", "ticket.updated", "customer.created", "boss.spawned", "no.such"]), data=JSON)
def test_an_event_can_be_serialised_and_decoded_again(kind: str, data: object) -> None:
    """The result is an equal event."""
    event = event_from_dict({"id": "evt_1", "type": kind, "data": data})
    assert from_dict(type(event), to_dict(event)) == event
