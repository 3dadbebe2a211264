"""The event streams: new events for every open stream, and missed events after a reconnect.

The wire format is inferred: `id`, `event` and `data` of each event, and comments as keep-alive. A client that sends the id of its
last event gets the events after it, or all retained events if that id is unknown. Without an id it gets new events only. Nothing
here uses a socket: a listener is an async iterator of bytes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Final, Self

from cstar_async._values.validation import invalid, is_number
from cstar_async.testing._data.store import Database
from cstar_async.testing._events.factory import OutgoingEvent
from cstar_async.testing.clock import FakeClock

MAX_RETAINED_EVENTS: Final = 10_000
"""Events of a team that are retained for reconnects."""
KEEP_ALIVE_S: Final = 15.0
"""Seconds between keep-alive comments."""


class Listener:
    """The bytes of one open stream, one message after the other.

    Args:
        on_close: Called once when it has ended.
    """

    def __init__(self, on_close: Callable[[Listener], None]) -> None:
        self._on_close = on_close
        self._ready: deque[bytes] = deque([b": listening\n\n"])
        self._woken = asyncio.Event()
        self._is_closed = False
        self._is_broken = False

    @property
    def is_broken(self) -> bool:
        """Whether to abort the connection instead of ending it."""
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
        """Send a message. A listener with too many unsent messages is disconnected."""
        self._ready.append(message)
        self._woken.set()
        if len(self._ready) > 2 * MAX_RETAINED_EVENTS:
            self._ready.clear()
            self.disconnect()

    def close(self) -> None:
        """End the stream after the unsent messages. May be called twice."""
        if not self._is_closed:
            self._is_closed = True
            self._woken.set()
            self._on_close(self)

    def disconnect(self) -> None:
        """End the stream as a broken connection, after the unsent messages."""
        self._is_broken = True
        self.close()


class EventStreams:
    """The open event streams of a fake; `len()` is their number.

    Args:
        clock: The clock of the keep-alive.
        random: Decides about faults.
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
        """Send an event to all streams of its team, and retain it."""
        self._retained.setdefault(database, deque(maxlen=MAX_RETAINED_EVENTS)).append(event)
        message = _message(event)
        copies = 2 if self._random.random() < self._share / 2 else 1
        for listener, source in list(self._listeners.items()):
            if source is database:
                listener.put(message * copies)
        if self._random.random() < self._share / 2:
            self.disconnect_all()

    def open(self, database: Database, last_event_id: str | None) -> Listener:
        """Open a stream; the caller must close it.

        Args:
            database: The data of its team.
            last_event_id: The last event that the client has; None: only new events.
        """
        listener = Listener(self._on_close)
        for event in self._missed_events(database, last_event_id) if last_event_id else ():
            listener.put(_message(event))
        self._listeners[listener] = database
        if self._keepalive_task is None:
            self._keepalive_task = asyncio.create_task(self._keep_alive())
        return listener

    def disconnect_all(self) -> int:
        """Break the connections of all streams. A client that reconnects gets the events that it missed.

        Returns:
            The number of streams.
        """
        listeners = list(self._listeners)
        for listener in listeners:
            listener.disconnect()
        return len(listeners)

    def inject_faults(self, share: float) -> None:
        """Add faults to a share of all events: one half is sent twice, the other half breaks all connections.

        Args:
            share: The share of events, from 0 (no faults) to 1.

        Raises:
            InvalidArgumentError: *share* is out of range.
        """
        if not is_number(share) or not 0 <= share <= 1:
            raise invalid("share", "a number from 0 to 1", share)
        self._share = share

    def end(self) -> None:
        """End all streams without an error."""
        for listener in list(self._listeners):
            listener.close()

    def _on_close(self, listener: Listener) -> None:
        self._listeners.pop(listener, None)
        if not self._listeners and self._keepalive_task is not None:
            self._keepalive_task.cancel()
            self._keepalive_task = None

    def _missed_events(self, database: Database, last_event_id: str) -> list[OutgoingEvent]:
        retained = list(self._retained.get(database, ()))
        index = next((index for index, event in enumerate(retained) if event.id == last_event_id), -1)
        return retained[index + 1 :]

    async def _keep_alive(self) -> None:
        while True:
            await self._clock.sleep(KEEP_ALIVE_S)
            for listener in list(self._listeners):
                listener.put(b": alive\n\n")


def _message(event: OutgoingEvent) -> bytes:
    return f"id: {event.id}\nevent: {event.type}\ndata: ".encode() + event.body + b"\n\n"
