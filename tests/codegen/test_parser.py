"""Parsing with openapi-python-client, and the check that nothing is lost."""

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


def test_warning_of_the_parser_stops_the_run() -> None:
    """It is a problem with the pointer that it mentions."""
    raw = real()
    schema(raw, "Ticket")["properties"]["tags"] = {"type": "array"}

    assert any(
        problem.startswith("#/components/schemas/Ticket: openapi-python-client reports: Unable to process schema")
        for problem in _problems(raw)
    )


def test_skipped_operation_stops_the_run() -> None:
    """The problem has the pointer of the operation."""
    raw = real()
    operation(raw, TICKETS, "get")["parameters"].append(
        {"name": "X-When", "in": "header", "schema": {"type": "array", "items": {}}}
    )

    assert any(problem.startswith("#/paths/~1api~1v1~1teams~1{teamId}~1tickets/get: ") for problem in _problems(raw))


def test_warning_without_a_pointer_stops_the_run() -> None:
    """Its pointer is that of the whole document."""
    assert "#" == parsing._pointer_in("something is wrong")


def test_refused_document_stops_the_run() -> None:
    """The reason is one line."""
    raw = real()
    raw["info"] = []

    assert ["#: openapi-python-client cannot read the document"] == [problem.rpartition(": ")[0][:49] for problem in _problems(raw)]


def test_crash_of_the_parser_is_a_problem() -> None:
    """There is no traceback."""
    raw = real()
    schema(raw, "TicketStatus")["enum"] = ["a", "A"]

    assert any(
        problem.startswith("#: openapi-python-client cannot read the document: ValueError: Duplicate key")
        for problem in _problems(raw)
    )


def test_lost_parameter_is_a_problem() -> None:
    """The parser ignores a parameter without a schema."""
    raw = real()
    operation(raw, TICKETS, "get")["parameters"].append({"name": "x", "in": "query", "content": {"application/json": {}}})

    assert ["the document has 11 parameters here and openapi-python-client found 10."] == [
        problem.partition(": ")[2] for problem in _problems(raw)
    ]


def test_lost_operation_and_schema_are_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations and schemas are compared by name."""
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


def test_other_version_of_the_parser_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser is internal to its package, so its version is pinned."""
    monkeypatch.setattr(parsing, "version", lambda _: "0.30.0")

    assert ["openapi-python-client: the version must be 0.29.1, got 0.30.0."] == _problems(real())


def test_copies_of_endpoints_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    """The result is the same when the parser copies endpoints."""
    copied: list[str] = []

    def as_ever(endpoint: Any) -> Any:
        copied.append(endpoint.name)
        return copy.deepcopy(endpoint)

    expected = build_ir(reading(real()))
    monkeypatch.setattr(parsing, "_identity", as_ever)

    assert expected == build_ir(reading(real()))
    assert {one.id for one in Document(real()).operations} == set(copied)


def test_deepcopy_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failed run, the parser copies endpoints again."""
    given: list[Any] = []

    def failing(*_: Any, **__: Any) -> Any:
        given.append(parsing.openapi_parser.deepcopy)
        raise ValueError

    monkeypatch.setattr(GeneratorData, "from_dict", failing)
    _problems(real())

    assert ([parsing._identity], copy.deepcopy) == (given, parsing.openapi_parser.deepcopy)
