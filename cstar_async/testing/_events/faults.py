"""What goes wrong on purpose with deliveries, and which of it an attempt meets.

A fault chooses attempts (type of event, webhook, chance, number of times) and loses them, delays them or repeats them. An attempt
meets all the faults that choose it: delays add up, the highest number of repetitions counts, and of two losses the first added.
A repetition is no attempt of its own: no fault chooses it, and it is not tried again.

This room decides and counts; it sends nothing and knows no clock. Chance is an injected `Random`.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from random import Random
from typing import Final

import attrs

from cstar_async.testing._http.faults import FaultTiming


@attrs.define(kw_only=True, eq=False)
class DeliveryFault:
    """One thing that goes wrong, as `DeliveryFaults.add()` describes it."""

    event: str
    webhook: str | None
    max_triggers: int | None
    probability: float
    drop: FaultTiming | None
    delay: float
    repeat: int
    trigger_count: int = 0
    """How often it was met."""


@attrs.frozen(kw_only=True)
class DeliveryPlan:
    """What an attempt is going to meet."""

    delay: float = 0.0
    drop: FaultTiming | None = None
    repeat: int = 0


NO_FAULTS: Final = DeliveryPlan()
"""Nothing goes wrong."""


class DeliveryFaults:
    """The faults of the deliveries of a fake.

    Args:
        random: The chance of faults with a probability.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._faults: list[DeliveryFault] = []

    def __iter__(self) -> Iterator[DeliveryFault]:
        return iter(self._faults)

    def __len__(self) -> int:
        return len(self._faults)

    def add(
        self,
        *,
        event: str = "*",
        webhook: str | None = None,
        max_triggers: int | None = 1,
        probability: float = 1.0,
        drop: FaultTiming | None = None,
        delay: float = 0.0,
        repeat: int = 0,
    ) -> DeliveryFault:
        """Let deliveries go wrong from now on.

        Args:
            event: Only events of this type, or of those that a wildcard such as `ticket.*` means; default all.
            webhook: Only deliveries to the subscription of this id.
            max_triggers: How many attempts; default one, None: for ever.
            probability: How likely a chosen attempt meets it, above 0 to 1, default 1; drawn from the fake's seeded chance.
            drop: Lose the attempt `"before"` the receiver gets it, or its answer `"after"`; it is tried again by the schedule.
            delay: Seconds, on the fake's clock, that it is held back; those behind it go ahead.
            repeat: How many times it is sent again, right behind itself.

        Returns:
            The fault; `trigger_count` says how often it was met.

        Raises:
            ValueError: There is nothing to do, or a value is out of its range.
        """
        if drop is None and not delay and not repeat:
            raise ValueError("a fault needs something to do: drop, delay or repeat")
        if drop not in (None, "before", "after") or delay < 0 or repeat < 0 or (max_triggers is not None and max_triggers < 1):
            raise ValueError("drop is 'before' or 'after', delay and repeat are at least 0, times at least 1")
        if not 0 < probability <= 1:
            raise ValueError(f"a probability is above 0 and at most 1, not {probability}")
        fault = DeliveryFault(
            event=event, webhook=webhook, max_triggers=max_triggers, probability=probability, drop=drop, delay=delay, repeat=repeat
        )
        self._faults.append(fault)
        return fault

    def add_mixed(self, share: float, *, delay: float = 0.5) -> None:
        """Let a share of all attempts go wrong for ever, in each way equally often: lost before or after, repeated, delayed.

        Args:
            share: About how much of all attempts, above 0 to 1.
            delay: Seconds, on the fake's clock, that those are held back which come late.

        Raises:
            ValueError: *share* is out of its range.
        """
        if not 0 < share <= 1:
            raise ValueError(f"a share is above 0 and at most 1, not {share}")
        each = share / 4
        self.add(drop="before", probability=each, max_triggers=None)
        self.add(drop="after", probability=each, max_triggers=None)
        self.add(repeat=1, probability=each, max_triggers=None)
        self.add(delay=delay, probability=each, max_triggers=None)

    def remove(self, fault: DeliveryFault) -> None:
        """Take a fault away; one that is not there is no error."""
        if fault in self._faults:
            self._faults.remove(fault)

    def clear(self) -> None:
        """Take all faults away."""
        self._faults.clear()

    def plan(self, event: str, webhook: str) -> DeliveryPlan:
        """What an attempt meets; counts the faults that it meets as fired."""
        met = [fault for fault in self._faults if self._triggers(fault, event, webhook)]
        if not met:
            return NO_FAULTS
        for fault in met:
            fault.trigger_count += 1
            fault.max_triggers = None if fault.max_triggers is None else fault.max_triggers - 1
        return DeliveryPlan(
            delay=sum(fault.delay for fault in met),
            drop=next((fault.drop for fault in met if fault.drop is not None), None),
            repeat=max(fault.repeat for fault in met),
        )

    def _triggers(self, fault: DeliveryFault, event: str, webhook: str) -> bool:
        if fault.max_triggers == 0 or not fnmatchcase(event, fault.event) or fault.webhook not in (None, webhook):
            return False
        return fault.probability >= 1.0 or self._random.random() < fault.probability
