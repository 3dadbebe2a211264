"""Count what happens to the events of an inbox."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, Literal

import attrs

from cstar_async.webhooks._progress import QueuedEvent

MAX_TYPES: Final = 1000
"""Number of event types that are counted apart. Further ones are counted as `*`."""


@attrs.frozen(kw_only=True)
class InboxStats:
    """The state of an inbox now, and its counts since it was created. Returned by `WebhookInbox.stats`."""

    pending: int
    """The events that are accepted and not handled."""
    oldest: datetime | None
    """The time since which the oldest of them is pending. None: there is none."""
    handled: int
    """The events whose handlers have succeeded."""
    failed: int
    """The attempts that failed. Those that met a rate limit or an outage are left out."""
    dead: int
    """The events that were given up."""
    by_type: Mapping[str, InboxStats]
    """The same of each event type."""


class EventCounts:
    """The counts behind `InboxStats`."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, what: Literal["handled", "failed", "dead"], event_type: str) -> None:
        """Count an event."""
        if len(self._counts) >= MAX_TYPES and event_type not in self._counts:
            event_type = "*"
        self._counts[event_type][what] += 1

    def stats(self, queued: Collection[QueuedEvent]) -> InboxStats:
        """Return the counts together with the events that are pending. Metrics are often read in a thread of their own."""
        pending: dict[str, list[float]] = {}
        queued, all_counts = list(queued), dict(self._counts)
        for one in queued:
            pending.setdefault(one.event.type, []).append(one.since)
        none, total = Counter[str](), Counter[str]()
        for counts in all_counts.values():
            total.update(dict(counts))
        by_type = {
            event_type: _stats_of(pending.get(event_type, []), all_counts.get(event_type, none), {})
            for event_type in sorted({*pending, *all_counts})
        }
        return _stats_of([one.since for one in queued], total, by_type)


def _stats_of(pending: list[float], counts: Counter[str], by_type: dict[str, InboxStats]) -> InboxStats:
    return InboxStats(
        pending=len(pending),
        oldest=datetime.fromtimestamp(min(pending), UTC) if pending else None,
        handled=counts["handled"],
        failed=counts["failed"],
        dead=counts["dead"],
        by_type=MappingProxyType(by_type),
    )
