"""Binary responses: in memory, in a file, in pieces."""

from __future__ import annotations

import asyncio
import errno
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cstar_async import (
    ConnectionFailedError,
    CStarClient,
    CStarError,
    InvalidArgumentError,
    NotFoundError,
    RequestOptions,
    RequestTimeoutError,
    ResponseTooLargeError,
)
from cstar_async._operations.operation import Operation
from cstar_async.files import Download
from tests.client.conftest import MakeClient, ScriptedResponse, Server, cut, failed, raw

CONTENT = bytes(range(256)) * 1000
FILE = Operation(
    id="get_file", namespace="files", name="get", method="GET", path="/api/v1/teams/{teamId}/file", scope="team",
    segments=("/file",), shape="bytes", success_status=200, result=None, evidence="inferred", text="application/pdf",
)  # fmt: skip
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(CONTENT)


def _download(client: CStarClient, **options: Any) -> Download:
    return client.__executor__.download(FILE, options=RequestOptions(**options))


async def _in_memory(download: Download, folder: Path) -> bytes:
    return await download


async def _saved(download: Download, folder: Path) -> bytes:
    return (await download.save(folder / "file.pdf")).read_bytes()


async def _in_pieces(download: Download, folder: Path) -> bytes:
    async with download as stream:
        return b"".join([piece async for piece in stream])


METHODS = [_in_memory, _saved, _in_pieces]
Method = Callable[[Download, Path], Any]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("owner", ["client", "user"])
async def test_body_arrives(server: Server, make_client: MakeClient, tmp_path: Path, method: Method, owner: str) -> None:
    """In each of the three ways, also after a retry, with one connection."""
    server.script(failed(503), raw(CONTENT), raw(b"1"))

    async with aiohttp.ClientSession() as session:
        client = make_client(session=session if owner == "user" else None)
        assert CONTENT == await method(_download(client), tmp_path)
        assert b"1" == await method(_download(client), tmp_path)

    assert 1 == server.connections
    assert ["application/pdf"] * 3 == [request.headers["accept"] for request in server.requests]


@pytest.mark.parametrize("method", METHODS)
async def test_error_status_is_an_error(server: Server, client: CStarClient, tmp_path: Path, method: Method) -> None:
    """Before the first byte all is as for other calls; no file is left."""
    server.script(failed(404))

    with pytest.raises(NotFoundError):
        await method(_download(client), tmp_path)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("method", METHODS)
async def test_compressed_body_is_decompressed(server: Server, client: CStarClient, tmp_path: Path, method: Method) -> None:
    """Even if nobody asked for it."""
    server.script(raw(gzip.compress(CONTENT), headers={"Content-Encoding": "gzip"}))

    assert CONTENT == await method(_download(client), tmp_path)


async def test_cut_download_to_a_file_begins_again(server: Server, client: CStarClient, tmp_path: Path) -> None:
    """The file has the bytes of the second attempt only, and the progress starts again."""
    server.script(cut(HEAD + b"x" * 200_000), raw(b"short"))
    calls: list[tuple[int, int | None]] = []

    path = await _download(client).save(tmp_path / "file", on_progress=lambda done, size: calls.append((done, size)))

    assert b"short" == path.read_bytes()
    assert (5, 5) == calls[-1]
    assert len(CONTENT) == calls[-2][1]
    assert [path] == list(tmp_path.iterdir())


async def test_cut_stream_is_an_error(server: Server, client: CStarClient) -> None:
    """It has the call's data, and is never a silent end."""
    server.script(cut(HEAD + b"x"))

    async with _download(client) as stream:
        assert 200 == stream.response.status
        assert b"x" == await anext(stream)
        with pytest.raises(ConnectionFailedError, match="the connection broke") as caught:
            await anext(stream)

    assert ("get_file", 1) == (caught.value.operation, caught.value.attempts)


@pytest.mark.parametrize("how", ["cancelled", "failed", "too large", "stalled"])
async def test_nothing_is_left_of_a_save_that_failed(server: Server, make_client: MakeClient, tmp_path: Path, how: str) -> None:
    """The file that was there stays as it was."""
    path = tmp_path / "file"
    path.write_bytes(b"before")
    rest: tuple[Any, ...] = () if how == "failed" else (asyncio.Event(),)
    server.script(ScriptedResponse((HEAD + b"x" * 1000, *rest), "close"))
    client = make_client(max_retries=0)
    options = {"timeout": 0.2} if how == "stalled" else {}
    begun = asyncio.Event()
    saving = asyncio.ensure_future(
        _download(client, **options).save(
            path, max_size=len(CONTENT) - 1 if how == "too large" else None, on_progress=lambda *_: begun.set()
        )
    )
    if how == "cancelled":
        await begun.wait()
        assert 2 == len(list(tmp_path.iterdir()))
        saving.cancel()
    errors = {"cancelled": asyncio.CancelledError, "failed": ConnectionFailedError, "stalled": RequestTimeoutError}

    with pytest.raises(errors.get(how, ResponseTooLargeError)):
        await saving

    assert [path] == list(tmp_path.iterdir())
    assert b"before" == path.read_bytes()


@pytest.mark.parametrize(
    ("path", "reason"),
    [("missing/file", "No such file or directory"), ("", "the path is a directory")],
)
async def test_place_that_cannot_be_written_is_an_error_before_the_call(
    server: Server, client: CStarClient, tmp_path: Path, path: str, reason: str
) -> None:
    """It shows no path."""
    with pytest.raises(CStarError, match=f"the file could not be written: {reason}") as caught:
        await _download(client).save(tmp_path / path)

    assert [] == server.requests
    assert str(tmp_path) not in str(caught.value)


async def test_full_disk_is_an_error(server: Server, client: CStarClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not retried."""
    monkeypatch.setattr(Path, "open", lambda *_: _FullFile())
    server.default = raw(CONTENT)

    with pytest.raises(CStarError, match="the file could not be written: No space left on device") as caught:
        await _download(client).save(tmp_path / "file")

    assert 1 == len(server.requests)
    assert 1 == caught.value.attempts


class _FullFile(io.BytesIO):
    def write(self, _: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


async def test_limit_of_memory_does_not_apply_to_files_and_pieces(server: Server, make_client: MakeClient, tmp_path: Path) -> None:
    """`max_response_size` protects the memory, which neither of them needs."""
    server.default = raw(CONTENT)
    client = make_client(max_response_size=1000)

    assert CONTENT == await _saved(_download(client), tmp_path)
    assert CONTENT == await _in_pieces(_download(client), tmp_path)
    with pytest.raises(ResponseTooLargeError):
        await _download(client)


async def test_timeout_is_for_each_read(server: Server, client: CStarClient, tmp_path: Path) -> None:
    """A download may take longer than `timeout` in all; silence may not."""
    events = [asyncio.Event() for _ in range(8)]
    parts = [part for event in events for part in (event, b"x" * 1000)]
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 8000\r\n\r\n"
    server.script(ScriptedResponse((head, *parts)), ScriptedResponse((head, asyncio.Event())))

    async def release() -> None:
        for event in events:
            await asyncio.sleep(0.3)
            event.set()

    releasing = asyncio.ensure_future(release())
    assert 8000 == len(await _saved(_download(client, timeout=2), tmp_path))
    await releasing
    with pytest.raises(RequestTimeoutError, match="in time"):
        await _in_pieces(_download(client, timeout=1, max_retries=0), tmp_path)


async def test_stream_releases_its_connection(server: Server, client: CStarClient) -> None:
    """At the end of the block, read or not; a closed stream does not go on."""
    server.script(ScriptedResponse((HEAD + b"x", asyncio.Event())))

    async with _download(client) as stream:
        assert b"x" == await anext(stream)

    assert [] == [piece async for piece in stream]
    assert b"" == await asyncio.wait_for(_end_of(server), 5)


async def _end_of(server: Server) -> bytes:
    while not server.writers[0].transport.is_closing():
        await asyncio.sleep(0.01)
        server.writers[0].write(b"x")
    return b""


async def test_download_is_used_as_documented(client: CStarClient) -> None:
    """Entering twice and iterating before entering are errors that say what to do."""
    download = _download(client)
    async with download as stream:
        assert stream.response.request_id is None
    with pytest.raises(CStarError, match="call the method again"):
        await download.__aenter__()
    with pytest.raises(CStarError, match="enter it first"):
        await anext(client.__executor__.stream(FILE, None))
    with pytest.raises(InvalidArgumentError, match=r"path must be a str or a pathlib\.Path, got 5"):
        await _download(client).save(5)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="max_size must be an int from 0, got -1"):
        await _download(client).save("a", max_size=-1)


async def test_closed_client_ends_a_stream(server: Server, client: CStarClient) -> None:
    """A reader that waits is woken."""
    server.script(ScriptedResponse((HEAD, asyncio.Event())))
    async with _download(client) as stream:
        reading = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        await client.aclose()

        with pytest.raises(CStarError, match="closed"):
            await reading


async def test_response_of_a_download(server: Server, client: CStarClient) -> None:
    """`with_response` works as for other methods."""
    server.script(raw(CONTENT, 206))

    response = await client.with_response(_download, client)

    assert (206, CONTENT) == (response.status, response.data)


@pytest.mark.parametrize(
    "path", ["", ".", "a\0b", "\ud83c", "x" * 5000], ids=["empty", "a folder", "NUL", "half a surrogate pair", "long"]
)
async def test_path_that_no_file_can_have_is_refused(client: CStarClient, tmp_path: Path, path: str) -> None:
    """By an error of the package, before anything is sent."""
    with pytest.raises(CStarError):
        await _download(client).save(path if path in {"", "."} else tmp_path / path)


async def test_progress_that_is_no_function_is_refused(client: CStarClient, tmp_path: Path) -> None:
    """Not after the first byte."""
    with pytest.raises(InvalidArgumentError, match="on_progress must be a function, got int"):
        await _download(client).save(tmp_path / "a", on_progress=5)  # type: ignore[arg-type]


async def test_folder_that_becomes_a_file_is_an_error_of_the_package(server: Server, client: CStarClient, tmp_path: Path) -> None:
    """Neither moving nor removing what was written raises an error of Python."""
    server.script(raw(CONTENT))
    folder = tmp_path / "folder"
    folder.mkdir()

    def replace_folder(done: int, _: int | None) -> None:
        if done == len(CONTENT):
            folder.rename(tmp_path / "moved")
            folder.touch()

    with pytest.raises(CStarError, match="the file could not be written: Not a directory"):
        await _download(client).save(folder / "file.pdf", on_progress=replace_folder)
