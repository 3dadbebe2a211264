"""Deliveries whose body does not arrive whole."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from aiohttp import web

from tests.client.inboxes import inbox_of

HEAD = b"POST /hooks HTTP/1.1\r\nHost: x\r\n"
BODIES = {
    "shorter than stated": HEAD + b'Content-Length: 100\r\n\r\n{"id":',
    "within a chunk": HEAD + b'Transfer-Encoding: chunked\r\n\r\n50\r\n{"id":',
    "between chunks": HEAD + b'Transfer-Encoding: chunked\r\n\r\n6\r\n{"id":\r\n',
    "broken gzip": HEAD + b"Content-Encoding: gzip\r\nContent-Length: 400\r\n\r\n" + gzip.compress(b"{}")[:10] + b"x" * 40,
}


@pytest.mark.parametrize("body", BODIES)
async def test_truncated_delivery_is_no_error_of_the_handler(body: str, caplog: pytest.LogCaptureFixture) -> None:
    """Anyone could fill the log of the server with tracebacks. It is not received, and cStar delivers it again."""
    statuses: list[int] = []
    inbox = inbox_of(shutdown_timeout=0)
    done = asyncio.Event()

    async def handle(request: web.Request) -> web.Response:
        try:
            response = await inbox.aiohttp_handler(request)
        finally:
            done.set()
        statuses.append(response.status)
        return response

    application = web.Application()
    application.router.add_post("/hooks", handle)
    runner = web.AppRunner(application)  # a TestServer would cancel the handler
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    writer.write(BODIES[body])
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.close()
    await asyncio.wait_for(done.wait(), 5)
    await runner.cleanup()
    assert [400] == statuses
    assert not [record for record in caplog.records if record.name.startswith("cstar_async")]
    await inbox.aclose()
