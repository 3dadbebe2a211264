"""The library's reading is held against the document, whatever the library says of itself."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from codegen import parser as parsing
from codegen.errors import CodegenError
from codegen.ir.build import build_ir
from codegen.parser import GeneratorData, parse
from codegen.spec.document import Document
from tests.codegen.documents import TICKETS, operation, reading, real, schema


def _problems(raw: dict[str, Any]) -> list[str]:
    with pytest.raises(CodegenError) as caught:
        parse(Document(raw))
    return [str(problem) for problem in caught.value.problems]


def test_complaint_of_the_library_stops_the_run() -> None:
    """A warning of the library is an error here, at the place it speaks of."""
    raw = real()
    schema(raw, "Ticket")["properties"]["tags"] = {"type": "array"}

    assert any(
        problem.startswith("#/components/schemas/Ticket: openapi-python-client reports: Unable to process schema")
        for problem in _problems(raw)
    )


def test_operation_that_the_library_skips_stops_the_run() -> None:
    """A complaint about an operation is placed at that operation."""
    raw = real()
    operation(raw, TICKETS, "get")["parameters"].append(
        {"name": "X-When", "in": "header", "schema": {"type": "array", "items": {}}}
    )

    assert any(problem.startswith("#/paths/~1api~1v1~1teams~1{teamId}~1tickets/get: ") for problem in _problems(raw))


def test_unplaced_complaint_stops_the_run() -> None:
    """A complaint without a place is told all the same."""
    assert "#" == parsing._pointer_in("something is wrong")


def test_document_that_the_library_refuses_stops_the_run() -> None:
    """The library's refusal of a whole document is one sentence."""
    raw = real()
    raw["info"] = []

    assert ["#: openapi-python-client cannot read the document"] == [problem.rpartition(": ")[0][:49] for problem in _problems(raw)]


def test_crash_of_the_library_is_a_sentence() -> None:
    """Where the library raises, the author gets no traceback."""
    raw = real()
    schema(raw, "TicketStatus")["enum"] = ["a", "A"]

    assert any(
        problem.startswith("#: openapi-python-client cannot read the document: ValueError: Duplicate key")
        for problem in _problems(raw)
    )


def test_parameter_that_the_library_drops_is_missed() -> None:
    """The census counts parameters: the library passes over one without a schema."""
    raw = real()
    operation(raw, TICKETS, "get")["parameters"].append({"name": "x", "in": "query", "content": {"application/json": {}}})

    assert ["the document has 11 parameters here and openapi-python-client found 10."] == [
        problem.partition(": ")[2] for problem in _problems(raw)
    ]


def test_operation_and_schema_that_vanish_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The census holds operations and schemas against the document by name."""
    read = GeneratorData.from_dict

    def forgetful(data: dict[str, Any], **more: Any) -> Any:
        found = read(data, **more)
        assert isinstance(found, GeneratorData)
        found.models = [model for model in found.models if model.class_info.name != "Tag"]
        for tag in found.endpoint_collections_by_tag.values():
            tag.endpoints = [endpoint for endpoint in tag.endpoints if endpoint.name != "whoami"]
        return found

    monkeypatch.setattr(GeneratorData, "from_dict", forgetful)

    assert [
        "#/paths/~1api~1v1~1auth~1whoami/get: openapi-python-client lost the operation `whoami`.",
        "#/components/schemas/Tag: openapi-python-client lost the schema `Tag`.",
    ] == _problems(real())


def test_other_version_of_the_library_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser is internal to the library, so no other version will do."""
    monkeypatch.setattr(parsing, "version", lambda _: "0.30.0")

    assert ["openapi-python-client: version 0.29.1 is needed, 0.30.0 is installed."] == _problems(real())


def test_copies_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes of a document is the same where the library copies its endpoints as it does by itself."""
    copied: list[str] = []

    def as_ever(endpoint: Any) -> Any:
        copied.append(endpoint.name)
        return copy.deepcopy(endpoint)

    expected = build_ir(reading(real()))
    monkeypatch.setattr(parsing, "_identity", as_ever)

    assert expected == build_ir(reading(real()))
    assert {one.id for one in Document(real()).operations} == set(copied)


def test_library_gets_its_copies_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever becomes of the reading, others who use the library find it as it was."""
    given: list[Any] = []

    def clumsy(*_: Any, **__: Any) -> Any:
        given.append(parsing.openapi_parser.deepcopy)
        raise ValueError

    monkeypatch.setattr(GeneratorData, "from_dict", clumsy)
    _problems(real())

    assert ([parsing._identity], copy.deepcopy) == (given, parsing.openapi_parser.deepcopy)
