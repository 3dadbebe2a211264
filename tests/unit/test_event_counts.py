"""The counts of an inbox, in all and by event type."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from cstar_async._model.stored_event import StoredEvent
from cstar_async.webhooks import InboxStats, _stats, event_from_dict
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


def dead_counts(counts: EventCounts) -> dict[str, int]:
    """Return the dead letters of each type."""
    return {event_type: stats.dead for event_type, stats in counts.stats([]).by_type.items()}


def test_dead_letter_counts_once() -> None:
    """However often it is added. Its type stays in the statistics when it is none any more."""
    counts = EventCounts()
    versions = [counts.dead_version]
    changes: list[Callable[[], None]] = [
        lambda: counts.add_dead("evt_1", "a"),
        lambda: counts.add_dead("evt_1", "a"),
        lambda: counts.add_dead("evt_2", "b"),
        lambda: counts.discard_dead("evt_1"),
        lambda: counts.discard_dead("unheard of"),
    ]
    for change in changes:
        change()
        versions.append(counts.dead_version)
    assert (6, {"a": 0, "b": 1}, 1) == (len(set(versions)), dead_counts(counts), counts.stats([]).dead)


def test_only_the_newest_dead_letters_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store can have any number."""
    monkeypatch.setattr(_stats, "MAX_DEAD_LETTERS", 2)
    counts = EventCounts()
    for number in range(3):
        counts.add_dead(f"evt_{number}", "abc"[number])
    assert {"a": 0, "b": 1, "c": 1} == dead_counts(counts)


def test_dead_letters_of_a_store_replace_those_counted() -> None:
    """One that cannot be read has no type."""
    counts = EventCounts()
    counts.add_dead("evt_1", "a")
    bodies = {
        "evt_2": b'{"id": "evt_2", "type": "b", "data": {}}',
        "evt_3": b"?",
        "evt_4": b'{"id": "evt_4", "type": "b", "data": {}}',
    }
    counts.set_dead([StoredEvent(id=name, body=body, attempts=1, since=datetime.now(UTC)) for name, body in bodies.items()])
    assert {"*": 1, "a": 0, "b": 2} == dead_counts(counts)


def test_counts_are_of_before_until_all_dead_letters_are_read() -> None:
    """A thread of metrics may read them at any time."""
    counts = EventCounts()
    counts.add_dead("evt_1", "a")
    observed: list[int] = []

    class Letters(list[StoredEvent]):
        def __getitem__(self, key: object) -> list[StoredEvent]:  # type: ignore[override]
            return Letters(self)

        def __iter__(self) -> Iterator[StoredEvent]:
            for one in list.__iter__(self):
                yield one
                observed.append(counts.stats([]).dead)

    body = b'{"id": "evt_2", "type": "b", "data": {}}'
    counts.set_dead(Letters([StoredEvent(id=name, body=body, attempts=1, since=datetime.now(UTC)) for name in ("2", "3")]))
    assert {1} == set(observed)
    assert 2 == counts.stats([]).dead


def test_types_of_dead_letters_beyond_a_thousand_are_counted_as_one() -> None:
    """As those of other events are."""
    counts = EventCounts()
    for number in range(MAX_TYPES + 2):
        counts.add_dead(f"evt_{number}", f"type.{number}")
    counts.add_dead("evt_again", "type.0")
    assert (MAX_TYPES + 1, 2, 2) == (len(dead_counts(counts)), dead_counts(counts)["*"], dead_counts(counts)["type.0"])
