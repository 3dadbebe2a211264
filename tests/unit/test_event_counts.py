"""The counts of an inbox, in all and by event type."""

from __future__ import annotations

from datetime import UTC, datetime

from cstar_async.webhooks import InboxStats, event_from_dict
from cstar_async.webhooks._progress import QueuedEvent
from cstar_async.webhooks._stats import MAX_TYPES, EventCounts


def queued(event_type: str, since: float) -> QueuedEvent:
    """Return an event in the queue."""
    return QueuedEvent("key", event_from_dict({"type": event_type}), since)


def counts_of(stats: InboxStats) -> tuple[int, datetime | None, int, int, int]:
    """Return the counts without those by type."""
    return stats.pending, stats.oldest, stats.handled, stats.failed, stats.dead


def test_nothing_is_counted_at_first() -> None:
    """And no time is stated."""
    stats = EventCounts().stats([])
    assert ((0, None, 0, 0, 0), {}) == (counts_of(stats), stats.by_type)


def test_counts_are_the_sums_of_those_by_type() -> None:
    """With the time of the oldest event that is pending; types are in the order of their names."""
    counts = EventCounts()
    counts.add("handled", "b")
    counts.add("handled", "b")
    counts.add("failed", "b")
    counts.add_dead("evt_1", "c")
    counts.add("failed", "c")
    stats = counts.stats([queued("c", 300.0), queued("a", 200.0), queued("c", 100.0)])
    first, second = datetime.fromtimestamp(100, UTC), datetime.fromtimestamp(200, UTC)
    assert (3, first, 2, 2, 1) == counts_of(stats)
    assert ["a", "b", "c"] == list(stats.by_type)
    assert (1, second, 0, 0, 0) == counts_of(stats.by_type["a"])
    assert (0, None, 2, 1, 0) == counts_of(stats.by_type["b"])
    assert (2, first, 0, 1, 1) == counts_of(stats.by_type["c"])
    assert [{}] * 3 == [one.by_type for one in stats.by_type.values()]


def test_types_beyond_a_thousand_are_counted_as_one() -> None:
    """A sender that invents types cannot fill the memory; those that are counted already go on."""
    counts = EventCounts()
    for number in range(MAX_TYPES + 5):
        counts.add("handled", f"type.{number}")
    counts.add("handled", "type.0")
    stats = counts.stats([])
    assert (MAX_TYPES + 1, MAX_TYPES + 6) == (len(stats.by_type), stats.handled)
    assert (2, 1, 5) == tuple(stats.by_type[name].handled for name in ("type.0", "type.999", "*"))
