"""What the fake has sent to webhooks: one entry an attempt, in the order in which they ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from cstar_async.testing._events.delivery import Delivery
from cstar_async.testing._events.dispatcher import DeliveryDispatcher
from cstar_async.testing._events.faults import DeliveryFaults


class Deliveries(Sequence[Delivery]):
    """The attempts that a fake has made to deliver events, oldest first. Reads like a list; the oldest are forgotten.

    Args:
        dispatcher: Who makes them.
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
        return f"Deliveries({list(self)!r})"

    @property
    def faults(self) -> DeliveryFaults:
        """What goes wrong with deliveries: `faults.add(drop="before", probability=0.3, times=None)`."""
        return self._dispatcher.faults

    @property
    def pending_count(self) -> int:
        """How many deliveries are not done yet, those that wait for their next attempt included."""
        return self._dispatcher.pending_count

    def for_event(self, event: str) -> list[Delivery]:
        """The attempts for an event, oldest first.

        Args:
            event: Its type, such as `ticket.created`, or its id.
        """
        return [delivery for delivery in self if event in (delivery.event_type, delivery.event_id)]

    async def wait_until_idle(self) -> None:
        """Wait until nothing is on its way and nothing is due. An attempt that waits for a later moment of the clock is not due."""
        await self._dispatcher.wait_until_idle()

    def clear(self) -> None:
        """Forget every entry. What waits goes on waiting."""
        self._dispatcher.done.clear()
