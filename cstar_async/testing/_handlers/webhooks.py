"""Webhooks: where they may lead, events sent as a test, and the same events as a stream."""

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
"""The one operation that the document does not have: it is none of request and answer."""


def check_webhook_url(url: str) -> None:
    """See that events may be sent to a URL: public HTTPS (documented), or anything on this machine, for tests.

    Raises:
        APIFailure: 400: they may not.
    """
    try:
        parts = urlsplit(url)
        is_fine = parts.port != 0 and (
            (parts.scheme == "https" and _is_public(parts.hostname or ""))
            or (parts.scheme in ("http", "https") and is_loopback(url))
        )
    except ValueError:
        is_fine = False
    if not is_fine:
        message = "Events are sent to public HTTPS addresses only; from the fake also to this machine."
        raise APIFailure(400, "parameter_invalid", message, param="url")


async def test_webhook(call: Call) -> HandlerResult:
    """The report of a delivery."""
    webhook = call.table.get(call.path["webhookId"])
    made = await call.publisher.test_one(_type_of(call), call.database, webhook, call.request_id)
    return HandlerResult(
        {
            "deliveryId": made.id,
            "event": made.event_type,
            "url": made.url,
            "success": made.is_success,
            "status": made.status,
            "responseTimeMs": None if made.status is None else round(made.duration * 1000, 3),
            "error": made.error or (None if made.is_success else f"The receiver answered {made.status}."),
        }
    )


def trigger_test_webhooks(call: Call) -> HandlerResult:
    """To how many subscriptions the event is sent. Their answers are not waited for."""
    kind = _type_of(call)
    return HandlerResult({"event": kind, "deliveredTo": call.publisher.test(kind, call.database, call.request_id)})


def listen(call: Call) -> HandlerResult:
    """The events of the team as they happen, and before them those that the caller has missed."""
    return HandlerResult(None, stream=call.publisher.streams.open(call.database, call.headers.get("Last-Event-ID")))


def _type_of(call: Call) -> str:
    """The type to send; any that looks like one, for the set is open.

    Raises:
        APIFailure: 400: it looks like none.
    """
    kind = str(call.body["event"])
    if _TYPE.fullmatch(kind) is None:
        raise APIFailure(400, "parameter_invalid", "A type of event looks like 'ticket.created'.", param="event")
    return kind


def _is_public(host: str) -> bool:
    """Whether a host may be on the Internet: a name, or an address that is not set aside."""
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host.strip(".")
