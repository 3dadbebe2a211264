"""What an event store keeps of an event that is not done."""

from __future__ import annotations

from datetime import datetime

import attrs


@attrs.frozen(kw_only=True)
class StoredEvent:
    """An event of an `EventStore` that is pending or dead."""

    id: str
    """The id of the event, or the hash of its body if it has none."""
    body: bytes = attrs.field(repr=False)
    """The JSON text of the event."""
    attempts: int
    """The calls of a handler that failed, or that did not end before their process."""
    since: datetime
    """The time since which the event is pending or dead."""
    error: str | None = None
    """Why the event is dead: a class and a line of code, without personal data. None: it is pending."""
