"""Whole responses: `with_response()`."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from typing import TypeVar

import pytest

from cstar_async import (
    CStarClient,
    CStarError,
    Page,
    Response,
)
from cstar_async.api import get_ticket
from cstar_async.models import Ticket

from .conftest import TICKET, Server, SkippingClock, failed, held, ok

T = TypeVar("T")
WHOAMI = {"teamId": "team_9"}
CLOSED = "closed"
OTHER_LOOP = "event loop"


async def test_with_response_gives_each_call_its_own(server: Server, client: CStarClient) -> None:
    """Under concurrency each call gets the response of its own request."""
    first, second = asyncio.Event(), asyncio.Event()
    server.script(
        held(first, ok(TICKET | {"id": "a"}, meta={"requestId": "req_a"})),
        held(second, ok(TICKET | {"id": "b"}, meta={"requestId": "req_b"}, status=203)),
    )
    calls = []
    for number in (1, 2):
        calls.append(asyncio.ensure_future(client.with_response(client.tickets.get, f"tkt_{number}")))
        await server.seen(number)
    second.set()
    late = await calls[1]
    first.set()
    early = await calls[0]
    assert [("a", "req_a", 200), ("b", "req_b", 203)] == [(r.data.id, r.request_id, r.status) for r in (early, late)]


async def test_with_response_has_attempts_and_key(server: Server, client: CStarClient) -> None:
    """A response has the number of attempts and the idempotency key."""
    server.script(failed(500), ok(TICKET, headers={"X-Extra": "1"}))
    response = await client.with_response(client.tickets.create, title="a", idempotency_key="k-1")
    assert (2, "k-1", "1", None) == (
        response.attempts,
        response.idempotency_key,
        response.headers["x-extra"],
        response.rate_limit,
    )


async def test_with_response_of_a_list_gives_its_first_page(server: Server, client: CStarClient) -> None:
    """A method that lists gives a response with a page."""
    server.script(ok([TICKET], pagination={"page": 1, "total": 1}))
    response = await client.with_response(client.tickets.list)
    assert (Page, 1, "req_ok") == (type(response.data), len(response.data), response.request_id)


async def test_with_response_takes_functions_of_the_api(client: CStarClient) -> None:
    """The functions of `cstar_async.api` work like the methods."""
    assert "tkt_1" == (await client.with_response(get_ticket, client, "tkt_1")).data.id


async def test_with_response_takes_a_raw_request(client: CStarClient) -> None:
    """`request()` returns a response, which becomes the data of another with the same status and id."""
    response = await client.with_response(client.request, "GET", "/tickets/tkt_1")
    assert (200, "req_ok", TICKET) == (response.status, response.request_id, response.data.data)


async def test_with_response_can_be_nested(client: CStarClient) -> None:
    """A function that uses `with_response` can be passed to `with_response`."""

    async def title() -> str:
        """Return the title of a ticket."""
        return (await client.with_response(client.tickets.get, "tkt_1")).data.title

    response = await client.with_response(title)
    assert (TICKET["title"], "req_ok") == (response.data, response.request_id)


async def test_with_response_of_no_call_says_so(client: CStarClient) -> None:
    """A function that makes no call is a CStarError."""

    async def nothing() -> None:
        """Make no call."""

    with pytest.raises(CStarError, match="no call"):
        await client.with_response(nothing)


async def test_the_time_of_a_call_is_that_of_the_clock(server: Server, client: CStarClient, clock: SkippingClock) -> None:
    """`elapsed` counts waits and attempts by the client's clock."""
    server.script(failed(503, headers={"Retry-After": "5"}))
    response = await client.with_response(client.tickets.get, "tkt_1")
    assert (clock.now, True) == (response.elapsed, 5 <= response.elapsed < 6)


@pytest.mark.parametrize("make_copy", [copy.copy, copy.deepcopy, lambda response: pickle.loads(pickle.dumps(response))])
async def test_response_survives_pickle_and_copies(
    server: Server, client: CStarClient, make_copy: Callable[[Response[Ticket]], Response[Ticket]]
) -> None:
    """A response can be sent to another process. Its headers stay case-insensitive."""
    server.script(ok(TICKET, headers={"X-Region": "eu"}))
    response = await client.with_response(client.tickets.get, "tkt_1")
    copied = make_copy(response)
    assert (response.data, response.request_id, response.attempts) == (copied.data, copied.request_id, copied.attempts)
    assert copied.headers["x-region"] == "eu"
