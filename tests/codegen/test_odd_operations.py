"""Paths, keys and responses that few documents have."""

from __future__ import annotations

from pathlib import Path

import pytest

from codegen.spec.document import Node
from tests.codegen.packages import Stub, document, generate_package, imported, returns

TEXT: Node = {"type": "string"}
FILTER: Node = {"name": "filter", "in": "query", "schema": TEXT}


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/caf\u00e9", "/caf%C3%A9"),
        ("/two words", "/two%20words"),
        ("/50%25/a:b", "/50%25/a:b"),
        ("/list?kind=all", "/list?kind=all"),
    ],
)
async def test_fixed_parts_of_a_path_are_encoded(tmp_path: Path, path: str, sent: str) -> None:
    """HTTP has no other characters. Escapes and a query stay as they are."""
    operation: Node = {"operationId": "get", "tags": ["things"], "responses": returns(TEXT)}
    package = generate_package(tmp_path, "encoded", document({path: {"get": operation}}))

    with imported(package) as module:
        async with Stub() as stub, getattr(module, module.__all__[0])(base_url=stub.url) as client:
            stub.set("x")
            await client.things.get()

    assert f"GET {sent}" == stub.last


def test_path_with_a_query_takes_no_more_parameters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There would be two question marks, so the operation is left out."""
    operation: Node = {"parameters": [FILTER], "responses": returns(TEXT)}

    generate_package(tmp_path, "queries", document({"/list?kind=all": {"get": operation}}))

    assert "left out: its path has a query, to which the client adds no parameters." in capsys.readouterr().err


@pytest.mark.parametrize("location", ["header", "cookie"])
def test_key_without_a_legal_name_is_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str], location: str) -> None:
    """A request with it would be malformed."""
    scheme = {"type": "apiKey", "in": location, "name": "bad name"}
    operation: Node = {"security": [{"key": []}], "responses": returns(TEXT)}
    raw = document({"/p": {"get": operation}}, components={"securitySchemes": {"key": scheme}})

    generate_package(tmp_path, "keys", raw)

    assert "left out: it needs the security scheme `key`, which the client cannot use." in capsys.readouterr().err


OBJECT: Node = {"type": "object", "properties": {"from": {"type": "integer"}, "to": TEXT}}


@pytest.mark.parametrize(
    ("parameter", "sent"),
    [
        ({"in": "header", "schema": OBJECT}, {"X-Range": "from,1,to,b"}),
        ({"in": "header", "schema": OBJECT, "explode": True}, {"X-Range": "from=1,to=b"}),
        ({"in": "header", "content": {"application/json": {"schema": OBJECT}}}, {"X-Range": '{"from":1,"to":"b"}'}),
        ({"in": "header", "schema": {"oneOf": [OBJECT, TEXT]}}, {"X-Range": "from,1,to,b"}),
        ({"in": "cookie", "schema": OBJECT, "explode": False}, {"Cookie": "X-Range=from%2C1%2Cto%2Cb"}),
    ],
)
async def test_objects_are_sent_in_headers_and_cookies(tmp_path: Path, parameter: Node, sent: dict[str, str]) -> None:
    """As the style says, and nothing without a value."""
    given: Node = {"name": "X-Range", **parameter}
    operation: Node = {"operationId": "get", "tags": ["things"], "parameters": [given], "responses": returns(TEXT)}
    package = generate_package(tmp_path, "ranges", document({"/p": {"get": operation}}))

    with imported(package) as module:
        async with Stub() as stub, getattr(module, module.__all__[0])(base_url=stub.url) as client:
            stub.set("x")
            await client.things.get(x_range={"from": 1, "to": "b"})
            await client.things.get()

    assert sent.items() <= stub.requests[0][1].items()
    assert not sent.keys() & stub.requests[1][1].keys()
