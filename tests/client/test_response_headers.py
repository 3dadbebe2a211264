"""Headers of a response that are long, many or malformed, and empty bodies with a `Content-Encoding`."""

from __future__ import annotations

import aiohttp
import pytest

from cstar_async import ConnectionFailedError, CStarClient, DecodeError
from cstar_async.models import Deleted
from tests.client.conftest import MakeClient, ScriptedResponse, Server, ok, raw

BODY = b'Content-Length: 23\r\n\r\n{"data":{"id":"tkt_1"}}'
LARGE = {
    "long value": b"HTTP/1.1 200 OK\r\nContent-Security-Policy: " + b"a" * 60_000 + b"\r\n" + BODY,
    "long name": b"HTTP/1.1 200 OK\r\nX" + b"a" * 60_000 + b": 1\r\n" + BODY,
    "long reason": b"HTTP/1.1 200 " + b"O" * 60_000 + b"\r\n" + BODY,
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"Set-Cookie: a=b\r\n" * 900 + BODY,
}


@pytest.mark.parametrize("name", LARGE)
async def test_large_headers_are_read(server: Server, client: CStarClient, name: str) -> None:
    """The client's own session allows more than aiohttp does by default."""
    server.script(ScriptedResponse((LARGE[name],)))
    assert (await client.tickets.get("tkt_1")).id == "tkt_1"


@pytest.mark.parametrize(
    ("name", "problem"), [*((name, "longer than 8190 bytes") for name in list(LARGE)[:3]), ("many headers", "more headers")]
)
async def test_the_limits_of_a_users_session_are_named(server: Server, make_client: MakeClient, name: str, problem: str) -> None:
    """The error says which argument of the session to raise, and contains no header."""
    server.script(ScriptedResponse((LARGE[name],), "close"))
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ConnectionFailedError, match=problem) as caught:
            await make_client(session=session, max_retries=0).tickets.get("tkt_1")
    assert ("of the session" in caught.value.message, "aaa" in str(caught.value)) == (True, False)


@pytest.mark.parametrize(
    "head", [b"SSH-2.0-secret\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: secret\r\n\r\n", b"HTTP/1.1 200 OK\r\nsecret\r\n\r\n"]
)
async def test_malformed_headers_are_no_http(server: Server, make_client: MakeClient, head: bytes) -> None:
    """The error contains nothing of them."""
    server.script(ScriptedResponse((head,), "close"))
    with pytest.raises(ConnectionFailedError, match="the response headers cannot be read: they are not valid HTTP") as caught:
        await make_client(max_retries=0).tickets.get("tkt_1")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "GZIP", "br", "gzip, gzip", "identity"])
@pytest.mark.parametrize("status", [200, 204])
async def test_an_empty_body_stays_empty(server: Server, client: CStarClient, encoding: str, status: int) -> None:
    """Whatever its encoding is said to be, and with chunked transfer too."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: %s\r\n\r\n0\r\n\r\n" % encoding.encode()
    server.script(raw(b"", status, {"Content-Encoding": encoding}), ScriptedResponse((chunked,)))
    for _ in range(2):
        assert await client.tickets.delete("tkt_1") == Deleted(deleted=True, id="tkt_1")
    assert len(server.requests) == 2


async def test_an_empty_body_where_data_must_be_is_not_retried(server: Server, client: CStarClient) -> None:
    """The connection did not fail."""
    server.script(raw(b"", headers={"Content-Encoding": "gzip"}), ok({"id": "tkt_1"}))
    with pytest.raises(DecodeError, match="the response is empty"):
        await client.tickets.get("tkt_1")
