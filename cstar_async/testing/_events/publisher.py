"""Publish the events of changes to webhooks and event streams."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from random import Random

import attrs

from cstar_async.testing._data.ids import new_id
from cstar_async.testing._data.store import Database, Object
from cstar_async.testing._events.delivery_log import Delivery, PendingDelivery
from cstar_async.testing._events.dispatcher import DeliveryDispatcher
from cstar_async.testing._events.factory import EventFactory, OutgoingEvent
from cstar_async.testing._events.sender import is_loopback
from cstar_async.testing._events.streams import EventStreams
from cstar_async.testing.clock import timestamp


def is_subscribed(webhook: Object, event: str) -> bool:
    """Return whether a webhook is active and subscribed to an event type, by name or by a wildcard such as `ticket.*`."""
    return bool(webhook["isActive"]) and any(fnmatchcase(event, wanted) for wanted in webhook["events"])


@attrs.frozen(kw_only=True)
class EventPublisher:
    """Publishes the events of a fake."""

    factory: EventFactory
    dispatcher: DeliveryDispatcher
    streams: EventStreams
    random: Random
    """The source of delivery ids."""
    now_s: Callable[[], float]

    def publish_changes(self, database: Database, request_id: str) -> None:
        """Send the events of all recorded changes.

        Args:
            database: The data that changed.
            request_id: The request that caused the changes.
        """
        for change in database.pop_changes():
            for event in self.factory.build(change, database):
                self._send(event, database, request_id)

    def test(self, event_type: str, database: Database, request_id: str) -> int:
        """Send an example event to all subscribers.

        Returns:
            The number of webhooks on this machine that get it.
        """
        return self._send(self.factory.test(event_type, database, at=timestamp(self.now_s())), database, request_id)

    async def test_one(self, event_type: str, database: Database, webhook: Object, request_id: str) -> Delivery:
        """Send an example event to one webhook, subscribed or not, and wait for the response. It is not retried (inferred)."""
        event = self.factory.test(event_type, database, at=timestamp(self.now_s()))
        delivery = await self.dispatcher.attempt(self._pending(event, database, webhook["id"], request_id), webhook)
        self.dispatcher.done.append(delivery)
        return delivery

    def resend(self, delivery: Delivery, database: Database) -> None:
        """Send the event of a delivery to its webhook again, as another delivery.

        Args:
            delivery: An attempt of the delivery.
            database: The data with the webhook.
        """
        event = OutgoingEvent(delivery.event_id, delivery.event_type, delivery.body)
        request_id = delivery.headers["x-cstar-request-id"]
        self.dispatcher.enqueue(self._pending(event, database, delivery.webhook_id, request_id))

    def _send(self, event: OutgoingEvent, database: Database, request_id: str) -> int:
        self.streams.publish(event, database)
        sent = 0
        for webhook in database.table("webhooks"):
            if is_subscribed(webhook, event.type):
                self.dispatcher.enqueue(self._pending(event, database, webhook["id"], request_id))
                sent += is_loopback(str(webhook["url"]))
        return sent

    def _pending(self, event: OutgoingEvent, database: Database, webhook_id: str, request_id: str) -> PendingDelivery:
        identity = new_id("whd_", self.random)
        return PendingDelivery(id=identity, event=event, database=database, webhook_id=webhook_id, request_id=request_id)
