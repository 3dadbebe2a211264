"""Webhooks and events: verify and parse deliveries, receive them in an inbox, or iterate over the event stream.

::

    from cstar_async.webhooks import TicketCreated, WebhookInbox

    inbox = WebhookInbox(secret)

    @inbox.on(TicketCreated)
    async def welcome(event: TicketCreated) -> None: ...

    app.router.add_post("/hooks/cstar", inbox.aiohttp_handler)

`construct_event` verifies and parses one delivery, for programs with a queue of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cstar_async._generated import events as _events
from cstar_async._generated.events import *  # noqa: F403 -- a class for each type of event
from cstar_async._model.argument_check import warn_of_deprecated
from cstar_async._model.event import UnknownEvent, WebhookEvent
from cstar_async._model.stored_event import StoredEvent
from cstar_async.errors import PayloadError, SignatureError, StaleTimestampError, WebhookError
from cstar_async.models.events import FieldChange
from cstar_async.webhooks._lifespan import lifespan
from cstar_async.webhooks._memory_store import MemoryStore
from cstar_async.webhooks._parsing import construct_event, event_from_dict
from cstar_async.webhooks._receiver import WebhookInbox
from cstar_async.webhooks._signature import sign, verify_signature
from cstar_async.webhooks._sqlite_store import SqliteStore
from cstar_async.webhooks._stats import InboxStats
from cstar_async.webhooks._store import DeadLetter, EventStore
from cstar_async.webhooks._stream import EventStream

if TYPE_CHECKING:
    from cstar_async.redis import RedisStore

__all__ = [
    "DeadLetter",
    "EventStore",
    "EventStream",
    "FieldChange",
    "InboxStats",
    "MemoryStore",
    "PayloadError",
    "RedisStore",
    "SignatureError",
    "SqliteStore",
    "StaleTimestampError",
    "StoredEvent",
    "UnknownEvent",
    "WebhookError",
    "WebhookEvent",
    "WebhookInbox",
    "construct_event",
    "event_from_dict",
    "lifespan",
    "sign",
    "verify_signature",
]
__all__ += _events.__all__

# Redis is imported on first use. Type checkers read the import above, so a misspelt name is an error for them.
if not TYPE_CHECKING:

    def __getattr__(name):
        """Import `RedisStore`, or an event class by its old name."""
        if name == "RedisStore":
            from cstar_async.redis import RedisStore

            return RedisStore
        if name in _events.OLD_NAMES:
            warn_of_deprecated(f"{__name__}.{name}", _events.OLD_NAMES[name])
            return getattr(_events, _events.OLD_NAMES[name])
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
