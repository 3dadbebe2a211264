"""Faults of webhook deliveries, and which attempts meet them.

A fault selects attempts (event type, webhook, probability, number of times) and drops, delays or repeats them. An attempt meets
every fault that matches: delays add up, the highest repetition counts, and the first drop that was added wins. A repetition is not
an attempt of its own: it meets no fault and is not retried.

This module decides and counts; it sends nothing and reads no clock. Randomness comes from an injected `Random`.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

import attrs

from cstar_async._values.validation import check_choice, check_str, invalid, is_number, validate_count, validate_seconds
from cstar_async.errors import InvalidArgumentError
from cstar_async.testing._http.faults import FaultList, FaultTiming, check_triggers


@attrs.define(kw_only=True, eq=False)
class DeliveryFault:
    """One fault, as `DeliveryFaults.add()` describes it."""

    event: str
    webhook: str | None
    max_triggers: int | None
    probability: float
    drop: FaultTiming | None
    delay: float
    repeat: int
    trigger_count: int = 0
    """How often it has triggered."""


@attrs.frozen(kw_only=True)
class DeliveryPlan:
    """The faults that one attempt meets."""

    delay: float = 0.0
    drop: FaultTiming | None = None
    repeat: int = 0


NO_FAULTS: Final = DeliveryPlan()


def _matches(fault: DeliveryFault, event: str, webhook: str) -> bool:
    """Return whether a fault can trigger for an attempt, probability aside."""
    return fault.max_triggers != 0 and fnmatchcase(event, fault.event) and fault.webhook in (None, webhook)


class DeliveryFaults(FaultList[DeliveryFault]):
    """The faults of deliveries."""

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
        """Add a fault.

        Args:
            event: Only events of this type or wildcard, such as `ticket.*`; default all.
            webhook: Only deliveries to the webhook with this id.
            max_triggers: How many attempts; default one, None: without limit.
            probability: The probability for a matching attempt, above 0 to 1; default 1. Drawn from the fake's seeded random
                source.
            drop: Drop the request, `"before"` the receiver gets it, or the response, `"after"`; the attempt is retried by the
                schedule.
            delay: Seconds, by the fake's clock, before it is sent; later deliveries do not wait.
            repeat: How many times it is sent again at once.

        Returns:
            The fault; its `trigger_count` says how often it has triggered.

        Raises:
            InvalidArgumentError: There is nothing to do, or a value is out of range.
        """
        check_str("event", event)
        check_choice("drop", drop, (None, "before", "after"))
        validate_seconds("delay", delay)
        validate_count("repeat", repeat, 0)
        check_triggers(max_triggers, probability)
        if drop is None and not delay and not repeat:
            raise InvalidArgumentError("a fault must have at least one of drop, delay and repeat, got none")
        fault = DeliveryFault(
            event=event, webhook=webhook, max_triggers=max_triggers, probability=probability, drop=drop, delay=delay, repeat=repeat
        )
        self._faults.append(fault)
        return fault

    def add_mixed(self, share: float, *, delay: float = 0.5) -> None:
        """Add permanent faults of every type, each for an equal part of the attempts: drop before, drop after, repeat, delay.

        Args:
            share: About which part of all attempts, above 0 to 1.
            delay: Seconds of a delay, by the fake's clock.

        Raises:
            InvalidArgumentError: *share* or *delay* is out of range.
        """
        if not is_number(share) or not 0 < share <= 1:
            raise invalid("share", "a number above 0, at most 1", share)
        each = share / 4
        self.add(drop="before", probability=each, max_triggers=None)
        self.add(drop="after", probability=each, max_triggers=None)
        self.add(repeat=1, probability=each, max_triggers=None)
        self.add(delay=delay, probability=each, max_triggers=None)

    def plan(self, event: str, webhook: str) -> DeliveryPlan:
        """Return the faults that an attempt meets, and count them as triggered."""
        triggered = [fault for fault in self._faults if _matches(fault, event, webhook) and self._is_triggered(fault)]
        return DeliveryPlan(
            delay=sum(fault.delay for fault in triggered),
            drop=next((fault.drop for fault in triggered if fault.drop is not None), None),
            repeat=max((fault.repeat for fault in triggered), default=0),
        )
