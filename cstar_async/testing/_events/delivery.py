"""A delivery as a value: an event that is to reach a webhook, and an attempt to bring it there."""

from __future__ import annotations

import attrs
import orjson

from cstar_async._types import JSON
from cstar_async.testing._data.store import Database, Object
from cstar_async.testing._events.factory import OutgoingEvent
from cstar_async.testing._events.faults import DeliveryPlan
from cstar_async.testing._http.request_log import Headers


@attrs.define(kw_only=True, eq=False)
class PendingDelivery:
    """An event on its way to a webhook."""

    id: str
    event: OutgoingEvent
    database: Database
    webhook_id: str
    request_id: str
    """The call that caused the event."""
    attempt: int = 1
    """The number of the next attempt."""
    plan: DeliveryPlan | None = None
    """What the next attempt meets; None: that is not decided yet."""

    @property
    def receiver(self) -> Object | None:
        """The subscription as it is now; None when it was deleted or switched off."""
        webhook = self.database.table("webhooks").find(self.webhook_id)
        return webhook if webhook is not None and webhook["isActive"] else None


@attrs.frozen(kw_only=True)
class Delivery:
    """An attempt to deliver an event to a webhook."""

    id: str
    """Of the delivery; all its attempts have the same."""
    event_id: str
    event_type: str
    webhook_id: str
    url: str
    attempt: int
    """From 1."""
    status: int | None
    """What the receiver answered; None: no answer came."""
    error: str | None
    """Why no answer came; None: one came."""
    at: float
    """When it was sent: Unix time in seconds, by the clock of the fake."""
    duration: float
    """Seconds, by the same clock, until it was answered or given up."""
    next_attempt_at: float | None = None
    """When it is tried again, Unix time in seconds; None: never."""
    headers: Headers = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the receiver has taken it: any 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def json(self) -> JSON:
        """The body as JSON."""
        value: JSON = orjson.loads(self.body)
        return value
