"""Small request bodies, which the client writes itself: aiohttp starts a task for each body."""

from __future__ import annotations

import asyncio

import pytest

from cstar_async import CStarClient, RequestOptions
from tests.client.conftest import MakeClient, Server, ok

MAX_SMALL = 32768
EMPTY = len('{"title":""}')


@pytest.mark.parametrize("size", [13, MAX_SMALL - 1, MAX_SMALL, MAX_SMALL + 1, 2 * MAX_SMALL, 8 * MAX_SMALL])
async def test_a_body_of_any_size_arrives_whole_on_one_connection(server: Server, client: CStarClient, size: int) -> None:
    """Large and small ones share a connection."""
    server.script(ok({"id": "tkt_1"}), ok({"id": "tkt_2"}), ok({"id": "tkt_3"}))
    title = "a" * (size - EMPTY)
    await client.tickets.create(title=title)
    await client.tickets.create(title="b")
    await client.tickets.update("tkt_1", title=title)
    assert [request.json["title"] for request in server.requests] == [title, "b", title]
    assert [int(request.headers["content-length"]) for request in server.requests] == [size, EMPTY + 1, size]
    assert [request.headers["content-type"] for request in server.requests] == ["application/json"] * 3
    assert server.connections == 1


async def test_a_body_waits_for_the_server_if_the_caller_says_so(make_client: MakeClient) -> None:
    """With `Expect: 100-continue`, the server may refuse before the body is sent."""
    bodies: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.05)
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        bodies.append(await reader.readuntil(b"}"))
        body = b'{"success":true,"data":{"id":"tkt_1"}}'
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
        client = make_client(base_url=f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", max_retries=0)
        ticket = await client.tickets.create(title="a", options=RequestOptions(headers={"Expect": "100-continue"}))
    assert (ticket.id, bodies) == ("tkt_1", [b'{"title":"a"}'])
