"""The inbox over real HTTP: what a delivery is answered, in which order events are handled, and what becomes of failures."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from cstar_async import ConfigurationError, CStarError, InvalidArgumentError
from cstar_async.testing.clock import FakeClock
from cstar_async.webhooks import CustomerCreated, MemoryStore, SqliteStore, TicketCreated, WebhookEvent, WebhookInbox, sign

SECRET = "whsec_inbox"


def body_of(number: int, kind: str = "ticket.created", about: str = "tkt_1", **more: object) -> bytes:
    """An event of a kind, about a thing."""
    data = {kind.partition(".")[0]: {"id": about}}
    return json.dumps({"id": f"evt_{number}", "type": kind, "data": data, **more}).encode()


def inbox_of(**settings: Any) -> WebhookInbox:
    """An inbox on a clock of its own, which jumps over every wait."""
    return WebhookInbox(SECRET, _clock=FakeClock(autojump=True), tolerance=None, **settings)


async def deliver(inbox: WebhookInbox, *bodies: bytes) -> list[int]:
    """Hand deliveries over in order, and give the answers."""
    return [await inbox.receive(body, {"X-Signature": sign(body, SECRET)}) for body in bodies]


@asynccontextmanager
async def posting(inbox: WebhookInbox) -> AsyncIterator[Callable[..., Awaitable[int]]]:
    """A server of aiohttp with the inbox in it, and what posts to it."""
    application = web.Application()
    application.router.add_post("/hooks", inbox.aiohttp_handler)
    async with TestServer(application) as server, aiohttp.ClientSession() as session:

        async def post(body: bytes, signature: str | None = None) -> int:
            headers = {"x-signature": sign(body, SECRET) if signature is None else signature}
            async with session.post(server.make_url("/hooks"), data=body, headers=headers) as response:
                return response.status

        yield post


async def test_a_delivery_is_handled() -> None:
    """It comes over HTTP and reaches the handler as an event of its class."""
    got: list[TicketCreated] = []
    async with inbox_of() as inbox, posting(inbox) as post:

        @inbox.on(TicketCreated)
        async def handle(event: TicketCreated) -> None:
            got.append(event)

        assert await post(body_of(1)) == 200
        await inbox.wait_until_idle()
    assert [(type(event), event.id) for event in got] == [(TicketCreated, "evt_1")]


async def test_a_delivery_is_answered_before_its_event_is_handled() -> None:
    """CStar waits for ten seconds, a handler may need more."""
    may_go = asyncio.Event()
    async with inbox_of() as inbox, posting(inbox) as post:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            await may_go.wait()

        assert (await post(body_of(1)), len(inbox)) == (200, 1)
        may_go.set()
        await inbox.wait_until_idle()
        assert len(inbox) == 0


async def test_a_repeat_is_dropped_with_a_good_answer() -> None:
    """By the id of the event."""
    got: list[str] = []
    async with inbox_of() as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            got.append(event.id)

        assert await deliver(inbox, body_of(1), body_of(1), body_of(2)) == [200, 200, 200]
        await inbox.wait_until_idle()
    assert sorted(got) == ["evt_1", "evt_2"]


async def test_an_event_without_an_id_is_known_by_its_body() -> None:
    """Shorter forms exist."""
    got: list[str] = []
    async with inbox_of() as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            got.append(event.type)

        await deliver(inbox, b'{"type":"a.b"}', b'{"type":"a.b"}', b'{"type":"a.c"}')
        await inbox.wait_until_idle()
    assert sorted(got) == ["a.b", "a.c"]


async def test_a_signature_that_does_not_fit_is_refused() -> None:
    """Nothing is handled, and cStar may try again with the new secret."""
    async with inbox_of() as inbox, posting(inbox) as post:
        assert await post(body_of(1), signature="t=1,v1=00") == 401
        assert await post(body_of(1), signature="") == 401
        assert len(inbox) == 0


async def test_an_old_delivery_is_refused() -> None:
    """By the clock of the inbox."""
    clock = FakeClock()
    async with WebhookInbox(SECRET, _clock=clock) as inbox:
        body = body_of(1)
        old = sign(body, SECRET, timestamp=int(clock.time()) - 400)
        assert await inbox.receive(body, {"X-Signature": old}) == 401


async def test_a_genuine_delivery_that_is_no_event_is_taken_and_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """To deliver it again would not make it one."""
    async with inbox_of() as inbox:
        assert await deliver(inbox, b"{}") == [200]
    assert "a delivery was genuine and is lost" in caplog.text


@pytest.mark.parametrize(
    ("kind", "is_handled"),
    [
        ("ticket.created", True),
        ("ticket.*", True),
        ("*", True),
        (TicketCreated, True),
        (WebhookEvent, True),
        ("ticket", False),
        ("ticket.updated", False),
        ("customer.*", False),
        (CustomerCreated, False),
    ],
)
async def test_a_handler_hears_of_what_it_asked_for(kind: Any, is_handled: bool) -> None:
    """A type, a wildcard, everything, or a class."""
    got: list[str] = []
    async with inbox_of() as inbox:

        @inbox.on(kind)
        async def handle(event: WebhookEvent) -> None:
            got.append(event.id)

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert bool(got) is is_handled


async def test_every_handler_of_a_type_is_called_in_order() -> None:
    """That in which they registered."""
    got: list[str] = []
    async with inbox_of() as inbox:
        for name in ("first", "second"):

            @inbox.on("ticket.*", "customer.*")
            async def handle(event: WebhookEvent, name: str = name) -> None:
                got.append(name)

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert got == ["first", "second"]


@pytest.mark.parametrize("kinds", [(), ("",), (7,), (int,)])
def test_a_handler_for_nothing_is_refused(kinds: Any) -> None:
    """The mistake is told where it is made."""
    with pytest.raises(InvalidArgumentError, match="a handler is for types of events"):
        WebhookInbox(SECRET).on(*kinds)


@pytest.mark.parametrize(
    "wrong", [{"concurrency": 0}, {"max_pending": 0}, {"max_attempts": 0}, {"shutdown_timeout": -1}, {"handler_timeout": -1.0}]
)
def test_a_number_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    """With its name."""
    with pytest.raises(InvalidArgumentError, match=next(iter(wrong))):
        WebhookInbox(SECRET, **wrong)


async def test_events_of_a_ticket_keep_their_order() -> None:
    """Even if the first takes longest, and fails in between."""
    got: list[str] = []
    failed: set[str] = set()
    async with inbox_of() as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            await asyncio.sleep(0)
            if event.id not in failed:
                failed.add(event.id)
                raise ValueError
            got.append(event.id)

        await deliver(inbox, *(body_of(number, kind="ticket.updated") for number in range(8)))
        await inbox.wait_until_idle()
    assert got == [f"evt_{number}" for number in range(8)]


async def test_events_of_other_tickets_do_not_wait() -> None:
    """One that hangs holds up its own ticket alone."""
    got: list[str] = []
    may_go = asyncio.Event()
    async with inbox_of() as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            if event.id == "evt_1":
                await may_go.wait()
            got.append(event.id)
            if event.id == "evt_3":
                may_go.set()

        await deliver(inbox, body_of(1), body_of(2), body_of(3, about="tkt_2"))
        await inbox.wait_until_idle()
    assert got == ["evt_3", "evt_1", "evt_2"]


async def test_no_more_handlers_run_at_once_than_allowed() -> None:
    """Across all tickets."""
    running: list[int] = [0, 0]
    may_go = asyncio.Event()
    async with inbox_of(concurrency=3) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            running[0] += 1
            running[1] = max(running)
            await may_go.wait()
            running[0] -= 1

        await deliver(inbox, *(body_of(number, about=f"tkt_{number}") for number in range(20)))
        may_go.set()
        await inbox.wait_until_idle()
    assert running == [0, 3]


async def test_a_full_inbox_asks_for_another_delivery() -> None:
    """What it has no room for is not accepted, so that cStar repeats it."""
    may_go = asyncio.Event()
    async with inbox_of(max_pending=2) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            await may_go.wait()

        assert await deliver(inbox, body_of(1), body_of(2), body_of(3)) == [200, 200, 503]
        may_go.set()
        await inbox.wait_until_idle()
        assert await deliver(inbox, body_of(3)) == [200]


async def test_a_handler_that_fails_is_tried_again() -> None:
    """After growing waits."""
    times: list[float] = []
    clock = FakeClock(autojump=True)
    async with WebhookInbox(SECRET, tolerance=None, _clock=clock) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            times.append(clock.monotonic())
            if len(times) < 4:
                raise ValueError

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert [round(after - before, 3) for before, after in itertools.pairwise(times)] == [0.5, 1.0, 2.0]


async def test_a_handler_that_succeeded_is_not_called_again_for_another_that_failed() -> None:
    """Each is tried by itself."""
    calls: list[str] = []
    async with inbox_of() as inbox:

        @inbox.on("*")
        async def good(event: WebhookEvent) -> None:
            calls.append("good")

        @inbox.on("*")
        async def bad(event: WebhookEvent) -> None:
            calls.append("bad")
            if len(calls) < 4:
                raise ValueError

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert calls == ["good", "bad", "bad", "bad"]


async def test_an_event_that_cannot_be_handled_goes_to_on_error() -> None:
    """With the last error, and the next event of the ticket is handled after it."""
    told: list[tuple[str, str]] = []
    async with inbox_of(max_attempts=2) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            if event.id == "evt_1":
                raise ValueError(f"attempt {len(told)}")

        @inbox.on_error
        async def tell(event: WebhookEvent, error: Exception) -> None:
            told.append((event.id, repr(error)))

        await deliver(inbox, body_of(1), body_of(2))
        await inbox.wait_until_idle()
    assert told == [("evt_1", "ValueError('attempt 0')")]


async def test_without_on_error_the_loss_is_logged_without_a_word_of_the_event(caplog: pytest.LogCaptureFixture) -> None:
    """Its id and the class of the error are enough to find it."""
    async with inbox_of(max_attempts=1) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            raise ValueError("Jane Doe")

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert "evt_1 (ticket.created) could not be handled: ValueError" in caplog.text
    assert "Jane" not in caplog.text


async def test_an_error_handler_that_fails_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The next one is told all the same."""
    told: list[str] = []
    async with inbox_of(max_attempts=1) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            raise ValueError

        @inbox.on_error
        async def fail(event: WebhookEvent, error: Exception) -> None:
            raise TypeError

        @inbox.on_error
        async def tell(event: WebhookEvent, error: Exception) -> None:
            told.append(event.id)

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert told == ["evt_1"]
    assert "an error handler failed with evt_1: TypeError" in caplog.text


async def test_a_handler_that_hangs_has_failed() -> None:
    """When its time is over."""
    told: list[Exception] = []
    async with inbox_of(max_attempts=1, handler_timeout=0.01) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            await asyncio.Event().wait()

        @inbox.on_error
        async def tell(event: WebhookEvent, error: Exception) -> None:
            told.append(error)

        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert [type(error) for error in told] == [TimeoutError]


async def test_a_cancellation_inside_of_a_handler_is_its_failure() -> None:
    """Something that it waited for was cancelled. The next events of the ticket are handled."""
    got: list[str] = []
    told: list[str] = []
    async with inbox_of(max_attempts=2) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            got.append(event.id)
            if event.id == "evt_1":
                other = asyncio.ensure_future(asyncio.Event().wait())
                other.cancel()
                await other

        @inbox.on_error
        async def tell(event: WebhookEvent, error: Exception) -> None:
            told.append(f"{event.id}: {error}")

        await deliver(inbox, body_of(1), body_of(2))
        await inbox.wait_until_idle()
    assert got == ["evt_1", "evt_1", "evt_2"]
    assert told == ["evt_1: what the handler waited for was cancelled"]


async def test_a_body_that_is_not_bytes_is_not_called_genuine(caplog: pytest.LogCaptureFixture) -> None:
    """A framework that parsed it is told of in the log, and cStar repeats what came."""
    wrong: Any = {"id": "evt_1"}
    async with inbox_of() as inbox:
        assert await inbox.receive(wrong, {"X-Signature": sign(b"{}", SECRET)}) == 401
    assert "the signature is over the bytes of the body" in caplog.text


async def test_closing_waits_for_the_work_and_says_what_is_left() -> None:
    """Within its limit; what runs then is cancelled."""
    got: list[str] = []
    inbox = inbox_of(shutdown_timeout=0.3)

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        if event.id == "evt_2":
            await asyncio.Event().wait()
        got.append(event.id)

    await deliver(inbox, body_of(1), body_of(2), body_of(3), body_of(4, about="tkt_2"))
    left = await inbox.aclose()

    assert (sorted(got), left) == (["evt_1", "evt_4"], ("evt_2", "evt_3"))
    assert await deliver(inbox, body_of(5)) == [503]
    assert await inbox.aclose() == ()
    assert len(asyncio.all_tasks()) == 1


async def test_an_inbox_that_was_never_used_closes() -> None:
    """At once."""
    assert await inbox_of().aclose() == ()


def test_an_inbox_belongs_to_one_loop() -> None:
    """It says so in another."""
    inbox = inbox_of()
    asyncio.run(inbox.start())
    with pytest.raises(CStarError, match="another event loop"):
        asyncio.run(inbox.start())


async def test_what_a_killed_process_accepted_is_handled_by_the_next(tmp_path: Path) -> None:
    """The file has it until it is done."""
    path = tmp_path / "events.db"
    first = inbox_of(store=SqliteStore(path), shutdown_timeout=0)

    @first.on("*")
    async def hang(event: WebhookEvent) -> None:
        await asyncio.Event().wait()

    assert await deliver(first, body_of(1), body_of(2)) == [200, 200]
    assert await first.aclose() == ("evt_1", "evt_2")

    got: list[str] = []
    second = inbox_of(store=SqliteStore(path))

    @second.on("*")
    async def handle(event: WebhookEvent) -> None:
        got.append(event.id)

    async with second:
        assert await deliver(second, body_of(2)) == [200]
        await second.wait_until_idle()
    assert got == ["evt_1", "evt_2"]

    async with inbox_of(store=SqliteStore(path)) as third:
        assert len(third) == 0


async def test_what_was_left_is_handled_before_what_comes(tmp_path: Path) -> None:
    """So that the events of a ticket keep their order over a restart, even if the first delivery is what starts the inbox."""
    path = tmp_path / "events.db"
    store = SqliteStore(path)
    for number in (1, 2):
        await store.add(f"evt_{number}", body_of(number))
    await store.aclose()

    got: list[str] = []
    inbox = inbox_of(store=SqliteStore(path))

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        got.append(event.id)

    assert await asyncio.gather(*(deliver(inbox, body_of(number)) for number in (3, 4))) == [[200], [200]]
    await inbox.wait_until_idle()
    await inbox.aclose()
    assert got == ["evt_1", "evt_2", "evt_3", "evt_4"]


async def test_what_was_left_waits_for_the_first_handler(tmp_path: Path) -> None:
    """An inbox that is entered before it has handlers does not count its events as handled by nobody."""
    path = tmp_path / "events.db"
    store = SqliteStore(path)
    await store.add("evt_1", body_of(1))
    await store.aclose()

    got: list[str] = []
    async with inbox_of(store=SqliteStore(path), shutdown_timeout=0.01) as without:
        await asyncio.sleep(0.01)
        assert len(without) == 1
    async with inbox_of(store=SqliteStore(path)) as inbox:
        await asyncio.sleep(0.01)

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            got.append(event.id)

        await inbox.wait_until_idle()
    assert got == ["evt_1"]


async def test_what_cannot_be_read_from_the_store_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It stays where it is, and the log says so."""
    path = tmp_path / "events.db"
    store = SqliteStore(path)
    await store.add("evt_1", b"Jane Doe")
    await store.add("evt_2", body_of(2))
    await store.aclose()

    got: list[str] = []
    inbox = inbox_of(store=SqliteStore(path))

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        got.append(event.id)

    assert await deliver(inbox, body_of(3)) == [200]
    await inbox.wait_until_idle()
    await inbox.aclose()
    assert got == ["evt_2", "evt_3"]
    assert "evt_1 cannot be read from the store, and stays there: the body is not JSON" in caplog.text
    assert "Jane" not in caplog.text


class BrokenStore(MemoryStore):
    """A store that fails, or takes its time, as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.broken: set[str] = set()
        self.held = asyncio.Event()
        self.held.set()

    async def add(self, event_id: str, body: bytes) -> bool:
        """Waits, and may fail."""
        await self.held.wait()
        if "add" in self.broken:
            raise OSError("disk full: Jane Doe")
        return await super().add(event_id, body)

    async def mark_done(self, event_id: str) -> None:
        """May fail."""
        if "mark_done" in self.broken:
            raise OSError("Jane Doe")

    async def claim_pending(self) -> list[tuple[str, bytes]]:
        """May fail."""
        if "pending" in self.broken:
            raise OSError("Jane Doe")
        return []


async def ignore(event: WebhookEvent) -> None:
    """A handler that does nothing."""


@pytest.mark.parametrize("what", ["add", "pending"])
async def test_a_store_that_fails_asks_for_another_delivery(what: str, caplog: pytest.LogCaptureFixture) -> None:
    """When it works again, so does the inbox."""
    store = BrokenStore()
    store.broken.add(what)
    inbox = inbox_of(store=store)
    inbox.on("*")(ignore)
    assert await deliver(inbox, body_of(1)) == [503]
    store.broken.clear()
    assert await deliver(inbox, body_of(1)) == [200]
    await inbox.aclose()
    assert "did not take an event: OSError" in caplog.text
    assert "Jane" not in caplog.text


async def test_an_event_is_handled_though_its_store_denied_to_have_written_it() -> None:
    """The answer of the store was lost, not the event: the repeat of the delivery finds it there, and it is handled once."""
    got: list[str] = []

    class Lossy(MemoryStore):
        """A store whose first answer is lost."""

        answers = 0

        async def add(self, event_id: str, body: bytes) -> bool:
            """Writes, and fails once."""
            is_new = await super().add(event_id, body)
            self.answers += 1
            if self.answers == 1:
                raise OSError
            return is_new

    async with inbox_of(store=Lossy()) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            got.append(event.id)

        assert await deliver(inbox, body_of(1), body_of(1), body_of(1)) == [503, 200, 200]
        await inbox.wait_until_idle()
    assert got == ["evt_1"]


async def test_a_store_that_never_says_that_it_noted_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The next event of the ticket is handled all the same."""
    got: list[str] = []
    monkeypatch.setattr("cstar_async.webhooks._receiver.STORE_TIMEOUT", 0.01)

    class Silent(MemoryStore):
        """A store that never answers."""

        async def mark_done(self, event_id: str) -> None:
            """Hangs."""
            await asyncio.Event().wait()

    async with inbox_of(store=Silent()) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            got.append(event.id)

        await deliver(inbox, body_of(1), body_of(2))
        await inbox.wait_until_idle()
    assert got == ["evt_1", "evt_2"]
    assert "did not note that evt_1 is handled: TimeoutError" in caplog.text


async def test_a_store_that_does_not_note_what_is_done_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """The work goes on."""
    store = BrokenStore()
    store.broken.add("mark_done")
    async with inbox_of(store=store) as inbox:
        inbox.on("*")(ignore)
        await deliver(inbox, body_of(1))
        await inbox.wait_until_idle()
    assert "did not note that evt_1 is handled: OSError" in caplog.text


async def test_an_event_is_handled_though_its_sender_gave_up() -> None:
    """The store has it in the end, and would call a repeat one."""
    got: list[str] = []
    store = BrokenStore()
    store.held.clear()
    async with inbox_of(store=store) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            got.append(event.id)

        delivery = asyncio.create_task(deliver(inbox, body_of(1)))
        await asyncio.sleep(0.01)
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
        store.held.set()
        await inbox.wait_until_idle()
    assert got == ["evt_1"]


class SharedStore(BrokenStore):
    """A store that other receivers use, too."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[tuple[str, bytes]] = []

    @property
    def lease_interval(self) -> Any:
        """Seconds."""
        return 20.0

    async def claim_pending(self) -> list[tuple[str, bytes]]:
        """What the test says that others left; may fail."""
        await super().claim_pending()
        left, self.left = self.left, []
        return left


async def test_what_other_receivers_leave_is_taken_up(caplog: pytest.LogCaptureFixture) -> None:
    """From a shared store, which is asked again and again, also after it failed; and closing ends that."""
    clock, store, got = FakeClock(), SharedStore(), list[str]()
    async with WebhookInbox(SECRET, store=store, tolerance=None, _clock=clock) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            got.append(event.id)

        store.left.append(("evt_1", body_of(1)))
        store.broken.add("pending")
        await pass_time(clock, 20.0)
        assert got == []
        store.broken.clear()
        await pass_time(clock, 20.0)
        assert got == ["evt_1"]
    assert "the store of the inbox did not say what is pending: OSError" in caplog.text
    assert len(asyncio.all_tasks()) == 1


async def test_a_shared_store_finds_out_what_became_of_an_event() -> None:
    """A receiver whose store failed must not handle what another one has."""
    store, got = SharedStore(), list[str]()
    async with WebhookInbox(SECRET, store=store, tolerance=None, _clock=FakeClock()) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            got.append(event.id)

        store.broken.add("add")
        assert await deliver(inbox, body_of(1)) == [503]
        store.broken.clear()
        await MemoryStore.add(store, "evt_1", body_of(1))  # elsewhere
        assert await deliver(inbox, body_of(1)) == [200]
        await inbox.wait_until_idle()
    assert got == []


async def pass_time(clock: FakeClock, seconds: float) -> None:
    """Let time pass, and everybody do what is due then."""
    for _ in range(10):
        await asyncio.sleep(0)
    clock.advance(seconds)
    for _ in range(10):
        await asyncio.sleep(0)


async def test_closing_does_not_wait_for_a_store_that_hangs() -> None:
    """It asks for another delivery, and leaves no task behind."""
    store = BrokenStore()
    store.held.clear()
    inbox = inbox_of(store=store, shutdown_timeout=0.01)
    delivery = asyncio.create_task(deliver(inbox, body_of(1)))
    await asyncio.sleep(0.01)
    await inbox.aclose()
    assert await delivery == [503]
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("framework", ["starlette", "fastapi", "bare"])
async def test_the_inbox_is_an_asgi_application(framework: str) -> None:
    """Mounted, or on its own."""
    got: list[str] = []
    async with inbox_of() as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            got.append(event.id)

        application: Any = inbox.asgi_app
        if framework == "starlette":
            application = Starlette(routes=[Mount("/hooks", app=inbox.asgi_app)])
        elif framework == "fastapi":
            application = FastAPI()
            application.mount("/hooks", inbox.asgi_app)
        body = body_of(1)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=application), base_url="http://test") as client:
            answers = [
                await client.post("/hooks/", content=body, headers={"X-Signature": sign(body, SECRET)}),
                await client.post("/hooks/", content=body),
                await client.get("/hooks/"),
                await client.post("/hooks/", content=b"x" * (1024 * 1024 + 1)),
            ]
        await inbox.wait_until_idle()
    assert ([answer.status_code for answer in answers], got) == ([200, 401, 405, 413], ["evt_1"])


@pytest.mark.parametrize(
    ("scope", "messages", "answers"),
    [
        ("lifespan", ["lifespan.startup", "lifespan.shutdown"], ["lifespan.startup.complete", "lifespan.shutdown.complete"]),
        ("websocket", [], ["websocket.close"]),
        ("http", ["http.disconnect"], ["http.response.start", "http.response.body"]),
    ],
)
async def test_an_asgi_server_may_ask_other_things(scope: str, messages: list[str], answers: list[str]) -> None:
    """Each is answered as what it is."""
    sent: list[str] = []
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        return {"type": next(waiting)}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await inbox_of().asgi_app({"type": scope, "method": "POST", "headers": []}, receive, send)
    assert sent == answers


async def test_a_memory_store_forgets_the_oldest() -> None:
    """So that it cannot grow for months."""
    store = MemoryStore(max_ids=2)
    assert [await store.add(name, b"") for name in ("a", "b", "c", "b", "a")] == [True, True, True, False, True]
    with pytest.raises(InvalidArgumentError):
        MemoryStore(max_ids=0)


async def test_a_sqlite_store_keeps_an_id_as_long_as_cstar_repeats(tmp_path: Path) -> None:
    """Then the row goes, so that the file does not grow for months."""
    clock = FakeClock()
    store = SqliteStore(tmp_path / "events.db", _clock=clock)
    assert await store.add("evt_1", b"{}")
    await store.mark_done("evt_1")
    clock.advance(31 * 3600)
    assert not await store.add("evt_1", b"{}")
    clock.advance(3600)
    assert await store.add("evt_1", b"{}")
    await store.aclose()
    await store.aclose()


async def test_a_sqlite_store_keeps_what_is_not_done_for_ever(tmp_path: Path) -> None:
    """However long the process was away."""
    clock = FakeClock()
    store = SqliteStore(tmp_path / "events.db", _clock=clock)
    await store.add("evt_1", b"{}")
    clock.advance(10_000_000)
    await store.add("evt_2", b"[]")
    await store.aclose()
    store = SqliteStore(tmp_path / "events.db", _clock=clock)
    assert await store.claim_pending() == [("evt_1", b"{}"), ("evt_2", b"[]")]
    await store.aclose()


async def test_a_store_knows_what_came_last(tmp_path: Path) -> None:
    """Done or not, and after a restart."""
    path = tmp_path / "events.db"
    memory, file = MemoryStore(), SqliteStore(path)
    for store in (memory, file):
        assert await store.last_event_id() is None
        for name in ("evt_1", "evt_2", "evt_1"):
            await store.add(name, b"{}")
        await store.mark_done("evt_2")
        assert await store.last_event_id() == "evt_2"
        await store.aclose()
    again = SqliteStore(path)
    assert await again.last_event_id() == "evt_2"
    await again.aclose()


async def test_a_file_has_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one is told, and does not handle what the first works on; it may go on when the first has ended."""
    connect = sqlite3.connect
    monkeypatch.setattr("sqlite3.connect", lambda path, **settings: connect(path, timeout=0.0, **settings))
    first, second = SqliteStore(tmp_path / "events.db"), SqliteStore(tmp_path / "events.db")
    assert await first.add("evt_1", body_of(1))
    with pytest.raises(ConfigurationError, match="another process has the file"):
        await second.claim_pending()
    assert await deliver(inbox_of(store=second), body_of(2)) == [503]
    await first.aclose()
    assert [key for key, _ in await second.claim_pending()] == ["evt_1"]
    await second.aclose()


async def test_events_that_come_at_once_are_written_together(tmp_path: Path) -> None:
    """In a few transactions, in the order in which they came, and each is told whether it is new."""
    store = SqliteStore(tmp_path / "events.db")
    await store.add("evt_0", b"{}")
    statements: list[str] = []
    assert store._connection is not None
    store._connection.set_trace_callback(statements.append)
    names = [f"evt_{number}" for number in range(50)]
    answers = await asyncio.gather(*(store.add(name, b"{}") for name in [*names, "evt_7"]))
    assert answers == [False, *[True] * 49, False]
    assert statements.count("COMMIT") <= 3
    assert [key for key, _ in await store.claim_pending()] == names
    await store.aclose()


async def test_each_of_those_written_together_hears_of_a_failure(tmp_path: Path) -> None:
    """And none is written."""
    store = SqliteStore(tmp_path / "events.db")
    await store.add("evt_0", b"{}")
    wrong: Any = object()
    answers = await asyncio.gather(
        store.add("evt_1", b"{}"), store.add("evt_2", wrong), store.add("evt_3", b"{}"), return_exceptions=True
    )
    assert [isinstance(answer, sqlite3.Error) for answer in answers[1:]] == [True, True]
    assert "evt_3" not in [key for key, _ in await store.claim_pending()]
    assert await store.add("evt_3", b"{}")
    await store.aclose()


async def test_a_write_that_is_cancelled_while_it_waits_is_not_made(tmp_path: Path) -> None:
    """Its turn does not come."""
    store = SqliteStore(tmp_path / "events.db")
    first = asyncio.create_task(store.add("evt_1", b"{}"))
    second = asyncio.create_task(store.add("evt_2", b"{}"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([first, second])
    third = await store.add("evt_3", b"{}")
    assert (first.result(), second.cancelled(), third) == (True, True, True)
    assert [key for key, _ in await store.claim_pending()] == ["evt_1", "evt_3"]
    await store.aclose()


async def test_a_cancelled_write_leaves_the_file_in_order(tmp_path: Path) -> None:
    """The thread that has begun is waited for."""
    store = SqliteStore(tmp_path / "events.db")
    writing = asyncio.create_task(store.add("evt_1", b"{}"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await store.add("evt_2", b"{}")
    await store.aclose()


async def test_no_secret_and_no_body_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the level."""
    caplog.set_level(logging.DEBUG)
    async with inbox_of(max_attempts=1) as inbox:

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            raise ValueError("Jane Doe")

        await deliver(inbox, body_of(1, name="Jane Doe"))
        await inbox.receive(b"Jane Doe", {"X-Signature": "t=1,v1=aa"})
        await inbox.wait_until_idle()
    assert SECRET not in caplog.text
    assert "Jane" not in caplog.text
