"""Hooks for the start and end of calls, and the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any

import attrs
import pytest

from cstar_async import ConfigurationError, CStarClient, DecodeError, Hooks, NotFoundError, RequestOptions
from cstar_async.hooks import CallEndInfo, CallStartInfo, RequestInfo, ResponseInfo

from .conftest import TICKET, MakeClient, Server, SkippingClock, cut, failed, held, ok, raw


class Spans(Hooks):
    """Collects the start and end of calls, and the ids of all values in between."""

    def __init__(self) -> None:
        self.started: list[CallStartInfo] = []
        self.ids: list[str] = []
        self.done: list[CallEndInfo] = []

    def on_call_start(self, info: CallStartInfo, /) -> None:
        """Collect a value."""
        self.started.append(info)

    def _keep_id(self, info: Any, /) -> None:
        self.ids.append(info.call_id)

    on_request = on_response = on_retry = on_wait = _keep_id

    def on_call_end(self, info: CallEndInfo, /) -> None:
        """Collect a value."""
        self.done.append(info)


@pytest.fixture
def spans() -> Spans:
    """Hooks that collect values."""
    return Spans()


@pytest.fixture
def client(make_client: MakeClient, spans: Spans) -> CStarClient:
    """A client with hooks."""
    return make_client(hooks=[spans])


async def test_all_values_of_a_call_have_one_id(server: Server, client: CStarClient, spans: Spans) -> None:
    """The same id is used from start to end, retries included."""
    server.script(failed(500), cut(b"HTT"), ok(TICKET))
    await client.tickets.get("tkt_1")
    [started], [done] = spans.started, spans.done
    assert {started.call_id} == {*spans.ids, done.call_id}
    # three requests, two responses, two retries and two waits
    assert 9 == len(spans.ids)
    assert ("get_ticket", "127.0.0.1", int(server.url.rpartition(":")[2])) == (started.operation, started.host, started.port)


async def test_the_end_of_a_call_says_how_it_went(server: Server, client: CStarClient, spans: Spans, clock: SkippingClock) -> None:
    """Attempts, status, request id, rate limit and time taken."""
    server.script(failed(500), ok(TICKET, headers={"X-RateLimit-Limit": "9", "X-RateLimit-Remaining": "8"}))
    await client.tickets.get("tkt_1")
    [done] = spans.done
    assert (2, 200, "req_ok", None) == (done.attempts, done.status, done.request_id, done.error)
    assert clock.now == done.elapsed
    assert done.rate_limit
    assert (9, 8) == (done.rate_limit.limit, done.rate_limit.remaining)


async def test_the_end_of_a_call_that_raises_names_the_error(server: Server, client: CStarClient, spans: Spans) -> None:
    """Its class, the status of the response and the request id."""
    server.script(failed(404, request_id="req_4"), raw(b"[]"))
    with pytest.raises(NotFoundError):
        await client.tickets.get("tkt_1")
    with pytest.raises(DecodeError):
        await client.tickets.get("tkt_1")
    assert [("NotFoundError", 404, "req_4"), ("DecodeError", 200, None)] == [
        (done.error, done.status, done.request_id) for done in spans.done
    ]


async def test_a_raw_request_ends_like_other_calls(server: Server, client: CStarClient, spans: Spans) -> None:
    """With its result, or with an error that its body makes."""
    server.script(ok({}), raw(b"{"))
    await client.request("GET", "/activity")
    with pytest.raises(DecodeError):
        await client.request("GET", "/activity")
    assert [(None, "req_ok"), ("DecodeError", None)] == [(done.error, done.request_id) for done in spans.done]


async def test_a_cancelled_call_ends(server: Server, client: CStarClient, spans: Spans) -> None:
    """Once, with the class of the cancellation."""
    server.script(held(asyncio.Event()))
    call = asyncio.create_task(client.tickets.get("tkt_1"))
    await server.seen(1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert ["CancelledError"] == [done.error for done in spans.done]


async def test_a_call_with_invalid_arguments_does_not_start(client: CStarClient, spans: Spans) -> None:
    """It neither starts nor ends."""
    with pytest.raises(ValueError, match="total_timeout"):
        await client.tickets.get("tkt_1", options=RequestOptions(total_timeout=-1))
    assert ([], []) == (spans.started, spans.done)


async def test_every_start_has_one_end(server: Server, make_client: MakeClient, spans: Spans) -> None:
    """Of fifty calls at once, some of which raise, each has an id of its own and ends once."""
    client = make_client(hooks=[spans], max_retries=0)
    server.script(*(failed(404) if number % 3 else ok(TICKET) for number in range(50)))
    await asyncio.gather(*(client.tickets.get("tkt_1") for _ in range(50)), return_exceptions=True)
    ids = [started.call_id for started in spans.started]
    assert 50 == len(set(ids))
    assert sorted(ids) == sorted(done.call_id for done in spans.done)


class Collector(Hooks):
    """Collects requests and responses, and may fail."""

    def __init__(self, *, fails: bool = False) -> None:
        self.collected: list[RequestInfo | ResponseInfo] = []
        self.fails = fails

    def on_request(self, info: RequestInfo, /) -> None:
        """Collect a value."""
        self.collected.append(info)
        if self.fails:
            raise RuntimeError("hook broke")

    def on_response(self, info: ResponseInfo, /) -> None:
        """Collect a value."""
        self.collected.append(info)
        if self.fails:
            raise ValueError("hook broke again")


async def test_hooks_get_frozen_values(make_client: MakeClient) -> None:
    """Values have the operation and the path template, and cannot be changed."""
    hook = Collector()
    await make_client(hooks=[hook]).tickets.get("tkt_1")
    names = [(type(info), info.operation, info.path) for info in hook.collected]
    path = "/api/v1/teams/{teamId}/tickets/{ticketId}"
    assert [(RequestInfo, "get_ticket", path), (ResponseInfo, "get_ticket", path)] == names
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        hook.collected[0].attempt = 9


async def test_a_hook_that_raises_is_logged_and_dropped(make_client: MakeClient, caplog: pytest.LogCaptureFixture) -> None:
    """A broken hook breaks neither the call nor the hooks after it."""
    after = Collector()
    assert "tkt_1" == (await make_client(hooks=[Collector(fails=True), after]).tickets.get("tkt_1")).id
    assert (2, 2) == (len(after.collected), caplog.text.count("a hook failed"))


async def test_cancelled_future_that_a_hook_reads_cancels_nothing(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Its `CancelledError` is dropped like any other exception of a hook."""

    class Reader(Hooks):
        def on_call_end(self, info: CallEndInfo) -> None:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.cancel()
            future.result()

    assert "tkt_1" == (await make_client(hooks=[Reader()]).tickets.get("tkt_1")).id
    assert "a hook failed on CallEndInfo" in caplog.text


async def test_the_log_has_fields(server: Server, client: CStarClient, caplog: pytest.LogCaptureFixture) -> None:
    """Method, path template, attempt, status and request id are in the message and in `extra`; an idempotency key is not."""
    caplog.set_level(logging.DEBUG)
    await client.tickets.create(title="a", idempotency_key="for-ann")
    sent, received = (vars(record) for record in caplog.records)
    path = "/api/v1/teams/{teamId}/tickets"
    assert ("POST", path, 1) == (sent["method"], sent["path"], sent["attempt"])
    assert (200, "req_ok") == (received["status"], received["request_id"])
    assert f"POST {path}: attempt 1" == caplog.messages[0]
    assert "for-ann" not in str([sent, received])


async def _coroutine_function(*_: object) -> None:
    """Return a coroutine."""


async def _async_generator(*_: object) -> AsyncIterator[None]:
    yield


def _generator(*_: object) -> Iterator[None]:
    yield


class _Callable:
    """An instance whose call is a coroutine."""

    async def __call__(self, *_: object) -> None:
        """Return a coroutine."""


HOOK_NAMES = ("on_call_start", "on_call_end", "on_request", "on_response", "on_retry", "on_wait", "on_drift")


@pytest.mark.parametrize("name", HOOK_NAMES)
@pytest.mark.parametrize(
    "function",
    [_coroutine_function, _async_generator, _generator, _Callable(), partial(_coroutine_function, 1), partial(_Callable())],
)
@pytest.mark.parametrize("of_instance", [False, True])
def test_a_function_whose_body_would_not_run_is_no_hook(
    make_client: MakeClient, name: str, function: object, of_instance: bool
) -> None:
    """Nothing awaits a coroutine or iterates over a generator, so the client refuses their functions, wherever they are set."""
    hook = Hooks() if of_instance else type("Observer", (Hooks,), {name: function})()
    setattr(hook, name, function)
    with pytest.raises(ConfigurationError, match=rf"{name} must be a plain function, got a (coroutine|generator) function"):
        make_client(hooks=[hook])


async def test_a_hook_that_returns_a_coroutine_is_logged(make_client: MakeClient, caplog: pytest.LogCaptureFixture) -> None:
    """A plain function can return one, which the client cannot see when it is made."""

    def returns_coroutine(info: object) -> object:
        return _coroutine_function(info)

    hook = Hooks()
    vars(hook)["on_request"] = returns_coroutine
    await make_client(hooks=[hook]).tickets.get("tkt_1")
    assert "a hook returned a coroutine on RequestInfo, which does not run" in caplog.text


async def test_a_method_set_on_an_instance_is_a_hook(make_client: MakeClient) -> None:
    """An attribute of the instance overrides a method as a subclass does."""
    seen: list[RequestInfo] = []
    hook = Hooks()
    vars(hook)["on_request"] = seen.append
    await make_client(hooks=[hook]).tickets.get("tkt_1")
    assert ["get_ticket"] == [info.operation for info in seen]
