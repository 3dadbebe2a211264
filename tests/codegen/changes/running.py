"""Generate packages from changed documents, and call them over HTTP."""

from __future__ import annotations

import datetime as dt
import inspect
import json
import sys
import types
import typing
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from codegen import naming as names
from codegen.errors import CodegenError, NoteCollector
from codegen.ir.build import build_ir
from codegen.ir.client import client_spec
from codegen.parser.run import parse
from codegen.render import Target, _texts
from codegen.spec.document import Node
from cstar_async import JSON, UNSET, Model, Paginator, to_dict
from cstar_async._model.codec import to_wire
from cstar_async.errors import CStarError
from tests.codegen.changes.rows import ABSENT, Change, Exchange
from tests.codegen.packages import Stub, document


def merged(changes: Iterable[Change], version: str) -> Node:
    """Return one document with many changes."""
    paths: Node = {}
    components: Node = {}
    for change in changes:
        assert not paths.keys() & change.paths.keys(), change.id
        paths |= change.paths
        for kind, nodes in change.components.items():
            assert not components.setdefault(kind, {}).keys() & nodes.keys(), change.id
            components[kind] |= nodes
    return document(paths, version=version, components=components, servers=[{"url": "https://api.example.com/v1"}])


def write_package(folder: Path, name: str, raw: Node) -> list[str]:
    """Generate a package as the command does, but without ruff and the type check; return the notes."""
    notes = NoteCollector()
    parsed = parse(raw, notes, is_sdk=False)
    target = Target(package=name, source="api.yaml", client=client_spec(parsed, None, notes))
    for path, text in _texts(build_ir(parsed), {}, target).items():
        (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / name / path).write_text(text, encoding="utf-8")
    return notes.lines


def refusal_of(raw: Node) -> list[str]:
    """Return the sentences with which a document is refused."""
    try:
        notes = NoteCollector()
        parsed = parse(raw, notes, is_sdk=False)
        build_ir(parsed)
        client_spec(parsed, None, notes)
    except CodegenError as error:
        return [str(problem) for problem in error.problems]
    return []


def function_of(package: ModuleType, operation: str) -> Any:
    """Return the function of an operation."""
    return getattr(__import__(f"{package.__name__}.api", fromlist=["_"]), names.function(operation))


def model_of(package: ModuleType, name: str) -> Any:
    """Return a class of the models."""
    return getattr(__import__(f"{package.__name__}.models", fromlist=["_"]), name)


def plain(value: object) -> Any:
    """Return a result in its wire form."""
    if isinstance(value, Paginator | bytes):
        return value
    return to_dict(value) if isinstance(value, Model) else to_wire(value)


def type_name(value: object) -> str:
    """Return the class of a value, with that of its first item."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes) and value:
        return f"{type(value).__name__}[{type_name(value[0])}]"
    if isinstance(value, dict) and value:
        return f"dict[{type_name(next(iter(value.values())))}]"
    return type(value).__name__


def fits(value: object, hint: Any) -> bool:
    """Return whether a value is of an annotated type."""
    if hint is Any or hint is JSON:
        return True
    if isinstance(hint, typing.ForwardRef):
        return hint.__forward_arg__ == "JSON"
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, one) for one in arguments)
    if origin is typing.Literal:
        return value in arguments
    if origin is list:
        return isinstance(value, list) and all(fits(one, arguments[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(one, arguments[1]) for one in value.values())
    if origin is not None:
        return isinstance(value, origin)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is dt.date:
        return isinstance(value, dt.date) and not isinstance(value, dt.datetime)
    return isinstance(value, hint)


def hints_of(model: type[Model]) -> dict[str, Any]:
    """Return the types of the attributes of a model."""
    return typing.get_type_hints(model, vars(sys.modules[model.__module__]))


async def run_exchange(package: ModuleType, client: Any, stub: Stub, operation: str, exchange: Exchange) -> None:
    """Call a function, and compare what is sent and what comes back."""
    response = exchange.response
    stub.set(b"" if response is None and exchange.status == 204 else response, exchange.status, exchange.media)
    stub.headers = dict(exchange.response_headers)
    before = len(stub.requests)
    arguments = {key: value(package) if inspect.isfunction(value) else value for key, value in exchange.arguments.items()}
    try:
        result = function_of(package, operation)(client, *exchange.positional, **arguments)
        result = await result if inspect.isawaitable(result) else result
    except CStarError as error:
        assert exchange.error == type(error).__name__, error  # noqa: PT017  # the error is the value that is compared
        return
    assert not exchange.error, result
    assert before < len(stub.requests)
    request, headers, body = stub.requests[-1]
    if exchange.request:
        assert exchange.request == request
    for name, value in exchange.headers.items():
        assert value == headers.get(name), (name, headers)
    if exchange.sent is not ABSENT:
        assert exchange.sent == (body if isinstance(exchange.sent, bytes) else json.loads(body or b"null"))
    if exchange.result is not ABSENT:
        assert exchange.result == plain(list(result) if type_name(result).startswith("Page") else result)
    if exchange.type_name:
        assert exchange.type_name == type_name(result)


async def run_change(package: ModuleType, client: Any, stub: Stub, change: Change) -> None:
    """Make all calls of a change, and look at the classes, signatures and docstrings."""
    for exchange in change.exchanges:
        await run_exchange(package, client, stub, change.operation, exchange)
    function = function_of(package, change.operation)
    docs = inspect.getdoc(function) or ""
    if change.model:
        model = model_of(package, change.model)
        docs += "\n" + (inspect.getdoc(model) or "")
        found = {name: model.__annotations__.get(name) for name in change.annotations}
        assert dict(change.annotations) == found, found
        await _run_wires(function, client, stub, model, change)
    flat = " ".join(docs.split())
    assert [] == [words for words in change.doc if " ".join(words.split()) not in flat], docs
    if change.signature:
        assert change.signature in str(inspect.signature(function))


async def _run_wires(function: Any, client: Any, stub: Stub, model: type[Model], change: Change) -> None:
    """Decode each value, compare it with its annotation, and send it back."""
    hint = hints_of(model).get("value")
    for wire in change.wires:
        stub.set({"value": wire})
        is_needed = inspect.signature(function).parameters["value"].default is inspect.Parameter.empty
        found = await function(client, **({} if wire is None and not is_needed else {"value": wire}))
        value = found.value
        assert fits(value, hint), (value, hint)
        assert ({} if wire is None else {"value": wire}) == to_dict(found)
        await function(client, value=UNSET if value is None and "None" not in _argument(function) else value)
        sent = json.loads(stub.requests[-1][2])
        assert {"value": wire} == sent or (wire is None and sent == {})


def _argument(function: Any) -> str:
    return str(inspect.signature(function).parameters["value"].annotation)
