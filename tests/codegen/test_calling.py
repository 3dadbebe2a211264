"""Every operation of a generated package reaches its path, and its response becomes the annotated types."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codegen.spec.document import Node
from tests.codegen.calling import call_all
from tests.codegen.changes.document_rows import pets
from tests.codegen.changes.running import write_package
from tests.codegen.packages import Stub, document, imported, returns, takes
from tests.codegen.zoo import ZOO

_FIELDS = {name: {"type": "string"} for name in ("body", "options", "client", "id", "title", "idempotency_key")}
_BODY = takes({"type": "object", "required": ["title"], "properties": _FIELDS})
CLASHES = document({"/notes/{id}": {"put": {"operationId": "put", "requestBody": _BODY, "responses": returns(None, "204")}}})
_FILE = {"type": "string", "format": "binary"}
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": _FILE,
        "more": {"type": "array", "items": _FILE},
        "rows": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        "at": {"type": "string", "format": "date-time"},
    },
}
FILES = document(
    {
        "/form": {"post": {"operationId": "send", "requestBody": takes(_FORM, "multipart/form-data"), "responses": returns({})}},
        "/file": {"put": {"operationId": "put", "requestBody": takes(_FILE, "image/png"), "responses": returns(None, "204")}},
        "/pages": {
            "get": {
                "operationId": "list",
                "parameters": [{"name": "offset", "in": "query", "schema": {"type": "integer"}}],
                "responses": returns(
                    {
                        "type": "object",
                        "properties": {
                            "total": {"type": "integer"},
                            "rows": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
                        },
                    }
                ),
            }
        },
    }
)
DOCUMENTS: dict[str, Node] = {"pets": pets(), "zoo": ZOO, "names that clash": CLASHES, "files": FILES}


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_every_operation_can_be_called(tmp_path: Path, name: str) -> None:
    """With a value for each argument, made from the schemas of the document."""
    raw = json.loads(json.dumps(DOCUMENTS[name]))
    write_package(tmp_path, "called", raw)

    with imported(tmp_path / "called") as package:
        async with Stub() as stub:
            report = await call_all(package, raw, stub)

    assert [] == report.faults
    assert len(package.__all__) <= sum(report.called.values())
