"""What the page shows: the state of a fake as JSON, without keys and headers."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final

import attrs

from cstar_async._types import JSON, UntypedJSON
from cstar_async.testing._data.store import Database
from cstar_async.testing._events.delivery_log import Delivery, DeliveryLog
from cstar_async.testing._events.faults import DeliveryFault
from cstar_async.testing._events.publisher import EventPublisher
from cstar_async.testing._events.streams import EventStreams
from cstar_async.testing._http.auth import APIKeys, Key
from cstar_async.testing._http.faults import Fault, FaultRegistry
from cstar_async.testing._http.rate_limits import RateLimits
from cstar_async.testing._http.request_log import ReceivedRequest, RequestLog
from cstar_async.testing.clock import FakeClock

_MAX_ROWS: Final = 100
"""Requests, tickets and deliveries that the page shows."""
_MAX_MESSAGES: Final = 20
"""Messages of a ticket that the page shows."""
_MAX_TEXT: Final = 4_000
"""Characters of a body or a field that the page shows."""
_TICKET_FIELDS: Final = ("id", "title", "status", "priority", "customerName", "messageCount", "updatedAt")
_MESSAGE_FIELDS: Final = ("sender", "senderName", "content")
_FAULT_DETAILS: Final = ("status", "delay", "drop", "reset", "truncate_after", "repeat", "operation", "method", "path", "event")


@attrs.frozen(kw_only=True)
class FakeParts:
    """The parts of a fake that the page shows and changes."""

    team: str
    """The name of its team."""
    clock: FakeClock
    requests: RequestLog
    faults: FaultRegistry
    deliveries: DeliveryLog
    streams: EventStreams
    publisher: EventPublisher
    keys: APIKeys
    limits: RateLimits
    operations: Sequence[str]
    """The ids of all operations."""
    database: Callable[[], Database]
    """The data of the team in the test environment."""
    databases: Callable[[], Iterable[Database]]
    """The data that exists, of all teams and environments."""


def page_state(parts: FakeParts) -> JSON:
    """Return what the page shows, newest first."""
    return {
        "team": parts.team,
        "now": parts.clock.time(),
        "requests": [_request(entry) for entry in islice(reversed(parts.requests), _MAX_ROWS)],
        "requestCount": len(parts.requests),
        "tickets": _tickets(parts.database()),
        "deliveries": _deliveries(parts.deliveries),
        "pendingDeliveries": parts.deliveries.pending_count,
        "streams": len(parts.streams),
        "limits": [_limit(key, parts) for key in parts.keys],
        "faults": [_fault(fault) for fault in (*parts.faults, *parts.deliveries.faults)],
        "operations": list(parts.operations),
    }


def key_label(key: Key) -> str:
    """Return a name for a key that does not reveal it: its type, environment and last characters."""
    return f"{key.text[:8]}…{key.text[-4:]}"


def fault_id(fault: Fault | DeliveryFault) -> str:
    """Return the id of a fault on the page."""
    return str(id(fault))


def _request(entry: ReceivedRequest) -> JSON:
    notes = [f"unknown parameter {name}" for name in entry.unknown_parameters]
    notes += ["repeated, from the idempotency key"] if entry.was_replayed else []
    notes += ["sample response"] if entry.is_sample else []
    return {
        "id": str(id(entry)),  # its position changes when older ones are dropped
        "method": entry.method,
        "path": _encodable(entry.path),
        "query": _encodable(entry.query_string),
        "operation": entry.operation,
        "status": entry.status,
        "at": entry.at,
        "body": _text(entry.body),
        "notes": [_encodable(note) for note in notes],
    }


def _encodable(text: str) -> str:
    """Replace the bytes of a URL that are not UTF-8."""
    return text.encode(errors="replace").decode()


def _text(body: bytes) -> str:
    return _shortened(body[: 4 * _MAX_TEXT + 4].decode(errors="replace"))


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"


def _tickets(database: Database) -> list[UntypedJSON]:
    newest = heapq.nlargest(_MAX_ROWS, database.table("tickets"), key=lambda row: str(row["updatedAt"]))
    messages: dict[str, list[UntypedJSON]] = {str(ticket["id"]): [] for ticket in newest}
    for message in database.table("messages"):
        if message["ticketId"] in messages:
            messages[message["ticketId"]].append(message)
    return [
        _fields(ticket, _TICKET_FIELDS)
        | {"messages": [_fields(one, _MESSAGE_FIELDS) for one in messages[ticket["id"]][-_MAX_MESSAGES:]]}
        for ticket in database.serialize("tickets", newest)
    ]


def _fields(row: UntypedJSON, names: Sequence[str]) -> UntypedJSON:
    values = {name: row.get(name) for name in names}
    return {name: _shortened(value) if isinstance(value, str) else value for name, value in values.items()}


def _deliveries(log: DeliveryLog) -> list[JSON]:
    attempts: dict[str, list[Delivery]] = {}
    for delivery in islice(reversed(log), 4 * _MAX_ROWS):
        attempts.setdefault(delivery.id, []).insert(0, delivery)
    return [
        {
            "id": identity,
            "event": found[0].event_id,
            "type": found[0].event_type,
            "url": found[0].url,
            "delivered": found[-1].is_success,
            "attempts": [
                {"number": one.attempt, "status": one.status, "error": one.error, "at": one.at, "next": one.next_attempt_at}
                for one in found
            ],
            "body": _text(found[0].body),
        }
        for identity, found in islice(attempts.items(), _MAX_ROWS)
    ]


def _limit(key: Key, parts: FakeParts) -> JSON:
    state = parts.limits.state(key, parts.clock.time())
    return {
        "id": key_label(key),
        "team": key.team.name,
        "limit": state.limit,
        "remaining": state.remaining,
        "resetsAt": state.reset_at,
    }


def _fault(fault: Fault | DeliveryFault) -> JSON:
    values = {name: getattr(fault, name, None) for name in _FAULT_DETAILS}
    details = [f"{name} {value}" for name, value in values.items() if value not in (None, False, 0)]
    return {
        "id": fault_id(fault),
        "of": "requests" if isinstance(fault, Fault) else "deliveries",
        "details": ", ".join(details),
        "probability": fault.probability,
        "left": fault.max_triggers,
        "triggered": fault.trigger_count,
    }
