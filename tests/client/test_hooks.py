"""What hooks hear of calls from their beginning to their end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cstar_async import CStarClient, DecodeError, Hooks, NotFoundError, RequestOptions
from cstar_async.hooks import CallEndInfo, CallStartInfo

from .conftest import TICKET, InstantClock, MakeClient, Server, cut, failed, held, ok, raw


class Spans(Hooks):
    """Hears of beginnings and ends, and in between of everything else."""

    def __init__(self) -> None:
        self.begun: list[CallStartInfo] = []
        self.ids: list[str] = []
        self.done: list[CallEndInfo] = []

    def on_call_start(self, info: CallStartInfo, /) -> None:
        """Keep it."""
        self.begun.append(info)

    def _keep_id(self, info: Any, /) -> None:
        self.ids.append(info.call_id)

    on_request = on_response = on_retry = on_wait = _keep_id

    def on_call_end(self, info: CallEndInfo, /) -> None:
        """Keep it."""
        self.done.append(info)


@pytest.fixture
def spans() -> Spans:
    """An observer."""
    return Spans()


@pytest.fixture
def client(make_client: MakeClient, spans: Spans) -> CStarClient:
    """A watched client."""
    return make_client(hooks=[spans])


async def test_a_call_is_told_from_its_beginning_to_its_end(server: Server, client: CStarClient, spans: Spans) -> None:
    """Everything in between has the same id, whatever happens."""
    server.script(failed(500), cut(b"HTT"), ok(TICKET))
    await client.tickets.get("tkt_1")
    [begun], [done] = spans.begun, spans.done
    assert {begun.call_id} == {*spans.ids, done.call_id}
    # two attempts without and one with an answer, an answer of 500, two retries and their waits
    assert 9 == len(spans.ids)
    assert ("get_ticket", "127.0.0.1", int(server.url.rpartition(":")[2])) == (begun.operation, begun.host, begun.port)


async def test_the_end_of_a_call_says_how_it_went(server: Server, client: CStarClient, spans: Spans, clock: InstantClock) -> None:
    """Attempts, status, request id, rate limit and time taken."""
    server.script(failed(500), ok(TICKET, headers={"X-RateLimit-Limit": "9", "X-RateLimit-Remaining": "8"}))
    await client.tickets.get("tkt_1")
    [done] = spans.done
    assert (2, 200, "req_ok", None) == (done.attempts, done.status, done.request_id, done.error)
    assert clock.now == done.elapsed
    assert done.rate_limit
    assert (9, 8) == (done.rate_limit.limit, done.rate_limit.remaining)


async def test_the_end_of_a_call_that_raises_names_the_error(server: Server, client: CStarClient, spans: Spans) -> None:
    """Its class, the status of the answer and the id of the request."""
    server.script(failed(404, request_id="req_4"), raw(b"[]"))
    with pytest.raises(NotFoundError):
        await client.tickets.get("tkt_1")
    with pytest.raises(DecodeError):
        await client.tickets.get("tkt_1")
    assert [("NotFoundError", 404, "req_4"), ("DecodeError", 200, None)] == [
        (done.error, done.status, done.request_id) for done in spans.done
    ]


async def test_a_free_call_ends_as_others_do(server: Server, client: CStarClient, spans: Spans) -> None:
    """With its result, or with an error that its body makes."""
    server.script(ok({}), raw(b"{"))
    await client.request("GET", "/activity")
    with pytest.raises(DecodeError):
        await client.request("GET", "/activity")
    assert [(None, "req_ok"), ("DecodeError", None)] == [(done.error, done.request_id) for done in spans.done]


async def test_a_cancelled_call_is_told_to_have_ended(server: Server, client: CStarClient, spans: Spans) -> None:
    """Once, and by that name."""
    server.script(held(asyncio.Event()))
    call = asyncio.create_task(client.tickets.get("tkt_1"))
    await server.seen(1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert ["CancelledError"] == [done.error for done in spans.done]


async def test_a_call_that_cannot_be_built_is_no_call(client: CStarClient, spans: Spans) -> None:
    """Nothing begins, so nothing ends."""
    with pytest.raises(ValueError, match="total_timeout"):
        await client.tickets.get("tkt_1", options=RequestOptions(total_timeout=-1))
    assert ([], []) == (spans.begun, spans.done)


async def test_every_beginning_has_one_end(server: Server, make_client: MakeClient, spans: Spans) -> None:
    """Of fifty calls at once, some of which raise, each has an id of its own and ends once."""
    client = make_client(hooks=[spans], max_retries=0)
    server.script(*(failed(404) if number % 3 else ok(TICKET) for number in range(50)))
    await asyncio.gather(*(client.tickets.get("tkt_1") for _ in range(50)), return_exceptions=True)
    ids = [begun.call_id for begun in spans.begun]
    assert 50 == len(set(ids))
    assert sorted(ids) == sorted(done.call_id for done in spans.done)
