"""The ends of a loop that reads ahead: nothing stays in flight, and nothing is lost."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, suppress
from typing import Any

import pytest

from cstar_async import Paginator, ServerError
from cstar_async.models import Ticket
from tests.unit.lists import HeldServer, ServerList, ids, run_until_idle, saved

Use = Callable[[Paginator[Ticket]], Awaitable[Any]]


@pytest.fixture(autouse=True)
async def no_task_is_left() -> Any:
    """Check after each test that no task runs, and that asyncio reported nothing."""
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
    yield
    await run_until_idle()
    gc.collect()
    await run_until_idle()
    assert {asyncio.current_task()} == asyncio.all_tasks()
    assert [] == reports


async def read_items(tickets: Paginator[Ticket]) -> None:
    """Read all items."""
    async for _ in tickets:
        await asyncio.sleep(0)


async def read_pages(tickets: Paginator[Ticket]) -> None:
    """Read all pages."""
    async for _ in tickets.pages():
        await asyncio.sleep(0)


async def collect(tickets: Paginator[Ticket]) -> None:
    """Collect all items."""
    await tickets.collect()


class TurningServer(ServerList):
    """A server whose responses take several turns of the event loop; the later the page, the fewer."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.in_flight = 0

    async def fetch(self, number: int | None, size: int | None) -> Any:
        """Return one page of the list, as it is then."""
        self.in_flight += 1
        try:
            for _ in range(1 + 7 * (number or 1) % 5):
                await asyncio.sleep(0)
            return await super().fetch(number, size)
        finally:
            self.in_flight -= 1


def turns() -> Iterator[int]:
    """Numbers of turns of the event loop, more than a whole iteration takes."""
    return iter(range(60))


@pytest.mark.parametrize("use", [read_items, read_pages, collect])
@pytest.mark.parametrize("n", [1, 3, 20])
async def test_reader_can_be_cancelled_at_every_await(use: Use, n: int) -> None:
    """Nothing is in flight when its task has ended, and the rest is what the checkpoint says."""
    for turn in turns():
        server = TurningServer(25)
        tickets = server.list(size=5).prefetch(n)
        reader = asyncio.ensure_future(use(tickets))
        for _ in range(turn):
            await asyncio.sleep(0)
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader
        assert 0 == server.in_flight
        items = saved(tickets)["items"]
        assert server.rows[items:] == await ids(server.list().resume(saved(tickets)))


@pytest.mark.parametrize("n", [1, 3, 20])
async def test_cancellation_of_the_reader_is_never_lost(n: int) -> None:
    """Also when the response for which it waits comes in the same turn."""
    for turn in turns():
        reader = asyncio.ensure_future(read_items(TurningServer(500).list(size=5).prefetch(n)))
        for _ in range(turn):
            await asyncio.sleep(0)
        reader.cancel()
        await asyncio.wait([reader])
        assert reader.cancelled()


async def test_break_cancels_what_is_in_flight() -> None:
    """When the loop is left, before the next call of the program."""
    server = HeldServer(100)

    async def iterate() -> None:
        async for _ in server.list(size=10).prefetch(3):
            await run_until_idle()
            assert [2, 3, 4] == server.waiting
            break
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [] == server.waiting

    reader = asyncio.ensure_future(iterate())
    await run_until_idle()
    server.respond(1)
    await reader


@pytest.mark.parametrize("is_of_pages", [True, False])
async def test_loop_left_at_once_sends_no_other_request(*, is_of_pages: bool) -> None:
    """A reader that finds its item on the first page, without awaiting anything, takes one request."""
    server = ServerList(100)
    tickets = server.list(size=10).prefetch(8)
    if is_of_pages:
        async for _ in tickets.pages():
            break
    else:
        async for _ in tickets:
            break
    await run_until_idle()
    assert [(1, 10)] == server.requests


async def test_exception_in_the_loop_cancels_what_is_in_flight() -> None:
    """It comes out of the loop as it was."""
    server = HeldServer(100)

    async def iterate() -> None:
        async for _ in server.list(size=10).prefetch(3):
            await run_until_idle()
            raise ZeroDivisionError

    reader = asyncio.ensure_future(iterate())
    await run_until_idle()
    server.respond(1)
    with pytest.raises(ZeroDivisionError):
        await reader
    await run_until_idle()
    assert [] == server.waiting


async def test_closing_the_iterator_waits_for_the_end_of_what_is_in_flight() -> None:
    """After `aclose()`, nothing is."""
    server = TurningServer(100)
    async with aclosing(server.list(size=10).prefetch(3).pages()) as pages:
        await anext(pages)
        await asyncio.sleep(0)
        assert 3 == server.in_flight
    assert {asyncio.current_task()} == asyncio.all_tasks()
    assert 0 == server.in_flight


async def test_iterator_that_was_never_started_sends_nothing() -> None:
    """As without reading ahead."""
    server = ServerList(100)
    tickets = server.list(size=10).prefetch(3)
    aiter(tickets)
    tickets.pages()
    await run_until_idle()
    assert [] == server.requests


async def test_failure_that_nobody_reads_is_not_reported() -> None:
    """The loop was left before the page that failed."""
    server = HeldServer(100)

    async def iterate() -> None:
        async for _ in server.list(size=10).prefetch(3):
            await run_until_idle()
            for number in (2, 3, 4):
                server.fail(number, ServerError("Internal", status=500))
            await run_until_idle()
            break

    reader = asyncio.ensure_future(iterate())
    await run_until_idle()
    server.respond(1)
    await reader


async def test_error_of_a_page_cancels_the_pages_after_it() -> None:
    """The reader gets the error when nothing is in flight any more."""
    server = HeldServer(100)
    reader = asyncio.ensure_future(read_items(server.list(size=10).prefetch(3)))
    await run_until_idle()
    server.respond(1)
    await run_until_idle()
    server.fail(2, ServerError("Internal", status=500))
    with pytest.raises(ServerError):
        await reader
    assert [] == server.waiting


async def test_two_loops_over_one_list_read_ahead_alone() -> None:
    """Leaving one does not end the other."""
    server = TurningServer(60)
    tickets = server.list(size=5).prefetch(4)
    other = asyncio.ensure_future(ids(tickets))
    async for _ in tickets:
        await asyncio.sleep(0)
        break
    assert server.rows == await other


@pytest.mark.parametrize("is_closed", [True, False])
def test_iteration_continues_in_another_event_loop(*, is_closed: bool) -> None:
    """The pages that were requested in the first loop are requested again."""
    server = HeldServer(30)
    pages = server.list(size=10).prefetch(2).pages()

    async def read(*numbers: int) -> list[str]:
        reading = asyncio.ensure_future(anext(pages))
        for number in numbers:
            await run_until_idle()
            server.respond(number)
        page = await reading
        await run_until_idle()
        return [ticket.id for ticket in page]

    async def read_the_rest() -> list[str]:
        found = await read(2) + await read(3)
        await pages.aclose()
        return found

    first = asyncio.new_event_loop()
    found = first.run_until_complete(read(1))
    pending = asyncio.all_tasks(first)
    if is_closed:
        for task in pending:
            task.cancel()
        first.run_until_complete(asyncio.wait(pending))
        first.close()
    assert server.rows == found + asyncio.run(read_the_rest())
    if not is_closed:
        for task in pending:
            task.cancel()
        first.run_until_complete(asyncio.wait(pending))
        first.close()


def test_loop_that_ends_first_leaves_no_task() -> None:
    """A program ends in the middle of an iteration."""
    server = TurningServer(60)

    async def main() -> object:
        pages = server.list(size=5).prefetch(4).pages()
        await anext(pages)
        await asyncio.sleep(0)
        return pages

    asyncio.run(main())
    assert 0 == server.in_flight
