"""The idempotency key that a later process needs to repeat a write, on every response and every error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cstar_async import CStarClient, CStarError, RateLimitWaitError, RequestOptions, errors
from cstar_async.testing import FakeCStar

from .conftest import TICKET, MakeClient, ScriptedResponse, Server, SkippingClock, cut, failed, held, ok, raw

LONG_WAIT = failed(429, headers={"Retry-After": "3600"})
RESPONSES: dict[str, tuple[ScriptedResponse, str]] = {
    "400": (failed(400), "InvalidRequestError"),
    "401": (failed(401), "AuthenticationError"),
    "403": (failed(403), "PermissionDeniedError"),
    "404": (failed(404), "NotFoundError"),
    "409": (failed(409), "ConflictError"),
    "409 of keys": (failed(409, code="idempotency_key_reused"), "IdempotencyError"),
    "418": (failed(418), "APIError"),
    "422": (failed(422), "InvalidRequestError"),
    "429": (failed(429), "RateLimitError"),
    "500": (raw(b"<html>", 500), "ServerError"),
    "elsewhere": (raw(b"", 302, {"Location": "/"}), "APIError"),
    "garbage": (raw(b"<html>"), "DecodeError"),
    "no data": (raw(b"{}"), "DecodeError"),
    "lost": (cut(), "ConnectionFailedError"),
    "silence": (held(asyncio.Event()), "RequestTimeoutError"),
}


@pytest.mark.parametrize(("response", "name"), RESPONSES.values(), ids=RESPONSES)
async def test_every_error_of_an_answer_has_the_key_that_was_sent(
    server: Server, make_client: MakeClient, response: ScriptedResponse, name: str
) -> None:
    """One that the client made, for the caller gave none."""
    server.script(response)
    client = make_client(max_retries=0, timeout=0.05 if name == "RequestTimeoutError" else 30.0)
    with pytest.raises(getattr(errors, name)) as caught:
        await client.tickets.create(title="a")
    assert server.requests[0].headers["idempotency-key"] == caught.value.idempotency_key


@pytest.mark.parametrize(("stated", "said"), [("0.4", "1 s"), ("1.2", "2 s"), ("30", "30 s")])
async def test_a_wait_that_is_too_long_is_stated_in_whole_seconds_from_one(
    server: Server, make_client: MakeClient, stated: str, said: str
) -> None:
    """A fraction is rounded up."""
    server.script(failed(429, retryAfter=float(stated)))
    with pytest.raises(RateLimitWaitError, match=f"a wait of {said},"):
        await make_client(max_wait=0.1).tickets.get("tkt_1")


async def test_refused_wait_has_the_key_that_was_sent(server: Server, client: CStarClient) -> None:
    """The 429 did not act, and a later process may come back under the same key."""
    server.script(LONG_WAIT)
    with pytest.raises(RateLimitWaitError) as caught:
        await client.tickets.create(title="a")
    assert server.requests[0].headers["idempotency-key"] == caught.value.idempotency_key


UNSENT: dict[str, Callable[[CStarClient], Any]] = {
    "a spent window": lambda client: client.tickets.create(title="a"),
    "a deadline that is over": lambda client: client.tickets.create(title="a", options=RequestOptions(total_timeout=1e-9)),
}


@pytest.mark.parametrize("call", UNSENT.values(), ids=UNSENT)
async def test_error_of_a_call_that_was_not_sent_has_its_key(
    server: Server, make_client: MakeClient, call: Callable[[CStarClient], Any]
) -> None:
    """It is made once for the call, whether or not the call gets through."""
    client = make_client(max_retries=0)
    server.script(LONG_WAIT)
    with pytest.raises(CStarError):
        await client.tickets.get("tkt_1")
    with pytest.raises(CStarError) as caught:
        await call(client)
    assert (32, 1) == (len(caught.value.idempotency_key or ""), len(server.requests))


async def test_deadline_over_while_the_team_is_found_has_the_key(server: Server, make_client: MakeClient) -> None:
    """And the name of the call that it ended."""
    client = make_client(team_id=None)
    server.script(held(asyncio.Event()))
    with pytest.raises(errors.RequestTimeoutError) as caught:
        await client.tickets.create(title="a", idempotency_key="k-1", options=RequestOptions(total_timeout=0.02))
    assert ("create_ticket", "k-1", False) == (caught.value.operation, caught.value.idempotency_key, caught.value.request_sent)


async def test_key_is_the_same_on_every_attempt(server: Server, client: CStarClient) -> None:
    """Whatever befell the attempt before, and the response has it, too."""
    server.script(cut(), failed(503), failed(408), ok(TICKET))
    response = await client.with_response(client.tickets.create, title="a")
    assert [response.idempotency_key] * 4 == [request.headers["idempotency-key"] for request in server.requests]


async def test_another_process_repeats_with_the_key_of_the_error() -> None:
    """The ticket of the lost response is returned, and it exists once."""
    async with FakeCStar() as fake:
        fake.faults.add(operation="create_ticket", drop="after")
        async with fake.client(max_retries=0) as cstar:
            with pytest.raises(errors.ConnectionFailedError) as caught:
                await cstar.tickets.create(title="Once")
        async with fake.client() as cstar:
            ticket = await cstar.tickets.create(title="Once", idempotency_key=caught.value.idempotency_key)
            assert [ticket.id] == [one.id async for one in cstar.tickets.list()]


async def test_reads_and_deletions_have_no_key(server: Server, client: CStarClient, clock: SkippingClock) -> None:
    """They can be repeated without one."""
    server.script(failed(500), ok({"deleted": True, "id": "tkt_1"}))
    response = await client.with_response(client.tickets.delete, "tkt_1")
    assert (None, 2, 1) == (response.idempotency_key, response.attempts, len(clock.slept))
    assert not any("idempotency-key" in request.headers for request in server.requests)
