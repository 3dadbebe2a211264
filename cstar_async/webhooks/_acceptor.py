"""Accept each event once: add it to the store and to the queue, although deliveries repeat, stores fail and requests end early."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cstar_async._event_loop.clock import Clock
from cstar_async._model.event import WebhookEvent
from cstar_async._model.stored_event import StoredEvent
from cstar_async._types import UntypedJSON, is_object, is_str
from cstar_async.errors import PayloadError
from cstar_async.webhooks._bounded_set import BoundedSet
from cstar_async.webhooks._failures import describe, log_event
from cstar_async.webhooks._keyed_queue import KeyedQueue, is_being_cancelled
from cstar_async.webhooks._memory_store import MemoryStore
from cstar_async.webhooks._parsing import id_of, parse_event
from cstar_async.webhooks._progress import EventLostError, ProgressRecorder, QueuedEvent, log_store_error, run_store_operation
from cstar_async.webhooks._stats import EventCounts
from cstar_async.webhooks._store import BODY_HASH_PREFIX, EventStore

if TYPE_CHECKING:
    from cstar_async._client.shared_responses import SharedResponses

MAX_UNCONFIRMED_IDS: Final = 10_000


class EventAcceptor:
    """The events that an inbox has accepted: from deliveries and streams, of earlier processes, and dead letters to try again."""

    def __init__(
        self,
        store: EventStore,
        progress: ProgressRecorder,
        counts: EventCounts,
        clock: Clock,
        handle: Callable[[QueuedEvent], Awaitable[None]],
        shared_responses: SharedResponses | None,
    ) -> None:
        self._store = store
        self._never_waits = type(store) is MemoryStore
        self._progress = progress
        self._counts = counts
        self._clock = clock
        self._shared_responses = shared_responses
        self.queue: KeyedQueue[QueuedEvent] = KeyedQueue(handle, self._log_abandoned)
        self.queued: dict[str, QueuedEvent] = {}
        """The events in the queue, by their keys."""
        self.adding: set[asyncio.Task[bool | Exception]] = set()
        # Ids of events whose `add` raised: the store may have them all the same.
        self._unconfirmed_ids: BoundedSet[str] = BoundedSet(MAX_UNCONFIRMED_IDS)
        self._starting: asyncio.Task[None] | None = None
        self._is_started = False
        self._renewing: asyncio.Task[None] | None = None
        self._loop_watcher: AsyncGenerator[None] | None = None

    async def start(self) -> None:
        """Load the pending events of the store once, and then regularly if others use it."""
        if self._is_started:
            return
        starting = self._starting
        if starting is None or (starting.done() and not starting.cancelled() and starting.exception()):
            starting = self._starting = asyncio.get_running_loop().create_task(self._resume())
        await asyncio.shield(starting)

    async def accept(self, event: WebhookEvent, body: bytes) -> bool:
        """Add an event unless it was added before. Return False if the inbox closes first."""
        self._invalidate(event)
        return await self._run_to_end(self._add(event, body)) is not None

    async def requeue(self, event_id: str) -> bool | None:
        """Add a dead letter to the queue. Return False if the store has none with this id, and None if the inbox closes first."""
        return await self._run_to_end(self._requeue(event_id))

    def discard(self, queued: QueuedEvent) -> None:
        """Remove an event that has its outcome, unless the same one was requeued before the store reported that."""
        if self.queued.get(queued.key) is queued:
            del self.queued[queued.key]

    async def stop(self) -> list[str]:
        """Cancel all tasks. Return the ids of the events that are not handled."""
        tasks: list[asyncio.Task[Any]] = [*self.adding, *(task for task in (self._starting, self._renewing) if task)]
        await asyncio.gather(*[task for task in tasks if task.cancel()], return_exceptions=True)
        left = await self.queue.stop()
        if self._loop_watcher is not None:
            await self._loop_watcher.aclose()
        remaining = [one for one in left if self.queued.get(one.key) is one and one.key not in self._progress]
        for queued in remaining:
            try:
                if not await self._progress.record_attempts(queued):  # without the attempts that were cancelled
                    break
            except EventLostError:
                pass
        return [queued.key for queued in remaining]

    async def _run_to_end(self, work: Coroutine[None, None, bool | Exception]) -> bool | None:
        """Run a change even if the caller is cancelled. Return None if it is cancelled because the inbox closes."""
        result: bool | BaseException | None
        if self._never_waits and self._is_started:
            result = await work  # cannot be cancelled
        else:
            loop = asyncio.get_running_loop()
            outcome: asyncio.Future[bool | BaseException | None] = loop.create_future()
            task = loop.create_task(work)
            self.adding.add(task)
            task.add_done_callback(partial(self._finish, outcome))
            result = await outcome
        if isinstance(result, BaseException):
            raise result
        return result

    def _finish(self, outcome: asyncio.Future[bool | BaseException | None], task: asyncio.Task[bool | Exception]) -> None:
        self.adding.discard(task)
        if not outcome.done():
            outcome.set_result(None if task.cancelled() else task.exception() or task.result())

    async def _add(self, event: WebhookEvent, body: bytes) -> bool | Exception:
        """Return the exception of the store instead of raising it, because the caller may be gone."""
        key = dedup_key(event, body)
        is_started = False
        try:
            await self.start()
            is_started = True
            is_new = await run_store_operation(self._store.add(key, body)) or await self._take_unconfirmed(key) is not None
        except Exception as error:  # a store may raise any exception
            if is_started:
                self._note_unconfirmed(key)
            return error
        if is_new:
            self._enqueue(QueuedEvent(key, event, self._clock.time()))
        self._unconfirmed_ids.discard(key)
        return True

    async def _requeue(self, event_id: str) -> bool | Exception:
        """Return the exception of the store instead of raising it, because the caller may be gone."""
        try:
            await self.start()
            requeued = await run_store_operation(self._store.requeue_dead_letter(event_id))
            letter = requeued or await self._take_unconfirmed(event_id)
        except Exception as error:  # a store may raise any exception
            self._note_unconfirmed(event_id)
            return error
        self._unconfirmed_ids.discard(event_id)
        self._counts.discard_dead(event_id)
        if letter is not None:
            self._progress.discard(event_id)
            await self._enqueue_stored(letter)
        return letter is not None

    def _note_unconfirmed(self, key: str) -> None:
        """Note that the store may have made an event pending before it failed. A shared store finds that out by itself."""
        if self._store.lease_interval is None and key not in self.queued and key not in self._progress:
            self._unconfirmed_ids.add(key)

    async def _take_unconfirmed(self, key: str) -> StoredEvent | None:
        """Return a pending event that a change has left in the store although it raised. Return it to one caller."""
        if key not in self._unconfirmed_ids:
            return None
        found = next((stored for stored in await self._claim_pending() if stored.id == key), None)
        if key not in self._unconfirmed_ids:
            return None
        self._unconfirmed_ids.discard(key)
        return found

    def _enqueue(self, queued: QueuedEvent) -> None:
        self.queued[queued.key] = queued
        self.queue.put(_ordering_key(queued), queued)

    async def _enqueue_stored(self, stored: StoredEvent) -> None:
        try:
            event = parse_event(stored.body)
        except PayloadError as error:
            log_event(logging.ERROR, "stored event not readable, it is a dead letter now: %(error)s", stored.id, error=str(error))
            self._counts.add_dead(stored.id, "*")
            await self._progress.record_outcome(stored.id, describe(error))
        else:
            self._invalidate(event)
            attempts = stored.attempts
            self._enqueue(QueuedEvent(stored.id, event, stored.since.timestamp(), attempts, attempts, was_interrupted=attempts > 0))

    def _invalidate(self, event: WebhookEvent) -> None:
        """Keep later calls of the client from responses that are older than the event."""
        if self._shared_responses is not None:
            self._shared_responses.on_event(event.type)

    async def _resume(self) -> None:
        try:  # before an event of the queue can become one
            with self._progress.store_timeout:
                self._counts.set_dead(await run_store_operation(self._store.dead_letters()))
        except Exception as error:  # a store may raise any exception; events are handled without the count
            log_store_error("return dead letters", error)
        await self._load_pending()
        if self._store.lease_interval is not None:
            self._renewing = asyncio.get_running_loop().create_task(self._renew(self._store.lease_interval))
        self._loop_watcher = self._watch_loop()
        await anext(self._loop_watcher)
        self._is_started = True

    async def _watch_loop(self) -> AsyncGenerator[None]:
        """Abandon the queue when the event loop ends, which closes its asynchronous generators."""
        try:
            yield
        finally:
            self.queue.abandon()

    def _log_abandoned(self, events: Sequence[QueuedEvent]) -> None:
        for queued in events:
            if queued.key not in self._progress:
                log_event(logging.WARNING, "not handled, its task or its event loop has ended", queued.key)

    async def _renew(self, interval: float) -> None:
        """Renew the lease of a shared store, and take over events of inboxes whose lease has ended."""
        while not is_being_cancelled():  # a Redis client may suppress the cancellation
            await self._clock.sleep(interval)
            try:
                with self._progress.store_timeout:
                    await self._load_pending()
            except Exception as error:  # a store may raise any exception
                log_store_error("return pending events", error)

    async def _claim_pending(self) -> list[StoredEvent]:
        return await run_store_operation(self._store.claim_pending())

    async def _load_pending(self) -> None:
        for stored in await self._claim_pending():
            await self._enqueue_stored(stored)


def dedup_key(event: WebhookEvent, body: bytes) -> str:
    """Return the id of an event, or the hash of its body if it has none."""
    return id_of(event) or f"{BODY_HASH_PREFIX}{hashlib.sha256(body).hexdigest()}"


def _ordering_key(queued: QueuedEvent) -> str:
    """Return the same key for events about the same object, such as a ticket, and the event's own key if it names none."""
    resource = queued.event.type.partition(".")[0]
    data: UntypedJSON = queued.event.data
    subject: UntypedJSON = data.get(resource) if is_object(data) else getattr(data, resource, None)
    subject_id: UntypedJSON = subject.get("id") if is_object(subject) else getattr(subject, "id", None)
    return f"{resource}:{subject_id}" if is_str(subject_id) else f"event:{queued.key}"
