"""Webhooks: permitted URLs, test events, and the event stream."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from cstar_async.testing._data.spec import FakeOperation
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._events.sender import is_loopback
from cstar_async.testing._handlers.request import Call
from cstar_async.testing._http.responses import HandlerResult

_PRIVATE_NAMES: Final = (".local", ".internal", ".localhost")
_TYPE: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", re.ASCII)


LISTEN_OPERATION: Final = FakeOperation(
    id="listen_to_events",
    namespace="webhooks",
    name="listen",
    method="GET",
    path="/api/v1/teams/{teamId}/webhooks/listen",
    scope="team",
    segments=("/webhooks/listen",),
    shape="object",
    success_status=200,
    result=None,
    required_key="secret",
    evidence="inferred",
)
"""The event stream, which the document does not have as an operation because its response does not end."""


def check_webhook_url(url: str) -> None:
    """Check that a URL is public HTTPS, or on this machine.

    cStar refuses private networks, loopback included. The fake delivers to loopback only, so it accepts that.

    Raises:
        APIFailure: 400: it is not.
    """
    try:
        parts = urlsplit(url)
        is_valid = parts.port != 0 and (
            (parts.scheme == "https" and _is_public(parts.hostname or ""))
            or (parts.scheme in ("http", "https") and is_loopback(url))
        )
    except ValueError:
        is_valid = False
    if not is_valid:
        message = "The URL must be public HTTPS; FakeCStar also accepts URLs of this machine."
        raise APIFailure(400, "parameter_invalid", message, param="url")


async def test_webhook(call: Call) -> HandlerResult:
    """Send a test event and return a report of the delivery."""
    webhook = call.table.get(call.path["webhookId"])
    delivery = await call.publisher.test_one(_type_of(call), call.database, webhook, call.request_id)
    return HandlerResult(
        {
            "deliveryId": delivery.id,
            "event": delivery.event_type,
            "url": delivery.url,
            "success": delivery.is_success,
            "status": delivery.status,
            "responseTimeMs": None if delivery.status is None else round(delivery.duration * 1000, 3),
            "error": delivery.error or (None if delivery.is_success else f"The receiver responded with {delivery.status}."),
        }
    )


def trigger_test_webhooks(call: Call) -> HandlerResult:
    """Send a test event to all subscribed webhooks and return their number, without waiting for responses."""
    event_type = _type_of(call)
    return HandlerResult({"event": event_type, "deliveredTo": call.publisher.test(event_type, call.database, call.request_id)})


def listen(call: Call) -> HandlerResult:
    """Open the event stream of the team, with the events that the client has missed."""
    return HandlerResult(None, stream=call.publisher.streams.open(call.database, call.headers.get("Last-Event-ID")))


def _type_of(call: Call) -> str:
    """Return the event type to send; any with a valid form, because the set is open.

    Raises:
        APIFailure: 400: the form is invalid.
    """
    event_type = str(call.body["event"])
    if _TYPE.fullmatch(event_type) is None:
        raise APIFailure(400, "parameter_invalid", "The event type must have the form 'ticket.created'.", param="event")
    return event_type


def _is_public(host: str) -> bool:
    """Return whether a host can be on the Internet: a name that is not local, or a global IP address."""
    try:
        address = ip_address(host)
    except ValueError:
        name = host.rstrip(".").casefold()
        last = name.rpartition(".")[2]
        is_short_address = last.isdigit() or last.startswith("0x")  # 127.1 and 0x7f.1 are IPv4 addresses for many resolvers
        return "." in name.strip(".") and not name.endswith(_PRIVATE_NAMES) and not is_short_address
    return (getattr(address, "ipv4_mapped", None) or address).is_global
