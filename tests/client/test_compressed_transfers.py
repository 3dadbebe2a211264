"""Downloads and streams that a server or gateway compresses although it was asked not to."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import attrs
import pytest

from cstar_async import ConnectionFailedError, CStarClient, CStarError
from tests.client.conftest import MakeClient, Server, raw
from tests.client.event_server import message, next_ids, sending, serve_events
from tests.client.test_downloads import FILE

CONTENT = bytes(range(256)) * 1000
BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
COMPRESSED: dict[str, bytes] = {
    "gzip": gzip.compress(CONTENT),
    "x-gzip": gzip.compress(CONTENT),
    "GZIP": gzip.compress(CONTENT[:1000]) + gzip.compress(CONTENT[1000:]),
    "gzip, gzip": gzip.compress(gzip.compress(CONTENT)),
    "deflate, gzip": gzip.compress(zlib.compress(CONTENT)),
    "deflate": zlib.compress(CONTENT),
    "Deflate": BARE.compress(CONTENT) + BARE.flush(),
    "identity": CONTENT,
}


async def _saved(client: CStarClient, folder: Path) -> bytes:
    return (await client.__executor__.download(FILE).save(folder / "file")).read_bytes()


async def _in_pieces(client: CStarClient, _: Path) -> bytes:
    async with client.__executor__.download(FILE) as stream:
        return b"".join([piece async for piece in stream])


async def _requested(client: CStarClient, _: Path) -> bytes:
    async with (await client.request("GET", "/file", stream=True)).data as stream:
        return b"".join([piece async for piece in stream])


METHODS: list[Callable[[CStarClient, Path], Awaitable[bytes]]] = [_saved, _in_pieces, _requested]
Method = Callable[[CStarClient, Path], Awaitable[bytes]]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("encoding", COMPRESSED)
async def test_every_supported_encoding_is_decompressed(
    server: Server, client: CStarClient, tmp_path: Path, method: Method, encoding: str
) -> None:
    """As in a response in memory, several encodings too."""
    server.script(raw(COMPRESSED[encoding], headers={"Content-Encoding": encoding}))

    assert CONTENT == await method(client, tmp_path)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, gzip", "zstd"])
async def test_empty_body_of_any_encoding_is_empty(
    server: Server, client: CStarClient, tmp_path: Path, method: Method, encoding: str
) -> None:
    """Nothing was compressed, so nothing is broken or unsupported."""
    server.script(raw(b"", headers={"Content-Encoding": encoding}))

    assert b"" == await method(client, tmp_path)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("encoding", [name for name in COMPRESSED if name != "identity"])
@pytest.mark.parametrize("missing", [1, 8, 300])
async def test_half_a_body_is_no_body(
    server: Server, make_client: MakeClient, tmp_path: Path, method: Method, encoding: str, missing: int
) -> None:
    """Although the connection did not break: a server that failed has ended the response in the usual way."""
    server.default = raw(COMPRESSED[encoding][:-missing], headers={"Content-Encoding": encoding})

    with pytest.raises(ConnectionFailedError, match=r"the response cannot be decompressed: it is (truncated|broken)"):
        await method(make_client(max_retries=1), tmp_path)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("br", b"abcdef", "its content encoding is not supported"),
        ("gzip, zstd", b"abcdef", "its content encoding is not supported"),
        (", ".join(["gzip"] * 6), b"abcdef", "it has too many content encodings"),
        ("gzip", b"abcdef", "it is broken"),
        ("gzip", COMPRESSED["gzip"] + b"abcdef", "it is broken"),
        ("gzip", COMPRESSED["gzip"][:-8] + bytes(8), "it is broken"),
        ("deflate, gzip", gzip.compress(b"", mtime=0), "it is truncated"),
    ],
)
async def test_body_that_cannot_be_decompressed_is_an_error(
    server: Server, make_client: MakeClient, tmp_path: Path, method: Method, encoding: str, body: bytes, reason: str
) -> None:
    """It says why."""
    server.default = raw(body, headers={"Content-Encoding": encoding})

    with pytest.raises(ConnectionFailedError, match=f"the response cannot be decompressed: {reason}"):
        await method(make_client(max_retries=0), tmp_path)


@pytest.mark.parametrize("method", METHODS)
async def test_empty_body_stays_empty(server: Server, client: CStarClient, tmp_path: Path, method: Method) -> None:
    """It may have the header, too."""
    server.script(raw(b"", headers={"Content-Encoding": "gzip"}))

    assert b"" == await method(client, tmp_path)


@attrs.define
class Part:
    """An item."""

    text: str


@pytest.mark.parametrize("media", ["application/jsonl", "text/event-stream"])
async def test_half_a_stream_of_items_does_not_end_in_silence(server: Server, client: CStarClient, media: str) -> None:
    """Even if it was cut between two items."""
    item = b'{"text": "a"}\n' if media == "application/jsonl" else b'data: {"text": "a"}\n\n'
    compressor = zlib.compressobj(wbits=31)
    body = compressor.compress(item) + compressor.flush(zlib.Z_SYNC_FLUSH)
    server.script(raw(body, headers={"Content-Encoding": "gzip", "Content-Type": media}))
    items: list[Part] = []

    async with (await client.request("GET", "/items", model=Part, stream=True)).data as stream:
        with pytest.raises(CStarError, match="it is truncated"):
            items.extend([item async for item in stream])
        assert 200 == stream.response.status


async def test_compressed_event_stream_continues_after_a_cut() -> None:
    """With the next connection; what arrived before the cut is an event, as soon as it is flushed."""
    compressor = zlib.compressobj(wbits=31)
    compressed = compressor.compress(message(1)) + compressor.flush(zlib.Z_SYNC_FLUSH)
    async with (
        serve_events(sending(compressed, then="end", headers={"Content-Encoding": "gzip"}), sending(message(2))) as server,
        server.client() as cstar,
        cstar.events() as stream,
    ):
        assert ["evt_1", "evt_2"] == await next_ids(stream, 2)
