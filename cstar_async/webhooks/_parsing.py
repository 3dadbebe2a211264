"""Parse webhook deliveries into events."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from cstar_async._generated import events as _events
from cstar_async._model import event as _event
from cstar_async._model.event import UnknownEvent, WebhookEvent
from cstar_async._protocol.json_parser import parse_json
from cstar_async._types import UntypedJSON, is_object, is_str
from cstar_async.errors import PayloadError
from cstar_async.webhooks._signature import verify_signature

_ID: Final = re.compile(rb'"id"\s*:\s*"([\w.:-]{1,200})"')
_MAX_SEARCHED: Final = 1000

MAX_ID_LENGTH: Final = 255
"""Characters of an id. Thousands of ids are kept, and one is sent in a header."""


def construct_event(
    body: bytes,
    header: str,
    secret: str | Sequence[str],
    *,
    tolerance: float | None = 300.0,
    now: float | None = None,
    allow_legacy: bool = False,
) -> WebhookEvent:
    """Verify the signature of a delivery and parse its event.

    Args:
        body: The raw body of the request.
        header: The value of the header `X-Signature`.
        secret: The signing secret, or several while one replaces another. The signature must match one of them.
        tolerance: The maximum distance between the timestamp of the signature and now, in seconds. Default 300. None: not checked.
        now: The current time in Unix seconds. Default: the time of the machine.
        allow_legacy: Whether to accept the legacy signature `sha256=…`. It has no timestamp, so it can be replayed.

    Returns:
        The event, of the class of its type or an `UnknownEvent`.

    Raises:
        SignatureError: The signature is missing, malformed or matches no secret, or *secret* is empty.
        StaleTimestampError: The signature matches, but its timestamp is too far from now.
        PayloadError: *body* is not bytes, or not a JSON object with a `type`.

    Source: Webhook reference, Signature and Payload (documented).
    """
    verify_signature(body, header, secret, tolerance=tolerance, now=now, allow_legacy=allow_legacy)
    return parse_event(body)


def parse_event(body: bytes) -> WebhookEvent:
    """Parse a body that was verified before. Raise PayloadError if it is not a JSON object with a `type`."""
    try:
        wire: UntypedJSON = parse_json(body)
    except ValueError:
        raise PayloadError("body must be JSON") from None
    return event_from_dict(wire)


def id_of(event: WebhookEvent) -> str:
    """Return the id of an event, empty if it is missing, not a str or too long to be stored for each event."""
    return event.id if is_str(event.id) and len(event.id) <= MAX_ID_LENGTH else ""


def event_from_dict(wire: UntypedJSON) -> WebhookEvent:
    """Make an event from a parsed body that was verified before, for example by a queue of your own.

    Args:
        wire: A JSON object with a `type`.

    Raises:
        PayloadError: *wire* is anything else.
    """
    if not is_object(wire):
        raise PayloadError("an event must be a JSON object")
    if not is_str(wire.get("type")):
        raise PayloadError("an event must have a `type`")
    kind = _events.EVENTS.get(wire["type"])
    return _event.DECODERS[UnknownEvent](wire) if kind is None else _events.DECODERS[kind](wire)


def find_event_id(body: bytes) -> str:
    """Return the id of a body that is too large to parse, for the log. It is before the data, which has other ids."""
    found = _ID.search(body[:_MAX_SEARCHED].partition(b'"data"')[0])
    return found[1].decode() if found else "an event without an id"
