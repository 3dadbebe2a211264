"""Count the function calls of a request: an exact number, so that an additional step on the path of every request fails at once."""

from __future__ import annotations

import asyncio
import gc
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from bench.calls import (
    MAX_ABOVE_BARE,
    MAX_PER_EVENT,
    MAX_PER_EVENT_IN_FILE,
    MAX_PER_OBJECT,
    Work,
    calls_above_bare,
    calls_and_bare_ones,
    calls_per_event,
    calls_per_object,
    server_in_a_thread,
)
from bench.receiver import SECRET, TICKET, inbox_with
from bench.server import ID, PAGE, TEAM
from cstar_async import CStarClient
from cstar_async._client import request_builder
from cstar_async._client.call import Call
from cstar_async._model.codec import decode_items
from cstar_async._transport import aiohttp_transport, connection_guard
from cstar_async.models import Ticket
from cstar_async.webhooks import MemoryStore, SqliteStore, sign

MAX_OBJECTS = 10
SHARED_KEYS = 10
"""Of the 21 keys of a ticket. Keys whose hashes meet in the cache of orjson are not shared."""
IMPORTED = {
    *(
        "collections",
        "contextlib",
        "copyreg",
        "enum",
        "functools",
        "importlib",
        "itertools",
        "keyword",
        "operator",
        "re",
        "reprlib",
    ),
    *("ast", "types", "typing", "warnings"),
}
"""The modules of the standard library that `import cstar_async` may load. Those that begin with `_` depend on the version."""

RARE = {
    *("cstar_async.hooks._drift", "cstar_async._client.shared_responses", "cstar_async._client.transfers", "cstar_async.hooks"),
    *("cstar_async.files._multipart", "cstar_async.files._upload", "cstar_async.models.customers", "cstar_async.webhooks"),
    *("cstar_async._protocol.sse", "cstar_async.files", "cstar_async._client.uploads"),
}
"""What most first requests do not need."""


def get_one_ticket() -> None:
    """Send one GET with a new client."""

    async def get(port: int) -> None:
        async with CStarClient(api_key="sk_test_a", team_id=TEAM, base_url=f"http://127.0.0.1:{port}") as cstar:
            await cstar.tickets.get(ID)

    with server_in_a_thread() as port:
        asyncio.run(get(port))


@pytest.mark.parametrize("method", MAX_ABOVE_BARE)
def test_request_costs_little_more_than_bare_aiohttp(method: str) -> None:
    """A request with limits, retries, models and errors needs few function calls more than one with bare aiohttp.

    If it fails: `python -m cProfile` shows the new calls; move them off the path, or behind an `if` that is usually false.
    """
    with server_in_a_thread() as port:
        assert asyncio.run(calls_above_bare(port, method)) <= MAX_ABOVE_BARE[method]


async def count_started(work: Work) -> dict[str, int]:
    """Return how many tasks and timers twenty requests start."""
    loop, started = asyncio.get_running_loop(), {"tasks": 0, "timers": 0}
    original: Any = loop.call_at

    def make_task(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        started["tasks"] += 1
        return asyncio.Task(work, loop=loop, **options)

    def call_at(*arguments: Any, **options: Any) -> Any:
        started["timers"] += 1
        return original(*arguments, **options)

    await work()  # the first one resolves and connects
    loop.set_task_factory(make_task)
    loop.call_at = call_at  # type: ignore[method-assign]  # pyright: ignore[reportAttributeAccessIssue]
    for _ in range(20):
        await work()
    loop.set_task_factory(None)
    loop.call_at = original  # type: ignore[method-assign]
    return started


@pytest.mark.parametrize("method", MAX_ABOVE_BARE)
def test_request_starts_no_task_and_no_timer(method: str) -> None:
    """A request needs no task and no timer, where bare aiohttp needs a timer, and before Python 3.12 a task for the body of a POST.

    If it fails: `asyncio.timeout`, `wait_for`, `create_task` or `sleep` is on the path. `SharedTimeout` replaces the first two. A
    task for the body means that aiohttp makes responses in another way; see `connection_guard`.
    """

    async def count(port: int) -> list[dict[str, int]]:
        async with calls_and_bare_ones(port, method) as works:
            return [await count_started(work) for work in works]

    with server_in_a_thread() as port:
        ours, bare = asyncio.run(count(port))
    assert ours == {"tasks": 0, "timers": 0}
    assert bare["timers"] > 0


def test_request_waits_in_few_coroutines() -> None:
    """A waiting GET is held by four coroutines more than one with bare aiohttp.

    Each takes 200 to 400 bytes, and work of the garbage collector: with 100 requests at once, another one took 5 % of their time.
    If it fails: an `async def` around another coroutine is new; merge them, or return the inner one from a `def`.
    """

    def depth(task: asyncio.Task[object]) -> int:
        awaited: Any = task.get_coro()
        count = 0
        while awaited is not None and not isinstance(awaited, asyncio.Future):
            is_coroutine = inspect.iscoroutine(awaited)
            count += is_coroutine
            # What `await` makes of an object of aiohttp refers to its coroutine, and has no attribute for it.
            awaited = awaited.cr_await if is_coroutine else next(filter(inspect.iscoroutine, gc.get_referents(awaited)), None)
        return count

    async def depths(port: int) -> list[int]:
        async with calls_and_bare_ones(port, "GET") as works:
            found: list[int] = []
            for work in works:
                await work()  # the first one resolves and connects
                task = asyncio.ensure_future(work())
                await asyncio.sleep(0)
                found.append(depth(task))
                await task
            return found

    with server_in_a_thread() as port:
        ours, bare = asyncio.run(depths(port))
    assert ours - bare <= 4


def test_session_has_no_trace() -> None:
    """A trace of aiohttp costs a tenth of a request, even without a hook. If it fails: use hooks of the client instead."""

    async def traces(port: int) -> int:
        async with CStarClient(api_key="sk_test_a", team_id=TEAM, base_url=f"http://127.0.0.1:{port}") as cstar:
            await cstar.tickets.get(ID)
            sessions = [one for one in gc.get_objects() if isinstance(one, aiohttp.ClientSession) and not one.closed]
            return sum(len(session.trace_configs) for session in sessions)

    with server_in_a_thread() as port:
        assert asyncio.run(traces(port)) == 0


@pytest.mark.no_cover
def test_thousand_requests_leave_no_objects() -> None:
    """The client keeps nothing of a request. If it fails: `gc.get_objects()` before and after shows what is kept."""

    async def grown(port: int) -> int:
        async with CStarClient(api_key="sk_test_a", team_id=TEAM, base_url=f"http://127.0.0.1:{port}") as cstar:
            sizes: list[int] = []
            for _ in range(3):
                for _ in range(500):
                    await cstar.tickets.get(ID)
                gc.collect()
                sizes.append(len(gc.get_objects()))
            return sizes[2] - sizes[0]

    with server_in_a_thread() as port:
        assert asyncio.run(grown(port)) <= MAX_OBJECTS


def test_import_loads_only_the_standard_library() -> None:
    """`import cstar_async` loads these modules. If it fails: import in the function that needs it, or in `__getattr__`."""
    program = "import sys; before = {*sys.modules}; import cstar_async; print(*sorted({*sys.modules} - before))"
    ours = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout.split()
    assert [name for name in ours if name.startswith("cstar_async")] == ["cstar_async", "cstar_async._version"]
    others = {name.partition(".")[0] for name in ours} - {"cstar_async"}
    assert {name for name in others if not name.startswith("_")} <= IMPORTED


def test_first_request_loads_no_rare_part() -> None:
    """The first request of a process loads nothing for files, hooks, drift, shared responses or webhooks.

    If it fails: import the part in the function that needs it. Each module takes a part of a millisecond, and an attrs class half.
    """
    program = (
        "import asyncio, sys, cstar_async\n"
        "async def main(url, team, ticket):\n"
        "    async with cstar_async.CStarClient(api_key='sk_test_a', team_id=team, base_url=url) as cstar:\n"
        "        await cstar.tickets.get(ticket)\n"
        "asyncio.run(main(*sys.argv[1:]))\n"
        "print(*(name for name in sys.modules if name.startswith('cstar_async.')))"
    )
    with server_in_a_thread() as port:
        command = [sys.executable, "-c", program, f"http://127.0.0.1:{port}", TEAM, ID]
        loaded = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    assert "cstar_async.models.tickets" in loaded
    assert RARE.intersection(loaded) == set()


@pytest.mark.parametrize(("place", "limit"), [("memory", MAX_PER_EVENT), ("file", MAX_PER_EVENT_IN_FILE)])
def test_event_costs_few_calls(place: str, limit: int, tmp_path: Path) -> None:
    """An event is verified, stored, handled and marked as done. Twenty that arrive together share their transactions.

    If it fails: `cProfile` around `calls_per_event` shows the new calls. About ten more in a file alone, and none in memory, are
    those of a sixth transaction: the writer no longer waits for the next changes of the same events.
    """
    store = MemoryStore() if place == "memory" else SqliteStore(tmp_path / "events.db")
    assert asyncio.run(calls_per_event(store)) <= limit


def test_path_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of a call is put into the base URL as it is. To parse a URL takes a twentieth of a GET.

    yarl remembers URLs, so the counts of the same GET do not show that. If it fails: use `with_path(…, encoded=True)`.
    """

    def fail(*_: object, **__: object) -> None:
        raise AssertionError

    async def get(port: int) -> Ticket:
        async with CStarClient(api_key="sk_test_a", team_id=TEAM, base_url=f"http://127.0.0.1:{port}") as cstar:
            monkeypatch.setattr("cstar_async._transport.aiohttp_transport.URL", fail)
            return await cstar.tickets.get(ID)

    with server_in_a_thread() as port:
        assert asyncio.run(get(port)).id == ID


def test_coroutines_of_aiohttp_are_passed_on() -> None:
    """`send` and `start` return the coroutine of aiohttp. If it fails: `async def` would make another one for each request."""
    own = (connection_guard.make_request_class(connection_guard.ConnectionTracker()).send, connection_guard.TrackedResponse.start)
    assert [inspect.iscoroutinefunction(method) for method in own] == [False, False]


def test_names_of_headers_are_known_to_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their class is that of aiohttp's own names. If it fails: each request makes new strings of them, 480 bytes in all."""
    classes: set[type] = set()
    create = aiohttp_transport.create_session

    def observe(*arguments: Any, headers: dict[str, str], **others: Any) -> aiohttp.ClientSession:
        classes.update(map(type, headers))
        return create(*arguments, headers=headers, **others)

    monkeypatch.setattr(aiohttp_transport, "create_session", observe)
    get_one_ticket()
    assert classes == {type(aiohttp.hdrs.ACCEPT)}


def test_call_is_made_by_position(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keywords double the time to make a `Call`. If it fails: pass all arguments by position in `request_builder`."""
    keywords: list[dict[str, object]] = []

    def observe(*values: Any, **named: Any) -> Call:
        keywords.append(named)
        return Call(*values, **named)

    monkeypatch.setattr(request_builder, "Call", observe)
    get_one_ticket()
    assert keywords == [{}]


async def test_twenty_events_share_five_transactions(tmp_path: Path) -> None:
    """Three of them wait for the disk: an attempt need not outlast a loss of power. Old ids are deleted once a minute.

    If it fails: the writer takes one change at a time, or no longer lets the loop run before it takes the next ones.
    """
    store = SqliteStore(tmp_path / "events.db")
    statements: list[str] = []
    async with inbox_with(store) as inbox:
        await store.last_event_id()  # opens the file
        assert store._connection is not None
        store._connection.set_trace_callback(statements.append)
        bodies = [(TICKET % (number, number)).encode() for number in range(20)]
        await asyncio.gather(*(inbox.receive(body, {"x-signature": sign(body, SECRET)}) for body in bodies))
        await inbox.wait_until_idle()
        store._connection.set_trace_callback(None)
    flushes, modes = 0, [True]
    for text in statements:
        if text.startswith("PRAGMA synchronous"):
            modes.append(text.endswith("FULL"))
        flushes += text == "COMMIT" and modes[-1]
    transactions, cleanups = statements.count("COMMIT"), sum(text.startswith("DELETE") for text in statements)
    assert (transactions, flushes, cleanups) == (5, 3, 1)


def test_decoder_calls_no_init(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder sets the fields itself, which takes half of the time of `__init__`; Python 3.13 does not count that as a call.

    If it fails: `new_instance` is missing in the template of the decoders in `codegen/`.
    """

    def fail(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Ticket, "__init__", fail)
    assert len(decode_items(Ticket, orjson.loads(PAGE)["data"])) == 100


def test_object_is_decoded_in_few_calls() -> None:
    """Most fields are plain and need no function call.

    If it fails: look at a generated decoder in `cstar_async.models`. A field of JSON is taken from the dictionary as it is, and a
    datetime is parsed without a function of ours.
    """
    assert calls_per_object() <= MAX_PER_OBJECT


def test_decoders_share_the_keys_of_the_parser() -> None:
    """Most names in the table of a decoder are the strings that orjson gives keys, so that a union compares no characters.

    If it fails: `keys_of_parser` in `cstar_async._model.decoding` no longer finds them. In a process of its own, because the
    cache of orjson has limited space.
    """
    program = (
        "import orjson, cstar_async.models.tickets as tickets; from bench.server import ONE\n"
        "shared = {id(key) for key in tickets._NO_TICKET} & {id(key) for key in orjson.loads(ONE)['data']}\n"
        "print(len(shared))"
    )
    shared = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout
    assert int(shared) > SHARED_KEYS


@pytest.mark.no_cover
def test_pages_are_in_no_reference_cycle() -> None:
    """A page in a reference cycle would stay in memory, with its items, until the garbage collector runs.

    If it fails: an object of the call keeps its own callback or exception. `gc.get_referrers()` of the page shows which.
    """

    async def collected_after_twenty_pages(port: int) -> int:
        async with CStarClient(api_key="sk_test_a", team_id=TEAM, base_url=f"http://127.0.0.1:{port}") as cstar:
            await cstar.tickets.list()
            gc.collect()
            gc.disable()
            try:
                for _ in range(20):
                    await cstar.tickets.list()
                return gc.collect()
            finally:
                gc.enable()

    with server_in_a_thread() as port:
        assert asyncio.run(collected_after_twenty_pages(port)) < 20
