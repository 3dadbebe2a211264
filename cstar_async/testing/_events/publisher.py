"""From a change to those who want to hear of it: events written, and handed to webhooks and streams."""

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
    """Whether a subscription is switched on and asks for events of a type, by name or by a wildcard such as `ticket.*`."""
    return bool(webhook["isActive"]) and any(fnmatchcase(event, wanted) for wanted in webhook["events"])


@attrs.frozen(kw_only=True)
class EventPublisher:
    """Tells of what happens in the databases of a fake."""

    factory: EventFactory
    dispatcher: DeliveryDispatcher
    streams: EventStreams
    random: Random
    """The source of the ids of deliveries."""
    now_s: Callable[[], float]

    def publish_changes(self, database: Database, request_id: str) -> None:
        """Send the events of all changes that nobody has told of.

        Args:
            database: Where they happened.
            request_id: The call that caused them.
        """
        for change in database.pop_changes():
            for event in self.factory.of(change, database):
                self._send(event, database, request_id)

    def test(self, kind: str, database: Database, request_id: str) -> int:
        """Send a made-up event to all who listen.

        Returns:
            To how many webhooks; those that the fake cannot reach are not counted.
        """
        return self._send(self.factory.test(kind, database, at=timestamp(self.now_s())), database, request_id)

    async def test_one(self, kind: str, database: Database, webhook: Object, request_id: str) -> Delivery:
        """Send a made-up event to one webhook, whatever it asks for, and wait for its answer. It is not tried again (inferred)."""
        event = self.factory.test(kind, database, at=timestamp(self.now_s()))
        delivery = await self.dispatcher.attempt(self._pending(event, database, webhook, request_id), webhook)
        self.dispatcher.done.append(delivery)
        return delivery

    def _send(self, event: OutgoingEvent, database: Database, request_id: str) -> int:
        self.streams.publish(event, database)
        reached = 0
        for webhook in database.table("webhooks"):
            if is_subscribed(webhook, event.type):
                self.dispatcher.enqueue(self._pending(event, database, webhook, request_id))
                reached += is_loopback(str(webhook["url"]))
        return reached

    def _pending(self, event: OutgoingEvent, database: Database, webhook: Object, request_id: str) -> PendingDelivery:
        identity = new_id("whd_", self.random)
        return PendingDelivery(id=identity, event=event, database=database, webhook_id=webhook["id"], request_id=request_id)
