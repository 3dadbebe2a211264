"""Unions of objects without a tag, and results of several kinds: each object is decoded to the class that it is sure to be."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from codegen.__main__ import DONE, main
from codegen.spec.document import Node
from cstar_async.hooks import DriftInfo, Hooks
from tests.codegen.packages import Stub, document, generate_package, imported, ref, returns, takes

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


def _model(*required: str, **properties: Node) -> Node:
    return {"type": "object", "required": list(required), "properties": properties}


SCHEMAS: Node = {
    "Person": _model("id", "name", id=TEXT, name=TEXT, age=NUMBER),
    "Company": _model("id", "vat", id=TEXT, vat=TEXT),
    "Card": _model("id", id=TEXT, brand=TEXT),
    "Gone": _model("id", "deleted", id=TEXT, deleted={"type": "boolean", "enum": [True]}),
    "Live": _model("id", "deleted", id=TEXT, deleted={"const": False}, name=TEXT),
    "Small": _model("size", size={"enum": [1, 2]}),
    "Large": _model("size", size={"enum": [10, 20]}),
    "Loose": {"type": "object", "properties": {"id": TEXT, "name": TEXT}},
    "Secret": _model("id", "password", id=TEXT, password={"type": "string", "writeOnly": True}),
    "A": _model("kind", kind={"const": "a"}),
    "B": _model("kind", kind={"const": "b"}),
    "Other": _model("id", id=TEXT, name=TEXT),
}


def _one_of(*names: str) -> Node:
    return {"oneOf": [ref(name) for name in names]}


TAGGED = {**_one_of("A", "B"), "discriminator": {"propertyName": "kind"}}
FIELDS: dict[str, Node] = {
    "holder": _one_of("Person", "Company"),
    "general": _one_of("Card", "Person", "Company"),
    "deletable": _one_of("Gone", "Live"),
    "sized": _one_of("Small", "Large"),
    "expandable": {"anyOf": [TEXT, ref("Person"), ref("Gone"), {"type": "null"}]},
    "several": {"type": "array", "items": _one_of("Person", "Company")},
    "unsure": _one_of("Loose", "Person"),
    "alike": _one_of("Card", "Other"),
    "secretive": _one_of("Secret", "Card"),
    "count": {"oneOf": [NUMBER, {"type": "null"}]},
    "tagged": TAGGED,
    "other": TAGGED,
    "third": TAGGED,
}
ACCOUNT = {"type": "object", "properties": FIELDS}
PATHS: Node = {
    "/accounts": {
        "post": {
            "operationId": "add",
            "tags": ["accounts"],
            "requestBody": takes(ref("Account")),
            "responses": returns(ref("Account")),
        },
    },
    "/started": {
        "get": {
            "operationId": "start",
            "tags": ["accounts"],
            "responses": {
                **returns(ref("Person")),
                **returns(ref("Card"), "202"),
                **returns({"type": "array", "items": ref("Person")}, "203"),
                **returns({"type": "string", "enum": ["late"]}, "2XX"),
            },
        }
    },
    "/maybe": {
        "get": {
            "operationId": "maybe",
            "tags": ["accounts"],
            "responses": {**returns(ref("Card")), **returns(ref("Other"), "201"), **returns(None, "204")},
        }
    },
    "/one": {"get": {"operationId": "one", "tags": ["accounts"], "responses": returns(_one_of("Person", "Company"))}},
}
DOCUMENT = document(PATHS, {**SCHEMAS, "Account": ACCOUNT})


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Return the package."""
    with imported(generate_package(tmp_path_factory.mktemp("unions"), "untagged", DOCUMENT)) as found:
        yield found


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    """Return a server."""
    async with Stub() as stub:
        yield stub


@pytest.fixture
async def client(package: Any, stub: Stub) -> AsyncIterator[Any]:
    """Return a client for the server."""
    async with package.ZooClient(base_url=stub.url, max_retries=0) as client:
        yield client


DECODED: list[tuple[str, Any, str]] = [
    ("holder", {"id": "1", "name": "n"}, "Person"),
    ("holder", {"id": "1", "vat": "v", "new": 1}, "Company"),
    ("holder", {"id": "1"}, "dict"),
    ("holder", {}, "dict"),
    ("holder", "text", "str"),
    ("general", {"id": "1", "vat": "v"}, "Company"),
    ("general", {"id": "1", "brand": "b"}, "Card"),
    ("deletable", {"id": "1", "deleted": True}, "Gone"),
    ("deletable", {"id": "1", "deleted": False, "name": "n"}, "Live"),
    ("deletable", {"id": "1", "deleted": [1]}, "dict"),
    ("sized", {"size": 2}, "Small"),
    ("sized", {"size": 10}, "Large"),
    ("sized", {"size": 5}, "dict"),
    ("expandable", "p1", "str"),
    ("expandable", {"id": "1", "name": "n"}, "Person"),
    ("expandable", {"id": "1", "deleted": True}, "Gone"),
    ("expandable", None, "NoneType"),
    ("unsure", {"id": "1", "name": "n"}, "dict"),
    ("alike", {"id": "1"}, "dict"),
    ("secretive", {"id": "1"}, "dict"),
]


@pytest.mark.parametrize(("field", "value", "kind"), DECODED)
async def test_object_is_of_the_class_that_it_is_sure_to_be(client: Any, stub: Stub, field: str, value: Any, kind: str) -> None:
    """What is none of them, or not surely one, stays as it arrived."""
    stub.set({field: value})
    found = getattr(await client.accounts.add(), field)
    assert kind == type(found).__name__
    assert kind not in ("dict", "str") or value == found


async def test_items_and_results_are_decoded_too(client: Any, stub: Stub) -> None:
    """Each by itself."""
    stub.set({"several": [{"id": "1", "vat": "v"}, {"id": "2", "name": "n"}, 3]})
    assert ["Company", "Person", "int"] == [type(one).__name__ for one in (await client.accounts.add()).several]
    stub.set({"id": "1", "vat": "v"})
    assert "Company" == type(await client.accounts.one()).__name__


class _Drift(Hooks):
    def __init__(self) -> None:
        self.places: list[str] = []

    def on_drift(self, info: DriftInfo) -> None:
        self.places.append(f"{info.kind} {info.where}")


async def test_drift_is_found_beside_unions_alone(package: Any, stub: Stub) -> None:
    """Which alternative a value has to follow is not sure; a tag is."""
    stub.set({"holder": {"id": 1}, "expandable": 7, "count": "n", "tagged": {"kind": 3}, "other": {"kind": "c"}, "third": {}})
    hook = _Drift()
    async with package.ZooClient(base_url=stub.url, hooks=[hook]) as client:
        await client.accounts.add()
    tags = ["wrong_type $.data.tagged.kind", "unknown_value $.data.other.kind", "missing $.data.third.kind"]
    assert ["wrong_type $.data.count", *tags] == hook.places


async def test_members_are_sent_as_they_are(client: Any, package: Any, stub: Stub) -> None:
    """As an object of a class, or as a mapping."""
    stub.set({})
    person = package.models.Person(id="1", name="n")
    await client.accounts.add(holder=person, general={"id": "2", "vat": "v"}, expandable=person, several=[person, {"id": "3"}])
    sent = {"id": "1", "name": "n"}
    assert {"holder": sent, "general": {"id": "2", "vat": "v"}, "expandable": sent, "several": [sent, {"id": "3"}]} == json.loads(
        stub.requests[-1][2]
    )


STATUSES: list[tuple[str, int, Any, str]] = [
    ("start", 200, {"id": "1", "name": "n"}, "Person"),
    ("start", 202, {"id": "1"}, "Card"),
    ("start", 203, [{"id": "1", "name": "n"}], "list"),
    ("start", 206, "late", "StartResponse"),
    ("start", 202, "odd", "str"),
    ("maybe", 200, {"id": "1"}, "Card"),
    ("maybe", 201, {"id": "1"}, "Other"),
    ("maybe", 204, b"", "NoneType"),
    ("maybe", 206, {"id": "1"}, "dict"),
]


@pytest.mark.parametrize(("method", "status", "body", "kind"), STATUSES)
async def test_result_is_decoded_by_its_status(client: Any, stub: Stub, method: str, status: int, body: Any, kind: str) -> None:
    """A status that the document does not list gives the JSON as it arrived."""
    stub.set(body, status)
    found = await getattr(client.accounts, method)()
    assert kind == type(found).__name__
    if kind == "list":
        assert "Person" == type(found[0]).__name__


def test_what_is_not_sure_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing else is."""
    generate_package(tmp_path, "noted", DOCUMENT)
    noted = [line.partition(": the objects")[0] for line in capsys.readouterr().err.splitlines() if "stay dicts" in line]
    assert ["unsure (and 2 more)"] == [place.rpartition("/")[2] for place in noted]


@pytest.mark.soak
def test_package_passes_both_type_checkers(tmp_path: Path) -> None:
    """With the types that arrive."""
    path = tmp_path / "api.json"
    path.write_text(json.dumps(DOCUMENT))
    assert DONE == main(["--document", str(path), "--output", str(tmp_path / "checked")])
