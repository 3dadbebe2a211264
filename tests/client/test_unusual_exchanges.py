"""Exchanges that are rare: a proxy that refuses, a 304, a request body of more than a mebibyte."""

from __future__ import annotations

import asyncio
import socket
import warnings

import aiohttp
import pytest

from cstar_async import APIError, ConfigurationError, ConnectionFailedError, CStarClient
from tests.client.conftest import MakeClient, Server, failed, ok, raw

LARGE = "a" * 3_000_000


@pytest.mark.parametrize("status", [403, 407, 502])
@pytest.mark.parametrize("owner", ["client", "user"])
async def test_a_proxy_that_refuses_is_named_with_its_status(make_client: MakeClient, status: int, owner: str) -> None:
    """The reason phrase, which may be anything, is left out."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d Secret\r\nContent-Length: 0\r\n\r\n" % status)
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with listener, aiohttp.ClientSession() as session:
        proxy = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        client = make_client(
            base_url="https://cstar.test", proxy=proxy, max_retries=0, session=session if owner == "user" else None
        )
        with pytest.raises(ConnectionFailedError, match=f"the proxy responded with status {status}") as caught:
            await client.tickets.get("tkt_1")
    assert ("Secret" in str(caught.value), caught.value.request_sent) == (False, False)


@pytest.mark.parametrize("headers", [{}, {"Location": "https://other/"}])
async def test_a_304_is_no_redirect(server: Server, client: CStarClient, headers: dict[str, str]) -> None:
    """No base URL would correct it."""
    server.script(raw(b"", 304, headers))
    with pytest.raises(APIError) as caught:
        await client.tickets.get("tkt_1")
    assert (caught.value.status, caught.value.message) == (304, "Not Modified")


@pytest.mark.parametrize("owner", ["client", "user"])
async def test_a_large_request_body_is_sent_whole_and_without_a_warning(
    server: Server, make_client: MakeClient, owner: str
) -> None:
    """On a retry, too."""
    server.script(failed(503), ok({"id": "tkt_1"}))
    async with aiohttp.ClientSession() as session:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            client = make_client(session=session if owner == "user" else None)
            ticket = await client.tickets.create(title=LARGE, priority="low")
    assert ticket.id == "tkt_1"
    for request in server.requests:
        assert (request.json, request.headers["content-type"]) == ({"title": LARGE, "priority": "low"}, "application/json")
        assert (request.headers["content-length"], "content-disposition" in request.headers) == (str(len(request.body)), False)
    assert len(server.requests) == 2


@pytest.mark.parametrize("url", ["https://xn--/", "https://xn--a/", "https://www.xn--/x"])
def test_a_host_that_is_broken_punycode_is_refused(url: str) -> None:
    """Of the service and of a proxy, when the client is created."""
    with pytest.raises(ConfigurationError, match="base_url"):
        CStarClient(api_key="sk_test_a", base_url=url)
    with pytest.raises(ConfigurationError, match="proxy"):
        CStarClient(api_key="sk_test_a", proxy=url)


async def test_a_proxy_that_cannot_be_reached_is_named(make_client: MakeClient) -> None:
    """The error does not look like one of the service."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = make_client(base_url="http://127.0.0.1:1", proxy=f"http://127.0.0.1:{port}", max_retries=0)
    with pytest.raises(ConnectionFailedError, match="the proxy cannot be reached: "):
        await client.tickets.get("tkt_1")
