"""Versions of aiohttp without the private parts that the client's own session uses: it must work, if slower."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from yarl import URL

from cstar_async import ConnectionFailedError
from cstar_async._transport import connection_guard
from tests.client.conftest import MakeClient, Server, cut, failed, ok

TICKET = {"id": "tkt_1"}


async def test_aiohttp_writes_all_bodies_itself_if_its_responses_need_other_arguments(
    server: Server, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A response made from the known arguments would break every POST."""
    monkeypatch.setattr(connection_guard, "_RESPONSE_ARGUMENTS", frozenset({"method"}))
    server.script(failed(503), ok(TICKET))
    assert (await make_client().tickets.create(title="a")).id == "tkt_1"
    assert [request.json for request in server.requests] == [{"title": "a"}] * 2


@pytest.mark.parametrize("method", ["get", "delete"])
async def test_a_request_is_sent_once_if_replays_cannot_be_turned_off(
    server: Server, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """On a kept-alive connection that drops, aiohttp would send it again, and the limiter would not know."""
    always_on = property(lambda session: True, lambda session, value: None)
    monkeypatch.setattr(aiohttp.ClientSession, "_retry_connection", always_on, raising=False)
    monkeypatch.setattr(aiohttp.ClientSession, "ATTRS", aiohttp.ClientSession.ATTRS - {"_retry_connection"})
    client = make_client(max_retries=0)
    server.script(ok(TICKET), cut())
    await client.tickets.get("tkt_1")
    with pytest.raises(ConnectionFailedError):
        await getattr(client.tickets, method)("tkt_1")
    assert len(server.requests) == 2


async def test_public_method_is_used_if_there_is_no_private_one(
    server: Server, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It makes two more objects for each request."""
    private = aiohttp.ClientSession._request

    async def request(session: aiohttp.ClientSession, method: str, url: URL, **options: Any) -> aiohttp.ClientResponse:
        return await private(session, method, url, **options)

    monkeypatch.setattr(aiohttp.ClientSession, "request", request)
    monkeypatch.delattr(aiohttp.ClientSession, "_request")
    server.script(ok(TICKET))
    assert (await make_client().tickets.get("tkt_1")).id == "tkt_1"
    assert len(server.requests) == 1
