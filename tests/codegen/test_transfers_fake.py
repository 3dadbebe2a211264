"""Uploads, downloads and streams of an extended package, served by the fake."""

from __future__ import annotations

from pathlib import Path

import pytest

from cstar_async import ServerError
from cstar_async.files import File
from cstar_async.testing import FakeCStar
from tests.codegen.packages import imported, ref
from tests.codegen.private import SCHEMAS, TEAM, bare, enveloped, generate, operation, overlay, update

_BINARY = {"type": "string", "format": "binary"}
_UPLOAD = {"required": True, "content": {"multipart/form-data": {"schema": ref("AttachmentUpload")}}}
_ATTACHMENT = {
    "type": "object",
    "required": ["id", "file"],
    "properties": {"id": {"type": "string"}, "file": {"type": "string"}, "pages": {"type": "integer"}},
}
_ATTACHMENT_UPLOAD = {"type": "object", "required": ["file"], "properties": {"file": _BINARY, "pages": {"type": "integer"}}}
_HERE = {"x-cstar-namespace": "files"}
ATTACHMENTS = overlay(
    update(SCHEMAS, {"Attachment": _ATTACHMENT, "AttachmentUpload": _ATTACHMENT_UPLOAD}),
    operation(f"{TEAM}/attach", enveloped(ref("Attachment")), "post", requestBody=_UPLOAD, **_HERE),
    operation(f"{TEAM}/content", bare(_BINARY, "application/pdf"), **_HERE),
    operation(f"{TEAM}/events", bare(ref("Attachment"), "text/event-stream"), **_HERE),
    operation(f"{TEAM}/lines", bare(ref("Attachment"), "application/jsonl"), **_HERE),
    operation(f"{TEAM}/unknown", bare({}, "application/jsonl"), **_HERE),
)


@pytest.mark.no_cover
async def test_fake_serves_transfers_of_an_extended_package(tmp_path: Path) -> None:
    """It parses forms, returns bytes and items, and says what it cannot."""
    with imported(generate(tmp_path, ATTACHMENTS, name="attached")) as attached:
        async with FakeCStar(package="attached") as fake, fake.client(attached.AttachedClient, max_retries=0) as cstar:
            made = await cstar.files.attach(file=File(b"1", name="a.pdf"), pages=2)
            assert ("a.pdf", 2) == (made.file, made.pages)
            assert b"sample" == await cstar.files.content()
            for method in (cstar.files.events, cstar.files.lines):
                async with method() as stream:
                    assert ["sample"] == [item.file async for item in stream]
            with pytest.raises(ServerError, match="cannot serve unknown"):
                await cstar.files.unknown().__aenter__()
