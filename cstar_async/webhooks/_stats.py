"""Count what happens to the events of an inbox."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, Literal

import attrs

from cstar_async._model.stored_event import StoredEvent
from cstar_async.errors import PayloadError
from cstar_async.webhooks._parsing import parse_event
from cstar_async.webhooks._progress import QueuedEvent

MAX_DEAD_LETTERS: Final = 100_000
"""Number of dead letters that are counted. Of more, the newest are."""
MAX_TYPES: Final = 1000
"""Number of event types that are counted apart. Further ones are counted as `*`."""


@attrs.frozen(kw_only=True)
class InboxStats:
    """The state of an inbox now, and what it counted since it was created. Returned by `WebhookInbox.stats`."""

    pending: int
    """The events that are accepted and not handled."""
    oldest: datetime | None
    """The time since which the oldest of them is pending. None: there is none."""
    handled: int
    """The events whose handlers have succeeded."""
    failed: int
    """The attempts that failed. Those that met a rate limit or an outage are left out."""
    dead: int
    """The dead letters that wait for a decision: those that the store had at the start, and those of this inbox since then.

    In a store that processes share, it lacks what the others changed until `WebhookInbox.dead_letters` counts again.
    """
    by_type: Mapping[str, InboxStats]
    """The same of each event type."""


class EventCounts:
    """The counts behind `InboxStats`."""

    def __init__(self) -> None:
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        # The type of each dead letter, by its id: an id can be added again, for example by a count during a change.
        self._dead: dict[str, str] = {}
        self.dead_version = 0
        """Changes whenever a dead letter is added or removed."""

    def add(self, what: Literal["handled", "failed"], event_type: str) -> None:
        """Count an event."""
        if event_type not in self._counts:
            event_type = self._counted_type(event_type)
        self._counts[event_type][what] += 1

    def add_dead(self, event_id: str, event_type: str) -> None:
        """Count a dead letter."""
        self.dead_version += 1
        self._dead[event_id] = self._kept_type(event_type)
        if len(self._dead) > MAX_DEAD_LETTERS:
            del self._dead[next(iter(self._dead))]

    def discard_dead(self, event_id: str) -> None:
        """Note that an event is no dead letter."""
        self.dead_version += 1
        self._dead.pop(event_id, None)

    def set_dead(self, letters: Sequence[StoredEvent]) -> None:
        """Count the dead letters of a store. A thread that reads the counts meanwhile gets those of before."""
        self.dead_version += 1
        self._dead = {letter.id: self._kept_type(_type_of(letter)) for letter in letters[-MAX_DEAD_LETTERS:]}

    def _kept_type(self, event_type: str) -> str:
        """Return the type under which an event is counted. It stays in the statistics when a dead letter is tried again."""
        event_type = self._counted_type(event_type)
        self._counts[event_type]
        return event_type

    def _counted_type(self, event_type: str) -> str:
        return event_type if event_type in self._counts or len(self._counts) < MAX_TYPES else "*"

    def stats(self, queued: Collection[QueuedEvent]) -> InboxStats:
        """Return the counts together with the events that are pending. Metrics are often read in a thread of their own."""
        pending: dict[str, list[float]] = {}
        queued, all_counts, dead = list(queued), dict(self._counts), Counter(dict(self._dead).values())
        for one in queued:
            pending.setdefault(one.event.type, []).append(one.since)
        none, total = Counter[str](), Counter[str]()
        for counts in all_counts.values():
            total.update(dict(counts))
        by_type = {
            event_type: _stats_of(pending.get(event_type, []), all_counts.get(event_type, none), dead[event_type], {})
            for event_type in sorted({*pending, *all_counts})
        }
        return _stats_of([one.since for one in queued], total, dead.total(), by_type)


def _type_of(letter: StoredEvent) -> str:
    try:
        return parse_event(letter.body).type
    except PayloadError:
        return "*"


def _stats_of(pending: list[float], counts: Counter[str], dead: int, by_type: dict[str, InboxStats]) -> InboxStats:
    return InboxStats(
        pending=len(pending),
        oldest=datetime.fromtimestamp(min(pending), UTC) if pending else None,
        handled=counts["handled"],
        failed=counts["failed"],
        dead=dead,
        by_type=MappingProxyType(by_type),
    )
