"""The life of an inbox: start with stored events, event loops, and closing."""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress
from pathlib import Path

import pytest

from cstar_async import ConnectionFailedError, CStarError, PayloadError
from cstar_async.webhooks import SqliteStore, StoredEvent, WebhookEvent, WebhookInbox
from tests.client.inboxes import SECRET, BrokenStore, SharedStore, body_of, deliver, inbox_of


async def test_aclose_waits_for_handlers_and_returns_what_is_left(caplog: pytest.LogCaptureFixture) -> None:
    """After its timeout it cancels the handlers that still run, and logs the ids of their events."""
    handled: list[str] = []
    inbox = inbox_of(shutdown_timeout=0.3)

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        if event.id == "evt_2":
            await asyncio.Event().wait()
        handled.append(event.id)

    await deliver(inbox, body_of(1), body_of(2), body_of(3), body_of(4, about="tkt_2"))
    remaining = await inbox.aclose()

    assert (sorted(handled), remaining) == (["evt_1", "evt_4"], ("evt_2", "evt_3"))
    assert [record.getMessage() for record in caplog.records] == [
        f"{key}: not handled before the inbox closed" for key in ("evt_2", "evt_3")
    ]
    assert await deliver(inbox, body_of(5)) == [503]
    assert await inbox.aclose() == ()
    assert len(asyncio.all_tasks()) == 1


async def test_a_handler_cannot_close_its_own_inbox() -> None:
    """It gets an error that says what to do; a task that it starts can close the inbox."""
    raised: list[str] = []
    closing: list[asyncio.Task[tuple[str, ...]]] = []
    inbox = inbox_of()

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        try:
            await inbox.aclose()
        except CStarError as error:
            raised.append(str(error))
        closing.append(asyncio.create_task(inbox.aclose()))

    await deliver(inbox, body_of(1))
    await inbox.wait_until_idle()
    assert raised == ["a handler cannot close its own inbox; start a task that does, or set an event of the program"]
    assert await closing[0] == ()


async def test_a_handler_that_waits_for_the_close_of_its_inbox_is_cancelled() -> None:
    """Its event is returned as not handled, after the timeout."""
    inbox = inbox_of(shutdown_timeout=0.05)
    closing: list[asyncio.Task[tuple[str, ...]]] = []

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        closing.append(asyncio.create_task(inbox.aclose()))
        await asyncio.shield(closing[0])

    await deliver(inbox, body_of(1))
    await inbox.wait_until_idle()
    assert await closing[0] == ("evt_1",)


async def test_events_of_a_task_that_was_cancelled_are_returned() -> None:
    """A program may cancel all tasks before it closes the inbox."""
    inbox = inbox_of()

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        await asyncio.Event().wait()

    await deliver(inbox, body_of(1), body_of(2))
    await asyncio.sleep(0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.wait(others)
    await inbox.wait_until_idle()
    assert await inbox.aclose() == ("evt_1", "evt_2")


def test_events_behind_a_handler_that_ends_the_program_are_returned(caplog: pytest.LogCaptureFixture) -> None:
    """`sys.exit` in a handler leaves the loop; the inbox can be closed in it afterwards, and no lost exception is logged."""
    loop = asyncio.new_event_loop()
    inbox, has_both = inbox_of(), asyncio.Event()

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        await has_both.wait()
        raise SystemExit(3)

    async def run() -> None:
        await deliver(inbox, body_of(1), body_of(2))
        has_both.set()
        await inbox.wait_until_idle()

    with pytest.raises(SystemExit):
        loop.run_until_complete(run())
    assert loop.run_until_complete(inbox.aclose()) == ("evt_1", "evt_2")
    loop.close()
    gc.collect()
    assert {record.name for record in caplog.records} == {"cstar_async.webhooks"}


@pytest.mark.parametrize("raised", [None, ValueError(), ConnectionFailedError("no connection")])
async def test_a_handler_that_suppresses_its_cancellation_does_not_delay_the_close(raised: Exception | None) -> None:
    """No other handler is called afterwards, and neither is this one again."""
    handled: list[str] = []
    inbox = WebhookInbox(SECRET, tolerance=None, shutdown_timeout=0.01)

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        handled.append(event.id)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if raised is not None:
                raise raised from None

    await deliver(inbox, body_of(1), body_of(2))
    async with asyncio.timeout(0.4):
        remaining = await inbox.aclose()
    assert (handled, remaining) == (["evt_1"], ("evt_2",) if raised is None else ("evt_1", "evt_2"))


async def test_a_store_that_suppresses_a_cancellation_does_not_prevent_the_close() -> None:
    """Old versions of redis-py do that."""
    is_renewing = asyncio.Event()

    class UnclosableStore(SharedStore):
        """A store whose second `claim_pending` suppresses its cancellation."""

        calls = 0

        async def claim_pending(self) -> list[StoredEvent]:
            """Wait until it is cancelled."""
            self.calls += 1
            if self.calls > 1:
                is_renewing.set()
                with suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
            return []

    inbox = inbox_of(store=UnclosableStore(), shutdown_timeout=0.01)
    await inbox.start()
    await is_renewing.wait()
    async with asyncio.timeout(1):
        await inbox.aclose()
    assert len(asyncio.all_tasks()) == 1


async def test_an_unused_inbox_closes() -> None:
    """It returns at once."""
    assert await inbox_of().aclose() == ()


def test_a_second_event_loop_is_rejected() -> None:
    """The error names the rule."""
    inbox = inbox_of()
    asyncio.run(inbox.start())
    with pytest.raises(CStarError, match="another event loop"):
        asyncio.run(inbox.start())


async def test_a_new_process_handles_the_stored_events(tmp_path: Path) -> None:
    """The file has them until they are done."""
    path = tmp_path / "events.db"
    first = inbox_of(store=SqliteStore(path), shutdown_timeout=0)

    @first.on("*")
    async def hang(event: WebhookEvent) -> None:
        await asyncio.Event().wait()

    assert await deliver(first, body_of(1), body_of(2)) == [200, 200]
    assert await first.aclose() == ("evt_1", "evt_2")

    handled: list[str] = []
    second = inbox_of(store=SqliteStore(path))

    @second.on("*")
    async def handle(event: WebhookEvent) -> None:
        handled.append(event.id)

    async with second:
        assert await deliver(second, body_of(2)) == [200]
        await second.wait_until_idle()
    assert handled == ["evt_1", "evt_2"]

    async with inbox_of(store=SqliteStore(path)) as third:
        assert third.pending == 0


async def test_stored_events_are_handled_before_new_ones(tmp_path: Path) -> None:
    """Events of a ticket keep their order over a restart, even if the first delivery starts the inbox."""
    path = tmp_path / "events.db"
    store = SqliteStore(path)
    for number in (1, 2):
        await store.add(f"evt_{number}", body_of(number))
    await store.aclose()

    handled: list[str] = []
    inbox = inbox_of(store=SqliteStore(path))

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        handled.append(event.id)

    assert await asyncio.gather(*(deliver(inbox, body_of(number)) for number in (3, 4))) == [[200], [200]]
    await inbox.wait_until_idle()
    await inbox.aclose()
    assert handled == ["evt_1", "evt_2", "evt_3", "evt_4"]


async def test_stored_events_wait_for_the_first_handler(tmp_path: Path) -> None:
    """An inbox without handlers does not count its events as handled."""
    path = tmp_path / "events.db"
    store = SqliteStore(path)
    await store.add("evt_1", body_of(1))
    await store.aclose()

    handled: list[str] = []
    async with inbox_of(store=SqliteStore(path), shutdown_timeout=0.01) as without:
        await asyncio.sleep(0.01)
        assert without.pending == 1
    async with inbox_of(store=SqliteStore(path)) as inbox:
        await asyncio.sleep(0.01)

        @inbox.on("*")
        async def handle(event: WebhookEvent) -> None:
            handled.append(event.id)

        await inbox.wait_until_idle()
    assert handled == ["evt_1"]


async def test_a_stored_event_that_cannot_be_parsed_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It becomes a dead letter, and the others are handled."""
    path = tmp_path / "events.db"
    store = SqliteStore(path)
    await store.add("evt_1", b"Jane Doe")
    await store.add("evt_2", body_of(2))
    await store.aclose()

    handled: list[str] = []
    inbox = inbox_of(store=SqliteStore(path))

    @inbox.on("*")
    async def handle(event: WebhookEvent) -> None:
        handled.append(event.id)

    assert await deliver(inbox, body_of(3)) == [200]
    await inbox.wait_until_idle()
    (letter,) = await inbox.dead_letters()
    assert (letter.id, letter.error, inbox.stats().dead) == ("evt_1", "PayloadError: body must be JSON", 1)
    with pytest.raises(PayloadError):
        _ = letter.event
    assert await inbox.retry_dead_letter("evt_1")
    assert [letter.id for letter in await inbox.dead_letters()] == ["evt_1"]
    await inbox.aclose()
    assert handled == ["evt_2", "evt_3"]
    assert "evt_1: stored event not readable, it is a dead letter now: body must be JSON" in caplog.text
    assert "Jane" not in caplog.text


@pytest.mark.parametrize("method", ["add", "claim_pending"])
async def test_aclose_does_not_wait_for_a_store_that_hangs(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The delivery gets 503, and no task is left."""
    store = BrokenStore()
    store.unblocked.clear()
    if method == "claim_pending":
        monkeypatch.setattr(store, "claim_pending", store.unblocked.wait)
    inbox = inbox_of(store=store, shutdown_timeout=0.01)
    delivery = asyncio.create_task(deliver(inbox, body_of(1)))
    await asyncio.sleep(0.01)
    await inbox.aclose()
    assert await delivery == [503]
    assert len(asyncio.all_tasks()) == 1
