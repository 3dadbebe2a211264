"""Calls over TLS: whom a client trusts is the user's choice, in a session of its own as in the user's."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from cstar_async import ConnectionFailedError, CStarClient
from tests.client.conftest import KEY, Server, serving

CERTIFICATE = Path(__file__).parent.parent / "samples" / "loopback.pem"
"""A self-signed certificate for 127.0.0.1 and its key, trusted only when configured."""


@pytest.fixture
async def secured() -> AsyncIterator[Server]:
    """A server with TLS."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    async with serving(tls=tls) as server:
        yield server


@pytest.fixture(params=["own session", "session of the user"])
async def session(request: pytest.FixtureRequest) -> AsyncIterator[aiohttp.ClientSession | None]:
    """What carries the calls."""
    async with AsyncExitStack() as stack:
        is_own = request.param == "own session"
        yield None if is_own else await stack.enter_async_context(aiohttp.ClientSession())


async def test_server_that_the_given_context_trusts_is_called(secured: Server, session: aiohttp.ClientSession | None) -> None:
    """A company's own authority, for instance."""
    trusting = ssl.create_default_context(cafile=CERTIFICATE)
    async with CStarClient(api_key=KEY, team_id="t", base_url=secured.url, ssl=trusting, session=session) as client:
        assert "tkt_1" == (await client.tickets.get("tkt_1")).id


async def test_an_untrusted_server_receives_nothing(secured: Server, session: aiohttp.ClientSession | None) -> None:
    """By default certificates are checked; the key does not leave this machine, and the failure is the client's own."""
    made = CStarClient(api_key=KEY, team_id="t", base_url=secured.url, session=session, max_retries=0)
    async with made as client:
        with pytest.raises(ConnectionFailedError) as caught:
            await client.tickets.get("tkt_1")
    assert (False, []) == (caught.value.request_sent, secured.requests)
