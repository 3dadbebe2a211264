"""Uploads, downloads and streams of generated packages."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from email.parser import BytesParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from codegen.spec.document import Node
from cstar_async import Response
from cstar_async.errors import InvalidArgumentError
from cstar_async.files import Download, File, ServerSentEvent, Stream
from tests.codegen.packages import Stub, document, generate_package, imported, ref, returns, takes

_BINARY = {"type": "string", "format": "binary"}
_FORM = {
    "type": "object",
    "description": "A file with what belongs to it.",
    "required": ["file", "title"],
    "properties": {
        "file": {**_BINARY, "description": "What is uploaded, at most 5 MB."},
        "title": {"type": "string", "maxLength": 20},
        "photos": {"type": "array", "items": ref("Blob")},
        "raw": {},
        "picture": {"type": "string", "contentMediaType": "image/png"},
        "icon": {"type": "string"},
        "either": {"oneOf": [_BINARY, {"type": "string", "format": "uri"}]},
        "text": {"type": "string", "contentMediaType": "image/png", "contentEncoding": "base64"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "meta": {"type": "object", "properties": {"fileName": {"type": "string"}}},
        "note": {"type": "string"},
        "mood": {"type": "string", "enum": ["good", "bad"]},
        "public": {"type": "boolean"},
        "id": {"type": "string", "readOnly": True},
    },
}
_ENCODING = {"icon": {"contentType": "image/png, image/gif"}, "note": {"contentType": "application/json"}}
_PART = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
PATHS: Node = {
    "/files": {
        "post": {
            "operationId": "upload",
            "tags": ["files"],
            "requestBody": {
                "required": True,
                "content": {"multipart/form-data": {"schema": _FORM, "encoding": _ENCODING}},
            },
            "responses": returns(ref("Part")),
        }
    },
    "/shared": {
        "post": {
            "operationId": "uploadShared",
            "tags": ["files"],
            "requestBody": {
                "content": {
                    "application/x-www-form-urlencoded": {"schema": ref("Shared")},
                    "multipart/form-data": {"schema": ref("Shared")},
                }
            },
            "responses": returns(ref("Shared")),
        }
    },
    "/raw": {
        "put": {
            "operationId": "putRaw",
            "tags": ["files"],
            "requestBody": takes(_BINARY, "image/png"),
            "responses": returns(None, "204"),
        },
        "patch": {
            "operationId": "patchRaw",
            "tags": ["files"],
            "requestBody": takes(_BINARY, "*/octet-stream", required=False),
            "responses": returns(None, "204"),
        },
    },
    "/files/{id}": {
        "get": {
            "operationId": "content",
            "tags": ["files"],
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "responses": returns(_BINARY, media="application/pdf"),
        }
    },
    "/render": {
        "post": {
            "operationId": "render",
            "tags": ["files"],
            "requestBody": takes(ref("Part")),
            "responses": returns(_BINARY, media="image/png"),
        }
    },
    "/events": {
        "post": {
            "operationId": "typed",
            "tags": ["chat"],
            "requestBody": takes(ref("Part")),
            "responses": returns(ref("Part"), media="text/event-stream"),
        },
        "get": {"operationId": "untyped", "tags": ["chat"], "responses": returns({"type": "string"}, media="text/event-stream")},
    },
    "/lines": {
        "get": {
            "operationId": "lines",
            "tags": ["chat"],
            "responses": returns({"type": "array", "items": ref("Part")}, media="application/x-ndjson"),
        },
        "put": {"operationId": "anyLines", "tags": ["chat"], "responses": returns({}, media="application/jsonl")},
    },
    "/items": {
        "get": {
            "operationId": "items",
            "tags": ["chat"],
            "responses": {
                "200": {"description": "It.", "content": {"application/json-seq": {"itemSchema": {"type": "integer"}}}},
            },
        },
        "put": {
            "operationId": "framed",
            "tags": ["chat"],
            "responses": {
                "200": {
                    "description": "It.",
                    "content": {
                        "text/event-stream": {
                            "itemSchema": {
                                "type": "object",
                                "properties": {
                                    "event": {"type": "string"},
                                    "data": {"type": "string", "contentSchema": ref("Part")},
                                },
                            }
                        }
                    },
                }
            },
        },
    },
}
SCHEMAS: Node = {
    "Part": _PART,
    "Blob": _BINARY,
    "Shared": {"type": "object", "properties": {"data": _BINARY, "name": {"type": "string"}}},
}
CALLER = """
from pathlib import Path
from typing import assert_type
from cstar_async import JSON, Response
from cstar_async.files import Download, File, ServerSentEvent, Stream
from transfers import ZooClient
from transfers.models import Part

async def use(client: ZooClient) -> None:
    part = await client.files.upload(file=b"1", title="a", photos=[Path("a"), File(b"2")], meta={"a": 1}, mood="good")
    assert_type(part, Part)
    await client.files.upload(file=Path("a").open("rb"), title="a", picture=None or b"", either="https://a.b", public=True)
    await client.files.put_raw(body=Path("a"))
    await client.files.patch_raw()
    assert_type(client.files.content("a"), Download)
    assert_type(await client.files.content("a"), bytes)
    assert_type(await client.with_response(client.files.content, "a"), Response[bytes])
    async with client.files.render(text="a") as stream:
        async for piece in stream:
            assert_type(piece, bytes)
    async with client.chat.typed(text="a") as events:
        assert_type(await anext(events), Part)
    assert_type(client.chat.untyped(), Stream[ServerSentEvent])
    assert_type(client.chat.any_lines(), Stream[JSON])
    assert_type(client.chat.items(), Stream[int])
"""
WRONG = """
from transfers import ZooClient

async def use(client: ZooClient) -> None:
    await client.files.upload(file="path", title="a")
    await client.files.upload(title="a")
    await client.files.put_raw(body=5)
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate the package."""
    return generate_package(tmp_path_factory.mktemp("transfers"), "transfers", document(PATHS, SCHEMAS), "--client", "ZooClient")


@pytest.fixture(scope="module")
def transfers(package: Path) -> Iterator[ModuleType]:
    """Import the package."""
    with imported(package) as module:
        yield module


def _parts(stub: Stub) -> dict[str, list[Any]]:
    """Return the parts of the last request by name."""
    _, headers, body = stub.requests[-1]
    message = BytesParser().parsebytes(f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + body)
    found: dict[str, list[Any]] = {}
    for part in message.get_payload():
        found.setdefault(str(part.get_param("name", header="content-disposition")), []).append(part)  # type: ignore[union-attr]
    return found


async def test_each_field_is_a_part_of_its_type(transfers: ModuleType, tmp_path: Path) -> None:
    """Files, plain values, lists and JSON; content types are those of the document, of the caller, or of the file name."""
    path = tmp_path / "photo.gif"
    path.write_bytes(b"GIF")

    async def pieces() -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"c"

    async with Stub() as stub, transfers.ZooClient(base_url=stub.url) as client:
        stub.set({"text": "done"})
        done = await client.files.upload(
            file=path, title="ä", photos=[io.BytesIO(b"1"), File(b"2", name="2.png", content_type="image/x")],
            raw=pieces(), picture=b"3", icon=b"4", either=b"5", text="AAAA", tags=["a", "b"], meta={"fileName": "x"},
            note="n", mood="good", public=False,
        )  # fmt: skip
        parts = _parts(stub)

    assert "done" == done.text
    payloads = {name: [part.get_payload(decode=True) for part in found] for name, found in parts.items()}
    assert payloads == {
        "file": [b"GIF"], "title": ["ä".encode()], "photos": [b"1", b"2"], "raw": [b"abc"], "picture": [b"3"], "icon": [b"4"],
        "either": [b"5"], "text": [b"AAAA"], "tags": [b"a", b"b"], "meta": [b'{"fileName":"x"}'], "note": [b'"n"'],
        "mood": [b"good"], "public": [b"false"],
    }  # fmt: skip
    types = {name: [part["Content-Type"] for part in found] for name, found in parts.items()}
    assert ["image/gif"] == types["file"]
    assert ["application/octet-stream", "image/x"] == types["photos"]
    assert ["image/png"] == types["picture"] or ["application/octet-stream"] == types["picture"]
    assert ["application/octet-stream"] == types["icon"]
    assert ["application/json"] == types["meta"] == types["note"]
    assert [None] == types["title"]
    assert ["photo.gif", "2.png"] == [parts["file"][0].get_filename(), parts["photos"][1].get_filename()]


async def test_str_for_a_file_is_refused(transfers: ModuleType) -> None:
    """It could be a path or the content; a field that takes either is sent as it is."""
    async with Stub() as stub, transfers.ZooClient(base_url=stub.url) as client:
        with pytest.raises(InvalidArgumentError, match="file must be bytes, a path"):
            await client.files.upload(file="photo.png", title="a")
        assert [] == stub.requests
        await client.files.upload(file=b"", title="a", either="https://example.com")
        assert b"https://example.com" == _parts(stub)["either"][0].get_payload(decode=True)


async def test_schema_of_a_form_may_be_that_of_a_response(transfers: ModuleType) -> None:
    """The form has a class of its own, which takes a file where the response has a str."""
    async with Stub() as stub, transfers.ZooClient(base_url=stub.url) as client:
        stub.set({"data": "text", "name": "n"})
        assert "text" == (await client.files.upload_shared(data=b"1", name="n")).data
        assert ["data", "name"] == list(_parts(stub))


async def test_body_may_be_a_file(transfers: ModuleType, tmp_path: Path) -> None:
    """Its content type is that of the document, or of the file, if the document has none that can be sent."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"123")
    async with Stub() as stub, transfers.ZooClient(base_url=stub.url) as client:
        stub.set(b"", 204)
        await client.files.put_raw(body=path)
        await client.files.patch_raw(body=File(b"4", content_type="text/x"))
        await client.files.patch_raw()

    assert [("image/png", b"123"), ("text/x", b"4")] == [(one[1]["Content-Type"], one[2]) for one in stub.requests[:2]]
    assert "3" == stub.requests[0][1]["Content-Length"]
    assert b"" == stub.requests[2][2]


async def test_binary_response_is_a_download(transfers: ModuleType, tmp_path: Path) -> None:
    """In memory, in a file, in pieces, and with its response."""
    async with Stub() as stub, transfers.ZooClient(base_url=stub.url) as client:
        stub.set(b"\x00\xff", media="application/pdf")
        assert b"\x00\xff" == await client.files.content("a/b")
        assert ("GET /files/a%2Fb", "application/pdf") == (stub.last, stub.requests[-1][1]["Accept"])
        assert tmp_path / "x" == await client.files.content("a").save(tmp_path / "x")
        assert b"\x00\xff" == (tmp_path / "x").read_bytes()
        async with client.files.render(text="a") as stream:
            assert b"\x00\xff" == b"".join([piece async for piece in stream])
        assert b'{"text":"a"}' == stub.requests[-1][2]
        response: Response[bytes] = await client.with_response(client.files.content, "a")
        assert b"\x00\xff" == response.data


async def test_items_of_a_stream_have_their_type(transfers: ModuleType) -> None:
    """Server-sent events and JSON lines, with the type of the document, or without one."""
    part = transfers.models.Part(text="a")
    cases: list[tuple[str, bytes, str, list[object]]] = [
        ("typed", b'data: {"text": "a"}\n\ndata: [DONE]\n\n', "text/event-stream", [part]),
        ("framed", b'event: x\ndata: {"text": "a"}\n\n', "text/event-stream", [part]),
        ("untyped", b"event: e\nid: 1\ndata: x\n\n", "text/event-stream", [ServerSentEvent("x", "e", "1")]),
        ("lines", b'{"text": "a"}\n{"text": "a"}', "application/x-ndjson", [part, part]),
        ("any_lines", b'1\n"b"\n', "application/jsonl", [1, "b"]),
        ("items", b"\x1e1\n\x1e2\n", "application/json-seq", [1, 2]),
    ]
    async with Stub() as stub, transfers.ZooClient(base_url=stub.url) as client:
        for name, body, media, items in cases:
            stub.set(body, media=media)
            arguments = {"text": "q"} if name == "typed" else {}
            stream: Stream[object] = getattr(client.chat, name)(**arguments)
            async with stream:
                assert items == [item async for item in stream], name
            assert media == stub.requests[-1][1]["Accept"]


async def test_docstrings_say_how_files_are_used(transfers: ModuleType) -> None:
    """Beside the words of the document."""
    upload, content, typed = transfers.api.upload.__doc__, transfers.api.content.__doc__, transfers.api.typed.__doc__

    assert "What is uploaded, at most 5 MB." in upload
    assert 'file=Path("file.bin")' in upload
    assert "`save()` it to a file" in content
    assert "async with client.chat.typed" in typed


@pytest.mark.parametrize(("code", "errors"), [(CALLER, 0), (WRONG, 3)])
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_checkers_know_the_types(package: Path, checker: str, code: str, errors: int) -> None:
    """Of arguments, results and items."""
    caller = package.parent / f"caller_{errors}.py"
    caller.write_text(code, encoding="utf-8")
    command = ["mypy", "--strict"] if checker == "mypy" else ["pyright", "--pythonpath", sys.executable]
    module = [sys.executable, "-m", *command, str(caller)]
    done = subprocess.run(module, cwd=package.parent, capture_output=True, text=True, check=False, timeout=120)

    lines = [line for line in done.stdout.splitlines() if " error: " in line or " - error: " in line]
    assert errors == len(lines), done.stdout


def test_nothing_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No operation, and no note but that on what is chosen."""
    generate_package(tmp_path, "noted", document(PATHS, SCHEMAS))

    assert "left out" not in capsys.readouterr().err


def test_download_is_awaitable_once_per_call() -> None:
    """Nothing is sent before."""
    calls: list[int] = []

    async def read() -> bytes:
        calls.append(1)
        return b""

    async def use() -> None:
        download = Download(read, lambda _: asyncio.sleep(0), lambda: Stream(None))  # type: ignore[arg-type]
        assert [] == calls
        await download
        await download
        assert [1, 1] == calls

    asyncio.run(use())
