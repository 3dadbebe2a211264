"""Check that users can import every type of a public signature from a public module."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import pkgutil
import typing
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

import cstar_async
from cstar_async import api

PUBLIC = [
    "cstar_async",
    *(
        f"cstar_async.{name}"
        for name in ("client", "errors", "hooks", "identity", "library", "models", "otel", "pagination", "prometheus")
    ),
    *(f"cstar_async.{name}" for name in ("redis", "testing", "webhooks", "api", "files")),
    *(f"cstar_async.api.{module.name}" for module in pkgutil.iter_modules(api.__path__) if not module.name.startswith("_")),
]


MADE_BY_THE_PACKAGE = {"Delivery", "Download", "EventStream", "Paginator", "ReceivedRequest", "Response", "Stream"}
"""Public classes whose constructors are not for users; namespaces are others."""


def _exports(module: ModuleType) -> dict[str, Any]:
    """Return what a public module offers, by name: what it lists, or else what it defines."""
    if hasattr(module, "__all__"):
        return {name: getattr(module, name) for name in module.__all__}
    return {name: value for name, value in vars(module).items() if not name.startswith("_") and _home(value) == module.__name__}


def _home(value: object) -> str:
    """Return the module that defines a value, as far as it says so."""
    return str(getattr(value, "__module__", ""))


@functools.cache
def _namespace(module: str) -> dict[str, Any]:
    """Return the names of a module, with those that it imports for type checkers only."""
    loaded = importlib.import_module(module)
    names = dict(vars(loaded))
    for node in ast.parse(Path(inspect.getsourcefile(loaded) or "").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            imports = [statement for statement in node.body if isinstance(statement, (ast.Import, ast.ImportFrom))]
            exec(compile(ast.Module(imports, []), module, "exec"), names)
    return names


def _annotations(name: str, owner: object) -> Iterator[tuple[str, str, str]]:
    """List the annotations of a function, or of the public members of a class: where, in which module, and which."""
    if isinstance(owner, FunctionType):
        for argument, annotation in owner.__annotations__.items():
            if not argument.startswith("_"):
                yield name, owner.__module__, str(annotation)
    elif inspect.isclass(owner):
        for base in owner.__mro__:
            if base.__module__.startswith("cstar_async"):
                for attribute, annotation in vars(base).get("__annotations__", {}).items():
                    if not attribute.startswith("_"):
                        yield f"{name}.{attribute}", base.__module__, str(annotation)
        for attribute, member in inspect.getmembers_static(owner):
            if not attribute.startswith("_") or (
                attribute == "__init__" and name not in MADE_BY_THE_PACKAGE and not name.endswith("Namespace")
            ):
                found = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
                if isinstance(found, FunctionType) and found.__module__.startswith("cstar_async"):
                    yield from _annotations(f"{name}.{attribute}", found)


@functools.cache
def _offered() -> set[type]:
    """Return the classes that public modules offer."""
    return {value for module in PUBLIC for value in _exports(importlib.import_module(module)).values() if inspect.isclass(value)}


def _classes(value: object) -> Iterator[type]:
    """List the classes that a type or an alias is made of."""
    if inspect.isclass(value) and not typing.get_args(value):
        yield value
    for part in (typing.get_origin(value), *typing.get_args(value)):
        if part is not None and part is not value:
            yield from _classes(part)


def _hidden(name: str, module: str) -> list[str]:
    """List the classes of this package behind a name of an annotation that no public module offers."""
    classes = _classes(_namespace(module).get(name))
    return [one.__name__ for one in classes if one.__module__.startswith("cstar_async") and one not in _offered()]


@pytest.mark.parametrize("module", PUBLIC)
def test_types_of_signatures_are_public(module: str) -> None:
    """Each type of this package in the annotations of a public function, method or field can be imported from a public module."""
    hidden: set[str] = set()
    for name, owner in _exports(importlib.import_module(module)).items():
        for where, home, annotation in _annotations(name, owner):
            for node in ast.walk(ast.parse(annotation, mode="eval")):
                if isinstance(node, ast.Name):
                    hidden.update(f"{module}.{where}: {one}" for one in _hidden(node.id, home))

    assert [] == sorted(hidden)


def test_signatures_are_read() -> None:
    """The check above sees the types of a known signature."""
    seen = {annotation for _, _, annotation in _annotations("CStarClient", cstar_async.CStarClient)}

    assert any("Limiter" in annotation for annotation in seen)
