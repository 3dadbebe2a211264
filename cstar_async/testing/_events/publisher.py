"""From a change to those who want to hear of it: events written, and handed to webhooks and streams."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from random import Random

import attrs

from cstar_async.testing._data.ids import new_id
from cstar_async.testing._data.store import Database, Object
from cstar_async.testing._events.delivery import Delivery, PendingDelivery
from cstar_async.testing._events.dispatcher import DeliveryDispatcher
from cstar_async.testing._events.factory import EventFactory, OutgoingEvent
from cstar_async.testing._events.sender import is_loopback
from cstar_async.testing._events.streams import EventStreams
from cstar_async.testing._http.responses import timestamp


def is_subscribed(webhook: Object, event: str) -> bool:
    """Whether a subscription is switched on and asks for events of a type, by name or by a wildcard such as `ticket.*`."""
    return bool(webhook["isActive"]) and any(fnmatchcase(event, wanted) for wanted in webhook["events"])


@attrs.frozen(kw_only=True)
class EventPublisher:
    """Tells of what happens in the worlds of a fake."""

    writer: EventFactory
    courier: DeliveryDispatcher
    broadcast: EventStreams
    random: Random
    """The source of the ids of deliveries."""
    now_s: Callable[[], float]

    def publish_changes(self, world: Database, request_id: str) -> None:
        """Send the events of all changes that nobody has told of.

        Args:
            world: Where they happened.
            request_id: The call that caused them.
        """
        for change in world.pop_changes():
            for event in self.writer.of(change, world):
                self._send(event, world, request_id)

    def test(self, kind: str, world: Database, request_id: str) -> int:
        """Send a made-up event to all who listen.

        Returns:
            To how many webhooks; those that the fake cannot reach are not counted.
        """
        return self._send(self.writer.test(kind, world, at=timestamp(self.now_s())), world, request_id)

    async def test_one(self, kind: str, world: Database, webhook: Object, request_id: str) -> Delivery:
        """Send a made-up event to one webhook, whatever it asks for, and wait for its answer. It is not tried again (inferred)."""
        event = self.writer.test(kind, world, at=timestamp(self.now_s()))
        delivery = await self.courier.attempt(self._parcel(event, world, webhook, request_id), webhook)
        self.courier.done.append(delivery)
        return delivery

    def _send(self, event: OutgoingEvent, world: Database, request_id: str) -> int:
        self.broadcast.publish(event, world)
        reached = 0
        for webhook in world.table("webhooks"):
            if is_subscribed(webhook, event.type):
                self.courier.enqueue(self._parcel(event, world, webhook, request_id))
                reached += is_loopback(str(webhook["url"]))
        return reached

    def _parcel(self, event: OutgoingEvent, world: Database, webhook: Object, request_id: str) -> PendingDelivery:
        identity = new_id("whd_", self.random)
        return PendingDelivery(id=identity, event=event, world=world, webhook_id=webhook["id"], request_id=request_id)
