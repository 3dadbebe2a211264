"""Identical GETs in flight that share one call, with `coalesce=True`."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cstar_async import CStarClient, CStarError, Hooks, InvalidArgumentError, NotFoundError, Priority, RequestOptions
from cstar_async.hooks import CallEndInfo, CallStartInfo
from tests.client.conftest import TICKET, MakeClient, Server, failed, held, ok

Call = Callable[[CStarClient], Awaitable[Any]]


class Calls(Hooks):
    """The ids of the calls that began and ended."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.ended: list[tuple[str, str | None]] = []

    def on_call_start(self, info: CallStartInfo) -> None:
        """Add the id."""
        self.started.append(info.call_id)

    def on_call_end(self, info: CallEndInfo) -> None:
        """Add the id and the error."""
        self.ended.append((info.call_id, info.error))


@pytest.fixture
def coalescing(make_client: MakeClient) -> CStarClient:
    """A client of the scripted server."""
    return make_client(coalesce=True)


def start(call: Awaitable[Any]) -> asyncio.Task[Any]:
    """Start a call."""
    return asyncio.ensure_future(call)


def sent() -> list[asyncio.Task[Any]]:
    """Return the tasks of shared calls."""
    return [task for task in asyncio.all_tasks() if "send_with_retries" in repr(task)]


async def test_identical_gets_share_one_call(coalescing: CStarClient, server: Server) -> None:
    """However many they are, and through whichever view of the client."""
    respond = asyncio.Event()
    server.script(held(respond))
    view = coalescing.with_options(timeout=30.0)
    calls = [start((view if number % 2 else coalescing).tickets.get("tkt_1")) for number in range(10)]
    await server.seen(1)
    respond.set()
    assert [TICKET["title"]] * 10 == [ticket.title for ticket in await asyncio.gather(*calls)]
    assert 1 == len(server.requests)


async def test_callers_get_objects_of_their_own(coalescing: CStarClient, server: Server) -> None:
    """What one changes does not change for the others, in models and in JSON."""
    server.default = ok({**TICKET, "tags": ["a"]})
    tickets = await asyncio.gather(*(coalescing.tickets.get("tkt_1") for _ in range(3)))
    tickets[0].tags.append("b")
    responses = await asyncio.gather(*(coalescing.request("GET", "/things") for _ in range(3)))
    data: Any = responses[0].data
    data["tags"].append("b")
    assert [["a"], ["a"]] == [ticket.tags for ticket in tickets[1:]]
    assert [["a"], ["a"]] == [response.data["tags"] for response in responses[1:]]  # type: ignore[call-overload,index]
    assert 2 == len(server.requests)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda cstar: cstar.tickets.get("tkt_1"), lambda cstar: cstar.tickets.get("tkt_2")),
        (lambda cstar: cstar.tickets.list(status="open").first(), lambda cstar: cstar.tickets.list(status="new").first()),
        (lambda cstar: cstar.request("GET", "/things"), lambda cstar: cstar.request("GET", "/things", params={"a": 1})),
        (lambda cstar: cstar.request("GET", "/things"), lambda cstar: cstar.request("GET", "/api/things")),
        (
            lambda cstar: cstar.tickets.get("tkt_1"),
            lambda cstar: cstar.tickets.get("tkt_1", options=RequestOptions(headers={"X-A": "1"})),
        ),
        (lambda cstar: cstar.tickets.get("tkt_1"), lambda cstar: cstar.tickets.get("tkt_1", options=RequestOptions(timeout=1))),
        (
            lambda cstar: cstar.tickets.get("tkt_1"),
            lambda cstar: cstar.with_options(priority=Priority.BACKGROUND).tickets.get("tkt_1"),
        ),
        (lambda cstar: cstar.tickets.get("tkt_1", options=RequestOptions(total_timeout=60)),) * 2,
        (lambda cstar: cstar.tickets.delete("tkt_1"),) * 2,
        (lambda cstar: cstar.tags.create(name="a"),) * 2,
    ],
)
async def test_other_calls_are_sent(coalescing: CStarClient, server: Server, one: Call, other: Call) -> None:
    """Another path, query, header or setting, a limit for the whole call, or a write."""
    respond = asyncio.Event()
    server.script(held(respond), held(respond))
    calls = [start(one(coalescing)), start(other(coalescing))]
    await server.seen(2)
    respond.set()
    await asyncio.gather(*calls, return_exceptions=True)
    assert 2 == len(server.requests)


async def test_calls_are_not_shared_by_default(client: CStarClient, server: Server) -> None:
    """Each call is sent."""
    await asyncio.gather(*(client.tickets.get("tkt_1") for _ in range(3)))
    assert 3 == len(server.requests)


async def test_call_after_the_end_of_another_is_sent(coalescing: CStarClient, server: Server) -> None:
    """Only calls at one time share a response."""
    for _ in range(3):
        await coalescing.tickets.get("tkt_1")
    assert 3 == len(server.requests)


@pytest.mark.parametrize("cancelled", [[0], [1], [0, 1], [0, 2], [1, 2]])
async def test_cancelled_caller_leaves_the_call_to_the_others(
    coalescing: CStarClient, server: Server, cancelled: list[int]
) -> None:
    """Also if it is the one that began the call."""
    respond = asyncio.Event()
    server.script(held(respond))
    calls = [start(coalescing.tickets.get("tkt_1")) for _ in range(3)]
    await server.seen(1)
    for number in cancelled:
        calls[number].cancel()
    await asyncio.sleep(0)
    respond.set()
    await asyncio.wait(calls)
    assert cancelled == [number for number, call in enumerate(calls) if call.cancelled()]
    assert 1 == len(server.requests)


async def test_last_cancelled_caller_cancels_the_call(coalescing: CStarClient, server: Server) -> None:
    """Nothing is in flight when it has ended, and the next call is sent."""
    server.script(held(asyncio.Event()))
    calls = [start(coalescing.tickets.get("tkt_1")) for _ in range(3)]
    await server.seen(1)
    assert 1 == len(sent())
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)
    assert not sent()
    assert "tkt_1" == (await coalescing.tickets.get("tkt_1")).id


async def test_caller_that_comes_after_the_last_cancellation_is_not_cancelled(coalescing: CStarClient, server: Server) -> None:
    """Its call is another one."""
    server.script(held(asyncio.Event()))
    first = start(coalescing.tickets.get("tkt_1"))
    await server.seen(1)
    first.cancel()
    second = start(coalescing.tickets.get("tkt_1"))
    assert "tkt_1" == (await second).id
    assert first.cancelled()


async def test_callers_can_be_cancelled_at_every_await(coalescing: CStarClient, server: Server) -> None:
    """No cancellation is lost, no other caller is cancelled, and no task is left."""
    for turn in range(40):
        calls = [start(coalescing.tickets.get("tkt_1")) for _ in range(3)]
        for number, call in enumerate(calls[:2]):
            for _ in range(turn * number):
                await asyncio.sleep(0)
            call.cancel()
        await asyncio.wait(calls)
        assert [True, False] == [calls[0].cancelled(), calls[2].cancelled()]
        assert "tkt_1" == calls[2].result().id
    assert not sent()


async def test_callers_that_call_again_share_the_next_call(coalescing: CStarClient, server: Server) -> None:
    """The first of them calls again before the others have their responses."""

    async def twice() -> None:
        for _ in range(2):
            await coalescing.tickets.get("tkt_1")

    await asyncio.gather(*(twice() for _ in range(4)))
    assert 2 == len(server.requests)


async def test_failure_is_shared_with_an_error_for_each(coalescing: CStarClient, server: Server) -> None:
    """After one set of retries."""
    server.script(failed(500), failed(404, code="resource_missing"))
    results = await asyncio.gather(*(coalescing.tickets.get("tkt_1") for _ in range(3)), return_exceptions=True)
    assert [NotFoundError] * 3 == [type(result) for result in results]
    assert [2] * 3 == [result.attempts for result in results if isinstance(result, NotFoundError)]
    assert (3, 2) == (len({id(result) for result in results}), len(server.requests))


async def test_call_after_a_write_gets_no_response_from_before(coalescing: CStarClient, server: Server) -> None:
    """A program that changes a ticket and reads it gets the change."""
    respond = asyncio.Event()
    server.script(held(respond), ok(TICKET), ok({**TICKET, "title": "Changed"}))
    before = start(coalescing.tickets.get("tkt_1"))
    await server.seen(1)
    await coalescing.tickets.update("tkt_1", title="Changed")
    assert "Changed" == (await coalescing.tickets.get("tkt_1")).title
    respond.set()
    assert TICKET["title"] == (await before).title


async def test_hooks_observe_the_call_that_is_sent(make_client: MakeClient, server: Server) -> None:
    """It begins once and ends once, also if the caller that began it was cancelled."""
    hooks, respond = Calls(), asyncio.Event()
    coalescing = make_client(coalesce=True, hooks=[hooks])
    server.script(held(respond))
    calls = [start(coalescing.tickets.get("tkt_1")) for _ in range(3)]
    await server.seen(1)
    calls[0].cancel()
    await asyncio.sleep(0)
    respond.set()
    await asyncio.wait(calls)
    await asyncio.gather(*(coalescing.tickets.get("tkt_1") for _ in range(3)))
    server.script(failed(404))
    await asyncio.gather(*(coalescing.tickets.get("tkt_1") for _ in range(3)), return_exceptions=True)
    assert [(call_id, error) for call_id, error in zip(hooks.started, (None, None, "NotFoundError"), strict=True)] == hooks.ended


@pytest.mark.parametrize("callers", [1, 3])
async def test_hooks_observe_the_end_of_a_call_that_nobody_waits_for(make_client: MakeClient, server: Server, callers: int) -> None:
    """All callers are cancelled between the response and their next step."""
    hooks = Calls()
    coalescing = make_client(coalesce=True, hooks=[hooks])
    calls = [start(coalescing.tickets.get("tkt_1")) for _ in range(callers)]
    await server.seen(1)
    [call] = sent()
    call.add_done_callback(lambda _: [caller.cancel() for caller in calls])
    await asyncio.wait(calls)
    assert all(caller.cancelled() for caller in calls)
    assert [(call_id, "CancelledError") for call_id in hooks.started] == hooks.ended


async def test_error_of_each_caller_leads_to_where_the_call_failed(coalescing: CStarClient, server: Server) -> None:
    """Also once the others have raised theirs."""
    server.script(failed(404))
    errors = await asyncio.gather(*(coalescing.tickets.get("tkt_1") for _ in range(3)), return_exceptions=True)
    places = [
        [frame.name for frame in traceback.extract_tb(error.__traceback__)] for error in errors if isinstance(error, CStarError)
    ]
    assert 3 == len(places)
    assert all("_wait_or_raise" == place[-1] and "get_ticket" in place for place in places)


@pytest.mark.parametrize("team_id", ["team_1", None])
async def test_note_on_an_error_is_for_its_caller(make_client: MakeClient, server: Server, team_id: str | None) -> None:
    """Whether the call itself failed, or the one for the team of the key."""
    client = make_client(coalesce=team_id is not None, team_id=team_id)
    server.default = failed(404)

    async def call(number: int) -> list[str]:
        with pytest.raises(NotFoundError) as caught:
            await client.tickets.get("tkt_1" if team_id else f"tkt_{number}")
        caught.value.add_note(f"for caller {number}")
        return caught.value.__notes__

    assert [["for caller 0"], ["for caller 1"], ["for caller 2"]] == await asyncio.gather(*map(call, range(3)))
    assert 1 == len(server.requests)


async def test_whole_response_is_that_of_the_call(coalescing: CStarClient, server: Server) -> None:
    """With its status, request id and attempts."""
    server.script(failed(503))
    responses = await asyncio.gather(*(coalescing.with_response(coalescing.tickets.get, "tkt_1") for _ in range(2)))
    assert [(200, "req_ok", 2)] * 2 == [(response.status, response.request_id, response.attempts) for response in responses]


async def test_closing_the_client_ends_all_callers(make_client: MakeClient, server: Server) -> None:
    """With an error for each."""
    coalescing = make_client(coalesce=True)
    server.script(held(asyncio.Event()))
    calls = [start(coalescing.tickets.get("tkt_1")) for _ in range(3)]
    await server.seen(1)
    await coalescing.aclose()
    assert all(isinstance(result, CStarError) for result in await asyncio.gather(*calls, return_exceptions=True))


def test_caller_in_another_event_loop_gets_an_error() -> None:
    """It does not wait for a call of the first loop, which may never run again."""

    class Silence:
        async def send(self, _call: object, _timeout: float) -> None:
            await asyncio.Event().wait()

    async def call() -> None:
        await cstar.tickets.get("tkt_1")

    cstar, transport = CStarClient(api_key="sk_test_a", team_id="team_1", coalesce=True), Silence()
    cstar._executor.context.transport = transport  # type: ignore[assignment]
    first = asyncio.new_event_loop()
    try:
        pending = first.create_task(call())
        first.run_until_complete(asyncio.sleep(0))
        first.run_until_complete(asyncio.sleep(0))
        with pytest.raises(CStarError, match="another event loop"):
            asyncio.run(asyncio.wait_for(call(), 5))
        pending.cancel()
        first.run_until_complete(asyncio.wait([pending]))
    finally:
        first.close()


@pytest.mark.parametrize("value", [1, None, "yes"])
def test_value_that_is_no_bool_is_refused(make_client: MakeClient, value: Any) -> None:
    """A client is not made."""
    with pytest.raises(InvalidArgumentError, match="coalesce must be True or False, got"):
        make_client(coalesce=value)
