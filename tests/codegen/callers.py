"""A program that uses everything public of a generated package, for a type checker."""

from __future__ import annotations

from collections.abc import Iterator

from codegen.diff.surface import Argument, Function, ModelClass, PythonSurface

_HEAD = """from collections.abc import Mapping, Sequence
from datetime import date as Date, datetime
from typing import Literal

from cstar_async import JSON, Paginator, RequestOptions, Unset
from cstar_async._types import JSONObject
from cstar_async.files import Download, FileInput, Stream
"""


def caller_of(surface: PythonSurface, package: str) -> str:
    """Return the program for a package with this surface."""
    return "\n".join([_HEAD, *_imports(surface, package), *_body(surface)]) + "\n"


def _imports(surface: PythonSurface, package: str) -> Iterator[str]:
    classes = [one.name for one in (*surface.models, *surface.aliases)]
    for name in (*classes, *(name for one in surface.enums for name in (one.name, f"{one.name}Like"))):
        yield f"from {package}.models import {name}"
    for client in surface.clients:
        yield f"from {package} import {client.name}"
    for function in surface.functions:
        yield f"from {package}.api.{function.module} import {function.name}"


def _body(surface: PythonSurface) -> Iterator[str]:
    (client,) = surface.clients
    yield from _function("make", client.name, client.arguments, "")
    for one in surface.functions:
        yield from _calls(one, client.name)
    for model in surface.models:
        yield from _model(model)
    for enum in surface.enums:
        yield f"constants_{enum.name}: list[{enum.name}] = [{', '.join(f'{enum.name}.{name}' for name in enum.constants)}]"
    for alias in surface.aliases:
        yield f"def alias_{alias.name}(given: {alias.name}) -> {alias.annotation}:\n    return given"


def _calls(function: Function, client: str) -> Iterator[str]:
    """Yield calls as a method and as a function, with all arguments and with the required ones, by position and by name."""
    for number, target in enumerate((f"client.{function.path}", function.name)):
        first = "client, " if number else ""
        yield from _function(
            f"call_{function.name}_{number}",
            target,
            function.arguments,
            first,
            returns=function.returns,
            client=client,
            is_async=function.is_async,
        )


def _function(
    name: str,
    target: str,
    arguments: tuple[Argument, ...],
    first: str,
    *,
    returns: str = "",
    client: str = "",
    is_async: bool = False,
) -> Iterator[str]:
    parameters = [*([f"client: {client}"] if client else []), *(f"{one.name}: {one.annotation}" for one in arguments)]
    yield f"{'async ' if is_async else ''}def {name}({', '.join(parameters)}) -> None:"
    required = [one for one in arguments if one.is_required]
    annotation = f": {returns}" if returns and returns != "None" else ""
    for index, given in enumerate((required, arguments)):
        for by_name in (False, True):
            values = ", ".join(one.name if one.is_positional and not by_name else f"{one.name}={one.name}" for one in given)
            call = f"{'await ' if is_async else ''}{target}({first}{values})"
            yield f"    result_{index}_{int(by_name)}{annotation} = {call}" if returns != "None" else f"    {call}"


def _model(model: ModelClass) -> Iterator[str]:
    if model.use != "read":
        yield from _function(f"make_{model.name}", model.name, model.fields, "")
    if model.use != "written":
        yield f"def read_{model.name}(model: {model.name}) -> None:"
        yield "    extra = model.extra"
        for field in model.fields:
            yield f"    field_{field.name}: {field.annotation} = model.{field.name}"
