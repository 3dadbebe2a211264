"""Validation of requests against the document."""

from __future__ import annotations

import sys
from typing import Any

import orjson
import pytest

from cstar_async._operations.operation import Operation, Parameter
from cstar_async.testing import FakeCStar
from cstar_async.testing._data.spec import Document
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._http.validation import Validation

from .conftest import Caller

THING: dict[str, Any] = {
    "type": "object",
    "required": ["name", "inner"],
    "properties": {
        "name": {"type": "string"},
        "at": {"type": "string", "format": "date-time"},
        "link": {"type": ["string", "null"], "format": "uri"},
        "id": {"type": "string", "format": "uuid"},
        "mail": {"type": ["string", "null"], "format": "email"},
        "inner": {"type": "object", "required": ["deep"], "properties": {"deep": {"type": "array", "items": {"type": "integer"}}}},
    },
}
PARAMETERS = (
    Parameter(name="q", attribute="q", location="query", required=True, schema={"type": "string"}),
    Parameter(name="kinds", attribute="kinds", location="query", schema={"type": "array", "items": {"enum": ["a", "b"]}}),
    Parameter(name="flag", attribute="flag", location="query", schema={"type": "boolean"}),
    Parameter(name="count", attribute="count", location="query", schema={"type": "integer", "minimum": 1}),
)
OPERATION = Operation(
    id="make_thing", namespace="things", name="make", method="POST", path="/things", scope="root", segments=(), shape="object",
    success_status=200, result=None, request="Thing", evidence="documented", parameters=PARAMETERS,
)  # fmt: skip
VALIDATION = Validation(Document({OPERATION.id: OPERATION}, {"Thing": THING}))


def refused_body(value: object) -> APIFailure:
    """Return the failure of a body."""
    with pytest.raises(APIFailure) as caught:
        VALIDATION.body(OPERATION, "application/json", orjson.dumps(value))
    return caught.value


def refused_query(query: str) -> APIFailure:
    """Return the failure of a query."""
    with pytest.raises(APIFailure) as caught:
        VALIDATION.query(OPERATION, query)
    return caught.value


# Bodies


def test_valid_body_is_unchanged() -> None:
    """A valid body is returned unchanged, unknown fields included."""
    body = {
        "name": "a",
        "at": "2026-01-02T03:04:05.678Z",
        "link": None,
        "id": "550e8400-e29b-41d4-a716-446655440000",
        "mail": "a@b.example",
        "inner": {"deep": [1]},
        "new": {"x": 1},
    }
    assert VALIDATION.body(OPERATION, "application/json; charset=utf-8", orjson.dumps(body)) == body


def test_first_missing_field_is_named() -> None:
    """A missing field is reported before an invalid one, in the order of the document."""
    failure = refused_body({"at": 3})
    assert (failure.code, failure.param, failure.message) == ("parameter_missing", "name", "The 'name' field is required.")


def test_missing_field_inside_an_object_is_named_by_its_path() -> None:
    """A nested field is named with its parents."""
    assert refused_body({"name": "a", "inner": {}}).param == "inner.deep"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 3),
        ("at", "yesterday"),
        ("at", "2026-01-02"),
        ("at", "2026-13-02T03:04:05Z"),
        ("at", "2026-01-02T03:04:05"),
        ("link", "no scheme"),
        ("id", "1234"),
        ("mail", "unknown"),
        ("mail", "a b@c"),
        ("inner", []),
    ],
)
def test_invalid_value_is_named(field: str, value: object) -> None:
    """Types and formats are validated; `param` names the field."""
    failure = refused_body({"name": "a", "inner": {"deep": []}, field: value})
    assert (failure.status, failure.code, failure.param) == (400, "parameter_invalid", field)


def test_invalid_value_inside_a_list_is_named_by_its_path() -> None:
    """An item of a list is named by its index."""
    assert refused_body({"name": "a", "inner": {"deep": [1, "x"]}}).param == "inner.deep.1"


def test_first_invalid_field_is_reported() -> None:
    """Of two invalid fields the first in the document is named."""
    assert refused_body({"mail": 1, "at": 2, "name": "a", "inner": {"deep": []}}).param == "at"


def test_long_value_does_not_fill_the_message() -> None:
    """A message stays short for any value."""
    assert len(refused_body({"name": ["x" * 5_000], "inner": {"deep": []}}).message) < 400


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": NaN}'])
async def test_body_that_is_no_json_is_refused(call: Caller, body: bytes) -> None:
    """An empty or malformed body is 400 `invalid_json`."""
    reply = await call("POST", "/tickets", data=body, headers={"Content-Type": "application/json"})
    assert (reply.status, reply.code) == (400, "invalid_json")


@pytest.mark.parametrize(("depth", "status"), [(200, 201), (300, 400), (600, 400)])
async def test_body_that_no_response_could_contain_is_refused(call: Caller, depth: int, status: int) -> None:
    """A stored value that is nested too deeply would break each list and export with it."""
    body = b'{"title": "A", "customFields": {"a": ' + b"[" * depth + b"]" * depth + b"}}"
    reply = await call("POST", "/tickets", data=body, headers={"Content-Type": "application/json"})
    assert reply.status == status
    export = await call("POST", "/export", json={"resources": [{"type": "tickets"}], "format": "json"})
    assert [(await call("GET", "/tickets")).status, export.status] == [200, 200]


@pytest.mark.parametrize("body", [b"[]", b'"a"', b"null", b"3"])
async def test_body_that_is_no_object_is_refused(call: Caller, body: bytes) -> None:
    """JSON that is no object is a 400."""
    reply = await call("POST", "/tickets", data=body, headers={"Content-Type": "application/json"})
    assert (reply.status, reply.code) == (400, "parameter_invalid")


async def test_body_of_another_type_is_refused(call: Caller) -> None:
    """Another content type is a 400, because the document has no 415."""
    reply = await call("POST", "/tickets", data=b'{"title": "a"}', headers={"Content-Type": "text/plain"})
    assert (reply.status, reply.code) == (400, "invalid_content_type")


async def test_enum_is_validated(call: Caller) -> None:
    """An unknown value is refused, and the message has the known ones."""
    error = (await call("POST", "/tickets", {"title": "a", "priority": "huge"})).json["error"]
    assert (error["code"], error["param"]) == ("parameter_invalid", "priority")
    assert "urgent" in error["message"]


async def test_null_is_accepted_where_the_document_has_null(call: Caller) -> None:
    """`notes` can be null, the title cannot."""
    assert (await call("POST", "/tickets", {"title": "a", "notes": None})).status == 201
    assert (await call("POST", "/tickets", {"title": None})).json["error"]["param"] == "title"


async def test_body_of_a_read_is_ignored(call: Caller) -> None:
    """An operation without a body ignores one."""
    assert (await call("GET", "/tickets", data=b"{", headers={"Content-Type": "text/plain"})).status == 200


# Queries


def test_valid_query_is_parsed() -> None:
    """Integers, booleans and comma-separated lists are parsed; unknown parameters are left out."""
    assert VALIDATION.query(OPERATION, "q=%C3%A4+b&kinds=a,b&flag=false&count=12&new=1") == {
        "q": "ä b",
        "kinds": ["a", "b"],
        "flag": False,
        "count": 12,
    }


def test_empty_list_is_empty() -> None:
    """A list parameter without a value is an empty list."""
    assert VALIDATION.query(OPERATION, "q=&kinds=") == {"q": "", "kinds": []}


def test_missing_parameter_is_named() -> None:
    """A missing required parameter is named."""
    failure = refused_query("")
    assert (failure.code, failure.param, failure.message) == ("parameter_missing", "q", "The 'q' parameter is required.")


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("q=a&q=b", "q"),
        ("q=a&kinds=a,c", "kinds"),
        ("q=a&flag=True", "flag"),
        ("q=a&flag=", "flag"),
        ("q=a&count=1.0", "count"),
        ("q=a&count=01", "count"),
        ("q=a&count=%20" + "1", "count"),
        ("q=a&count=1_000", "count"),
        ("q=a&count=0", "count"),
        ("q=a&count=" + "9" * 5_000, "count"),
    ],
)
def test_invalid_parameter_is_named(query: str, param: str) -> None:
    """Parameters are parsed strictly, by schema, and given once."""
    failure = refused_query(query)
    assert (failure.status, failure.code, failure.param) == (400, "parameter_invalid", param)


def test_unknown_parameter_can_be_repeated() -> None:
    """Unknown parameters are ignored."""
    assert VALIDATION.query(OPERATION, "q=a&new=1&new=2") == {"q": "a"}


@pytest.mark.parametrize("query", ["page=0", "pageSize=0", "pageSize=101", "page=x"])
async def test_paging_out_of_range_is_refused(call: Caller, query: str) -> None:
    """Pages start with 1, page sizes are 1 to 100."""
    assert (await call("GET", f"/tickets?{query}")).status == 400


def test_missing_validator_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without jsonschema the error says what to install."""
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(ImportError, match=r"cstar-async\[testing\]"):
        FakeCStar()
