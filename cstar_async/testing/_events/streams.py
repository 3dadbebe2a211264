"""The event stream: events to all who listen, and what they missed to those who come back.

The wire form is inferred, as told in `_event_stream`: `id`, `event` and `data` of each event, comments to show that the line is
alive. Who names the last event that he has got hears what came after it; if it is not known any more, all that is kept, for then
something was missed; who names none hears what comes from now on. No socket is known here: a listener is something to iterate.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Final, Self

from cstar_async.testing._data.store import Database
from cstar_async.testing._events.factory import OutgoingEvent
from cstar_async.testing.clock import FakeClock

MAX_RETAINED_EVENTS: Final = 10_000
"""Events of a team that are kept for those who come back."""
KEEP_ALIVE_S: Final = 15.0
"""Seconds after which a comment shows that the line is alive."""


class Listener:
    """The bytes of one open stream, one message after the other.

    Args:
        forget: Told once that it has ended.
    """

    def __init__(self, forget: Callable[[Listener], None]) -> None:
        self._on_close = forget
        self._ready: deque[bytes] = deque([b": listening\n\n"])
        self._woken = asyncio.Event()
        self._is_closed = False
        self._is_broken = False

    @property
    def is_broken(self) -> bool:
        """Whether the connection is to be broken, in the place of a good end."""
        return self._is_broken

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._ready:
            if self._is_closed:
                raise StopAsyncIteration
            self._woken.clear()
            await self._woken.wait()
        return self._ready.popleft()

    def put(self, message: bytes) -> None:
        """Send a message. Who is too far behind is cut off, to come back and ask for what he missed."""
        self._ready.append(message)
        self._woken.set()
        if len(self._ready) > 2 * MAX_RETAINED_EVENTS:
            self._ready.clear()
            self.disconnect()

    def close(self) -> None:
        """End the stream, after what is still to be sent; may be called twice."""
        if not self._is_closed:
            self._is_closed = True
            self._woken.set()
            self._on_close(self)

    def disconnect(self) -> None:
        """End it as a connection breaks, after what is still to be sent."""
        self._is_broken = True
        self.close()


class EventStreams:
    """The open streams of a fake. `len()` tells how many there are.

    Args:
        clock: When comments are due.
        random: The chance of troubles.
    """

    def __init__(self, clock: FakeClock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._share = 0.0
        self._retained: dict[Database, deque[OutgoingEvent]] = {}
        self._listeners: dict[Listener, Database] = {}
        self._keepalive_task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._listeners)

    def publish(self, event: OutgoingEvent, database: Database) -> None:
        """Send an event to all who listen in a database, and keep it."""
        self._retained.setdefault(database, deque(maxlen=MAX_RETAINED_EVENTS)).append(event)
        message = _message(event)
        times = 2 if self._random.random() < self._share / 2 else 1
        for listener, where in list(self._listeners.items()):
            if where is database:
                listener.put(message * times)
        if self._random.random() < self._share / 2:
            self.disconnect_all()

    def open(self, database: Database, last_event_id: str | None) -> Listener:
        """Open a stream; it is to be closed in the end.

        Args:
            database: Of whose events.
            last_event_id: The last event that the listener has got; None: he has got none, and begins now.
        """
        listener = Listener(self._on_close)
        for event in self._missed_events(database, last_event_id) if last_event_id else ():
            listener.put(_message(event))
        self._listeners[listener] = database
        if self._keepalive_task is None:
            self._keepalive_task = asyncio.create_task(self._keep_alive())
        return listener

    def disconnect_all(self) -> int:
        """Break the connections of all streams, as a network does. Who comes back gets what he missed.

        Returns:
            How many there were.
        """
        listeners = list(self._listeners)
        for listener in listeners:
            listener.disconnect()
        return len(listeners)

    def inject_faults(self, share: float) -> None:
        """Let a share of all events make trouble from now on: half of them are sent twice, with the others all streams break.

        Args:
            share: Of all events, from 0, which ends the trouble, to 1.

        Raises:
            ValueError: *share* is out of its range.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"a share is a number from 0 to 1, not {share}")
        self._share = share

    def end(self) -> None:
        """End all streams well, for the server closes."""
        for listener in list(self._listeners):
            listener.close()

    def _on_close(self, listener: Listener) -> None:
        self._listeners.pop(listener, None)
        if not self._listeners and self._keepalive_task is not None:
            self._keepalive_task.cancel()
            self._keepalive_task = None

    def _missed_events(self, database: Database, last_event_id: str) -> list[OutgoingEvent]:
        kept = list(self._retained.get(database, ()))
        place = next((place for place, event in enumerate(kept) if event.id == last_event_id), -1)
        return kept[place + 1 :]

    async def _keep_alive(self) -> None:
        while True:
            await self._clock.sleep(KEEP_ALIVE_S)
            for listener in list(self._listeners):
                listener.put(b": alive\n\n")


def _message(event: OutgoingEvent) -> bytes:
    return f"id: {event.id}\nevent: {event.type}\ndata: ".encode() + event.body + b"\n\n"
