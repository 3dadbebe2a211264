"""What cStar sends: deliveries checked and read, each type of event a class, and an inbox that hands them to your functions.

::

    from cstar_async.webhooks import TicketCreated, WebhookInbox

    inbox = WebhookInbox(secret)

    @inbox.on(TicketCreated)
    async def welcome(event: TicketCreated) -> None: ...

    app.router.add_post("/hooks/cstar", inbox.aiohttp_handler)

`construct_event` is the part that reads, for those who have a queue of their own.
"""

from __future__ import annotations

from cstar_async._generated import events as _events
from cstar_async._generated.events import *  # noqa: F403 -- a class for each type of event
from cstar_async._model.event import UnknownEvent, WebhookEvent
from cstar_async.redis import RedisStore
from cstar_async.webhooks._parsing import construct_event, read_event, sign, verify_signature
from cstar_async.webhooks._receiver import WebhookInbox
from cstar_async.webhooks._store import EventStore, MemoryStore, SqliteStore
from cstar_async.webhooks._stream import EventStream

__all__ = [
    "EventStore",
    "EventStream",
    "MemoryStore",
    "RedisStore",
    "SqliteStore",
    "UnknownEvent",
    "WebhookEvent",
    "WebhookInbox",
    "construct_event",
    "read_event",
    "sign",
    "verify_signature",
]
__all__ += _events.__all__
