"""Uploads: what is sent, when it is sent again, and what becomes of the files."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import AsyncIterator, Callable
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cstar_async import (
    ConnectionFailedError,
    CStarClient,
    InvalidArgumentError,
    InvalidRequestError,
    RequestOptions,
    RequestTimeoutError,
    ServerError,
)
from cstar_async.files import File, FileInput
from tests.client.conftest import TICKET, MakeClient, Request, ScriptedResponse, Server, cut, failed

CONTENT = bytes(range(256)) * 4000


async def _pieces() -> AsyncIterator[bytes]:
    for start in range(0, len(CONTENT), 100_000):
        yield CONTENT[start : start + 100_000]


class _Unseekable(io.BytesIO):
    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise OSError("it is a pipe")


def _path(folder: Path) -> Path:
    path = folder / "photo.png"
    path.write_bytes(CONTENT)
    return path


def _parts(request: Request) -> dict[str, Any]:
    """Return the parts of a form by name, as the standard library reads them."""
    message = BytesParser().parsebytes(f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode() + request.body)
    return {str(part.get_param("name", header="content-disposition")): part for part in message.get_payload()}  # type: ignore[union-attr]


SOURCES: dict[str, Callable[[Path], FileInput]] = {
    "bytes": lambda _: CONTENT,
    "a path": _path,
    "an open file": lambda folder: _path(folder).open("rb"),
    "a file in memory": lambda _: io.BytesIO(CONTENT),
    "a file that cannot seek": lambda _: _Unseekable(CONTENT),
    "an async iterator": lambda _: _pieces(),
}
REPEATABLE = {"bytes", "a path", "an open file", "a file in memory"}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("owner", ["client", "user"])
async def test_every_byte_arrives(server: Server, make_client: MakeClient, tmp_path: Path, kind: str, owner: str) -> None:
    """Whatever the file comes from; its length is stated where it is known, and a file of the caller stays open."""
    source = SOURCES[kind](tmp_path)

    async with aiohttp.ClientSession() as session:
        client = make_client(session=session if owner == "user" else None)
        response = await client.request("POST", "/files", files={"file": source}, json={"title": "A", "n": 1})

    request = server.requests[0]
    parts = _parts(request)
    assert response.data == TICKET
    assert CONTENT == parts["file"].get_payload(decode=True)
    assert ["title", "n", "file"] == list(parts)
    assert (kind in REPEATABLE) == ("content-length" in request.headers)
    assert "idempotency-key" in request.headers
    if isinstance(source, io.IOBase):
        assert not source.closed
        source.close()


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("failure", [failed(503), cut()])
async def test_retry_sends_the_whole_again_or_not_at_all(
    server: Server, client: CStarClient, tmp_path: Path, kind: str, failure: ScriptedResponse
) -> None:
    """What can be read only once is sent once, and the error says why."""
    server.script(failure)
    source = SOURCES[kind](tmp_path)

    if kind in REPEATABLE:
        await client.request("POST", "/files", files={"file": source})

        first, second = server.requests
        assert first.body == second.body
        assert CONTENT in second.body
        assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    else:
        with pytest.raises((ServerError, ConnectionFailedError), match="not sent again, because file can be read only once"):
            await client.request("POST", "/files", files={"file": source})
        assert 1 == len(server.requests)
    if isinstance(source, io.IOBase):
        source.close()


async def test_open_file_is_sent_from_where_it_is(server: Server, client: CStarClient) -> None:
    """Also by the retry."""
    server.script(failed(503))
    file = io.BytesIO(b"header,body")
    file.seek(7)

    await client.request("POST", "/files", files={"file": file})

    assert [b"body", b"body"] == [_parts(one)["file"].get_payload(decode=True) for one in server.requests]


async def test_iterator_that_was_not_begun_is_sent_by_the_retry(make_client: MakeClient, server: Server) -> None:
    """A connection that could not be made has read nothing of it."""
    client = make_client(base_url="http://127.0.0.1:1", max_retries=1)

    with pytest.raises(ConnectionFailedError) as caught:
        await client.request("POST", "/files", files={"file": _pieces()})

    assert 2 == caught.value.attempts
    assert "read only once" not in str(caught.value)


HOSTILE = 'a"; filename="b.exe\r\nX-Injected: 1\r\n\r\n\x00ö\udcff.txt'


async def test_names_cannot_inject_headers(server: Server, client: CStarClient) -> None:
    """Quotes, line ends and other control characters are percent-encoded, as browsers do; the rest is UTF-8."""
    await client.request("POST", "/files", files={HOSTILE: File(b"1", name=HOSTILE)})

    head, _, rest = server.requests[0].body.partition(b"\r\n\r\n")
    quoted = b"a%22; filename=%22b.exe%0D%0AX-Injected: 1%0D%0A%0D%0A%00\xc3\xb6?.txt"
    assert head.split(b"\r\n")[1:] == [
        b'Content-Disposition: form-data; name="' + quoted + b'"; filename="' + quoted + b'"',
        b"Content-Type: text/plain",
    ]
    assert rest.startswith(b"1\r\n--")


@pytest.mark.parametrize(
    "file",
    [
        File(b"", content_type="text/plain\r\nX-Injected: 1"),
        File(b"", headers={"X-A": "1\r\n\r\n"}),
        File(b"", headers={"X A": "1"}),
        File(b"", headers={"Content-Disposition": "form-data"}),
    ],
)
async def test_headers_of_a_part_cannot_inject(server: Server, client: CStarClient, file: File) -> None:
    """They are refused before anything is sent, without their value."""
    with pytest.raises(InvalidArgumentError) as caught:
        await client.request("POST", "/files", files={"file": file})

    assert [] == server.requests
    assert "Injected" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("photo.png", "file must be bytes, a path, a binary file or an async iterator of bytes, got str; use pathlib.Path"),
        (5, "got int"),
        (io.StringIO("text"), r"file must be a file in binary mode, got one in text mode; open it with open\(path, 'rb'\)"),
        (Path("/nothing/here.png"), "file could not be read: No such file or directory"),
        (Path("/"), "file could not be read: it is a directory"),
        (None, "file must be a file or a list of files, got None"),
    ],
)
async def test_what_is_no_file_is_refused(server: Server, client: CStarClient, value: Any, reason: str) -> None:
    """Before anything is sent, and without the path."""
    with pytest.raises(InvalidArgumentError, match=reason) as caught:
        await client.request("POST", "/files", files={"file": value})

    assert [] == server.requests
    assert "here.png" not in str(caught.value)


async def test_file_and_field_of_one_name_are_refused(server: Server, client: CStarClient) -> None:
    """One of the two would be lost."""
    with pytest.raises(InvalidArgumentError, match=r"^title must be in files or a field of json, got both"):
        await client.request("POST", "/files", files={"title": b"1"}, json={"title": "A"})

    assert [] == server.requests


async def test_lists_and_values_are_parts(server: Server, client: CStarClient) -> None:
    """A list is a part for each item, an object is JSON, and None is left out."""
    files = {"file": [b"1", File(b"2", name="b.bin", content_type="a/b", headers={"X-Note": "n"})]}

    await client.request("POST", "/files", files=files, json={"tags": ["ä", True], "meta": {"a": [1]}, "none": None})

    boundary = server.requests[0].headers["content-type"].partition("boundary=")[2].encode()
    parts = server.requests[0].body.split(b"--" + boundary)
    assert parts == [
        b"",
        b'\r\nContent-Disposition: form-data; name="tags"\r\n\r\n\xc3\xa4\r\n',
        b'\r\nContent-Disposition: form-data; name="tags"\r\n\r\ntrue\r\n',
        b'\r\nContent-Disposition: form-data; name="meta"\r\nContent-Type: application/json\r\n\r\n{"a":[1]}\r\n',
        b'\r\nContent-Disposition: form-data; name="file"; filename="file"\r\nContent-Type: application/octet-stream\r\n\r\n1\r\n',
        b'\r\nContent-Disposition: form-data; name="file"; filename="b.bin"\r\nContent-Type: a/b\r\nX-Note: n\r\n\r\n2\r\n',
        b"--\r\n",
    ]


async def test_boundary_is_another_each_time(server: Server, client: CStarClient) -> None:
    """A file cannot contain it on purpose."""
    for _ in range(2):
        await client.request("POST", "/files", files={"file": b"1"})

    assert server.requests[0].headers["content-type"] != server.requests[1].headers["content-type"]


async def test_progress_is_reported_and_starts_again(server: Server, client: CStarClient, tmp_path: Path) -> None:
    """With the size, if it is known; what the callback raises does not fail the call."""
    server.script(failed(503))
    calls: list[tuple[int, int | None]] = []

    def on_progress(sent: int, size: int | None) -> None:
        calls.append((sent, size))
        raise RuntimeError

    await client.request("POST", "/files", files={"file": File(_path(tmp_path), on_progress=on_progress)})

    half = len(calls) // 2
    assert calls[:half] == calls[half:]
    assert (len(CONTENT), len(CONTENT)) == calls[-1]
    assert sorted(calls[:half]) == calls[:half]


@pytest.mark.parametrize("is_shorter", [True, False])
async def test_file_that_changes_is_sent_as_announced(
    server: Server, client: CStarClient, tmp_path: Path, is_shorter: bool
) -> None:
    """What was appended meanwhile is not sent. A file that became shorter is an error."""
    path = _path(tmp_path)

    def change(sent: int, _: int | None) -> None:
        if sent < len(CONTENT) // 2:
            os.truncate(path, 300_000 if is_shorter else 2 * len(CONTENT))

    call = client.request("POST", "/files", files={"file": File(path, on_progress=change)})

    if is_shorter:
        with pytest.raises(InvalidArgumentError, match="file became shorter while it was sent"):
            await call
    else:
        await call
        assert CONTENT == _parts(server.requests[0])["file"].get_payload(decode=True)


async def test_error_of_an_iterator_ends_the_call(server: Server, client: CStarClient) -> None:
    """It is the cause of an error of this package, and nothing is sent again."""

    async def failing() -> AsyncIterator[bytes]:
        yield b"1"
        raise LookupError("a secret")

    with pytest.raises(InvalidArgumentError, match="file could not be read: LookupError") as caught:
        await client.request("POST", "/files", files={"file": failing()})

    assert isinstance(caught.value.__cause__, LookupError)
    assert "secret" not in str(caught.value)
    assert 1 == caught.value.attempts


@pytest.mark.parametrize("error", [asyncio.CancelledError, type("OwnError", (BaseException,), {})])
async def test_every_exception_of_an_iterator_ends_the_call(
    server: Server, client: CStarClient, error: type[BaseException]
) -> None:
    """At once, with its name; that of a cancelled task for which the iterator waited, too."""

    async def failing() -> AsyncIterator[bytes]:
        yield b"1"
        raise error

    with pytest.raises(InvalidArgumentError, match=f"file could not be read: {error.__name__}"):
        await client.request("POST", "/files", files={"file": failing()})


@pytest.mark.parametrize("is_large", [True, False])
async def test_early_error_is_the_error_of_the_call(server: Server, client: CStarClient, is_large: bool) -> None:
    """A server that refuses a body before its end gives its own error, and the rest is not sent."""
    response = failed(400, message="Too many.")
    server.script(ScriptedResponse((*response.parts, asyncio.Event()), is_early=True))
    source = _endless() if is_large else CONTENT

    with pytest.raises(InvalidRequestError, match=r"Too many\."):
        await client.request("POST", "/files", files={"file": source})


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield bytes(100_000)


def _open_files() -> set[str]:
    return {os.path.realpath(name) for name in Path("/proc/self/fd").iterdir()}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="/proc lists the open files")
@pytest.mark.parametrize("how", ["cancelled", "failed", "done"])
async def test_opened_files_are_closed(server: Server, client: CStarClient, tmp_path: Path, how: str) -> None:
    """However the call ends."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(200_000_000 if how != "done" else 1000)
    if how != "done":
        server.script(ScriptedResponse((asyncio.Event(),), is_early=True))
    reading = asyncio.Event()
    call = asyncio.ensure_future(
        client.request(
            "PUT",
            "/files",
            files={"file": File(path, on_progress=lambda *_: reading.set())},
            options=RequestOptions(timeout=0.3 if how == "failed" else 20, max_retries=0),
        )
    )
    if how == "cancelled":
        await reading.wait()
    if how == "done":
        await call
    elif how == "failed":
        with pytest.raises(RequestTimeoutError):
            await call
    else:
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    for _ in range(100):
        if str(path) not in _open_files():
            break
        await asyncio.sleep(0.01)  # a thread may still read
    assert str(path) not in _open_files()


async def test_timeout_is_for_the_time_without_progress(server: Server, client: CStarClient) -> None:
    """An upload may take longer than `timeout` in all."""

    async def slow() -> AsyncIterator[bytes]:
        for _ in range(10):
            await asyncio.sleep(0.25)
            yield b"1"

    await client.request("POST", "/files", files={"file": slow()}, options=RequestOptions(timeout=2))

    assert 1 == len(server.requests)


async def test_total_timeout_includes_the_upload(server: Server, client: CStarClient) -> None:
    """Progress does not extend it."""

    async def slow() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.02)
            yield b"1"

    with pytest.raises(RequestTimeoutError, match="total_timeout"):
        await client.request("POST", "/files", files={"file": slow()}, options=RequestOptions(total_timeout=0.3))


async def test_files_are_read_in_threads(server: Server, client: CStarClient) -> None:
    """The event loop does not wait for a disk."""
    threads: set[threading.Thread] = set()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            threads.add(threading.current_thread())
            return super().read(size)

    await client.request("POST", "/files", files={"file": Slow(b"1")})

    assert threads
    assert threading.main_thread() not in threads


async def test_fields_beside_files_are_an_object(server: Server, client: CStarClient) -> None:
    """A list has no names."""
    with pytest.raises(InvalidArgumentError, match="json must be a mapping of fields beside files, got list"):
        await client.request("POST", "/files", files={"file": b""}, json=[1])
    with pytest.raises(InvalidArgumentError, match="files must be a mapping of field names to files, got list"):
        await client.request("POST", "/files", files=[b""])  # type: ignore[call-overload]


async def test_extra_body_adds_fields(server: Server, client: CStarClient) -> None:
    """They are fields of the form."""
    await client.request("PUT", "/files", files={"file": b"1"}, options=RequestOptions(extra_body={"a": 1}))

    assert ["a", "file"] == list(_parts(server.requests[0]))
