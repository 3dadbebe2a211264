"""Documents for tests: copies of the real one, and what the generator makes of them."""

from __future__ import annotations

import functools
import pickle
from typing import Any

from codegen.__main__ import DOCUMENT
from codegen.errors import CodegenError, NoteCollector, Problem
from codegen.ir.build import GeneratedCode, build_ir
from codegen.ir.functions import FunctionSpec
from codegen.ir.model_specs import ModelSpec
from codegen.ir.operations import OperationSpec
from codegen.lint.run import lint
from codegen.parser.run import parse
from codegen.parser.validation import validate_openapi
from codegen.spec.document import Document, Node, schemas_named_in
from codegen.spec.loader import read

TICKETS = "/api/v1/teams/{teamId}/tickets"
TICKET = "/api/v1/teams/{teamId}/tickets/{ticketId}"
BOSS = "/api/v1/teams/{teamId}/game/boss"
LIBRARY = "/api/library/{team}"


LEFT_OUT = {
    *("customer_groups", "custom_fields", "webhooks", "community.posts", "community.comments", "views", "invites", "notifications"),
    *("analytics", "sla.rules", "audit_log", "search", "ai", "billing", "domains", "email_settings", "ai_keys"),
}
"""Namespaces that need nothing special of the generator. Without them a document is parsed in half the time."""


@functools.cache
def _frozen_whole() -> bytes:
    return pickle.dumps(read(DOCUMENT))


@functools.cache
def _frozen(kept: frozenset[str] = frozenset()) -> bytes:
    raw = whole()
    left_out = {tag["name"] for tag in raw["tags"]} - kept if kept else LEFT_OUT
    for path, item in list(raw["paths"].items()):
        if any(isinstance(one, dict) and one.get("x-cstar-namespace") in left_out for one in item.values()):
            del raw["paths"][path]
    raw["tags"] = [tag for tag in raw["tags"] if tag["name"] not in left_out]
    reached: dict[str, None] = {}
    for part in (raw["paths"], raw["components"]["responses"], raw["components"]["requestBodies"]):
        reached |= Document(raw).reachable_schemas(part)
    schemas = raw["components"]["schemas"]
    read_anyway = {
        name for name, node in schemas.items() if node.get("x-cstar-envelope") and reached.keys() >= {*schemas_named_in(node)}
    }
    kept_schemas = reached.keys() | read_anyway | {"FreeObject"}
    raw["components"]["schemas"] = {name: node for name, node in schemas.items() if name in kept_schemas}
    return pickle.dumps(raw)


def whole() -> Node:
    """Return a copy of the real document."""
    raw: Node = pickle.loads(_frozen_whole())
    return raw


def real() -> Node:
    """Return a copy of the real document without `LEFT_OUT`."""
    raw: Node = pickle.loads(_frozen())
    return raw


SMALL = frozenset({"auth", "customers", "library", "tags", "tickets", "tickets.messages"})


def small(*more: str) -> Node:
    """Return a copy of the real document with a few namespaces, and *more*."""
    raw: Node = pickle.loads(_frozen(SMALL | set(more)))
    return raw


def parsed(raw: Node) -> Document:
    """Parse a document."""
    return parse(raw, NoteCollector())


def notes_on(raw: Node) -> list[str]:
    """Return the notes of a run."""
    notes = NoteCollector()
    parse(raw, notes)
    return notes.lines


def code_of(raw: Node) -> GeneratedCode:
    """Build the code for a document. The last ones are cached."""
    return _view_of(pickle.dumps(raw))


@functools.lru_cache(maxsize=16)
def _view_of(frozen: bytes) -> GeneratedCode:
    return build_ir(parsed(pickle.loads(frozen)))


def models_of(raw: Node) -> dict[str, ModelSpec]:
    """Return the models of a document, by name."""
    return {one.name: one for module in code_of(raw).model_modules for one in module.models}


def functions_of(raw: Node) -> dict[str, FunctionSpec]:
    """Return the functions of a document, by name."""
    return {one.name: one for module in code_of(raw).api_modules for one in module.functions}


def operations_of(raw: Node) -> dict[str, OperationSpec]:
    """Return the constants of operations of a document, by id."""
    return {one.id: one for one in code_of(raw).operations}


def problems_with(raw: Node) -> list[Problem]:
    """Return the problems that lint finds in a document."""
    try:
        validate_openapi(raw)
        lint(Document(raw))
    except CodegenError as error:
        return list(error.problems)
    return []


def inside(node: Any, *keys: str | int) -> Any:
    """Return a part of a document."""
    for key in keys:
        node = node[key]
    return node


def schema(raw: Node, name: str) -> Node:
    """Return a component schema."""
    found: Node = raw["components"]["schemas"][name]
    return found


def operation(raw: Node, path: str, method: str) -> Node:
    """Return an operation."""
    found: Node = raw["paths"][path][method]
    return found


def parameter(raw: Node, name: str) -> Node:
    """Return a parameter of the list of tickets."""
    found: Node = next(one for one in operation(raw, TICKETS, "get")["parameters"] if one.get("name") == name)
    return found


def entry(text: str, **more: Any) -> Node:
    """Return a schema or parameter with its required keys."""
    return {"description": text, "x-evidence": "documented", "x-source": "A page", **more}


def model(text: str, **properties: Node) -> Node:
    """Return a component schema with properties."""
    return entry(text, type="object", properties=properties)
