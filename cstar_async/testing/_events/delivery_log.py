"""Pending deliveries, delivery attempts, and the log of attempts that users read as `FakeCStar.deliveries`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, overload

import attrs
import orjson

from cstar_async._types import JSON
from cstar_async.testing._data.store import Database, Object
from cstar_async.testing._events.factory import OutgoingEvent
from cstar_async.testing._events.faults import DeliveryFaults, DeliveryPlan

if TYPE_CHECKING:
    from cstar_async.testing._events.dispatcher import DeliveryDispatcher


@attrs.define(kw_only=True, eq=False)
class PendingDelivery:
    """An event that is to be sent to a webhook."""

    id: str
    event: OutgoingEvent
    database: Database
    webhook_id: str
    request_id: str
    """The request that caused the event."""
    attempt: int = 1
    """The number of the next attempt."""
    plan: DeliveryPlan | None = None
    """The faults of the next attempt; None: not decided yet."""

    @property
    def webhook(self) -> Object | None:
        """The subscription as it is now; None when it was deleted or switched off."""
        webhook = self.database.table("webhooks").find(self.webhook_id)
        return webhook if webhook is not None and webhook["isActive"] else None


@attrs.frozen(kw_only=True)
class Delivery:
    """An attempt to deliver an event to a webhook."""

    id: str
    """The id of the delivery; all its attempts share it."""
    event_id: str
    event_type: str
    webhook_id: str
    url: str
    attempt: int
    """From 1."""
    status: int | None
    """The status of the response; None: no response."""
    error: str | None
    """Why there was no response; None: there was one."""
    at: float
    """When it was sent: Unix time in seconds, by the clock of the fake."""
    duration: float
    """Seconds until the response or the failure, by the same clock."""
    next_attempt_at: float | None = None
    """When it is retried, Unix time in seconds; None: never."""
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the receiver responded with 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def json(self) -> JSON:
        """The body as JSON."""
        value: JSON = orjson.loads(self.body)
        return value


class DeliveryLog(Sequence[Delivery]):
    """The delivery attempts of a fake, oldest first. Reads like a list; the oldest are dropped first.

    Args:
        dispatcher: Makes the attempts.
    """

    def __init__(self, dispatcher: DeliveryDispatcher) -> None:
        self._dispatcher = dispatcher

    @overload
    def __getitem__(self, index: int) -> Delivery: ...
    @overload
    def __getitem__(self, index: slice) -> list[Delivery]: ...
    def __getitem__(self, index: int | slice) -> Delivery | list[Delivery]:
        return list(self._dispatcher.done)[index] if isinstance(index, slice) else self._dispatcher.done[index]

    def __len__(self) -> int:
        return len(self._dispatcher.done)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self)!r})"

    @property
    def faults(self) -> DeliveryFaults:
        """The faults of deliveries, such as `faults.add(drop="before", probability=0.3, max_triggers=None)`."""
        return self._dispatcher.faults

    @property
    def pending_count(self) -> int:
        """The number of deliveries that are not done, those that wait for a retry included."""
        return self._dispatcher.pending_count

    def for_event(self, event: str) -> list[Delivery]:
        """Return the attempts for an event, oldest first.

        Args:
            event: Its type, such as `ticket.created`, or its id.
        """
        return [delivery for delivery in self if event in (delivery.event_type, delivery.event_id)]

    async def wait_until_idle(self) -> None:
        """Wait until no attempt is running or due. An attempt scheduled for a later time of the clock is not due."""
        await self._dispatcher.wait_until_idle()

    def clear(self) -> None:
        """Drop every entry. Pending deliveries stay."""
        self._dispatcher.done.clear()
