"""Documents for tests: copies of the real one, changed by one stroke, and how far the generator gets with them."""

from __future__ import annotations

import functools
import pickle
from typing import Any

from codegen import preflight
from codegen.__main__ import DOCUMENT
from codegen.document import Document, Node
from codegen.parse import Parsed, inspect_shape, parse
from codegen.problems import CodegenError, Problem
from codegen.source import read
from codegen.view import View, look_at

TICKETS = "/api/v1/teams/{teamId}/tickets"
TICKET = "/api/v1/teams/{teamId}/tickets/{ticketId}"
BOSS = "/api/v1/teams/{teamId}/game/boss"
LIBRARY = "/api/library/{team}"


@functools.cache
def _frozen() -> bytes:
    return pickle.dumps(read(DOCUMENT))


def real() -> Node:
    """The real document, to be changed at will."""
    raw: Node = pickle.loads(_frozen())
    return raw


def reading(raw: Node) -> Parsed:
    """What the generator reads of a document."""
    inspect_shape(raw)
    preflight.inspect(Document(raw))
    return parse(Document(raw))


def view_of(raw: Node) -> View:
    """What the generator would write for a document."""
    return look_at(reading(raw))


def problems_with(raw: Node) -> list[Problem]:
    """What the generator has against a document."""
    try:
        view_of(raw)
    except CodegenError as error:
        return list(error.problems)
    return []


def inside(node: Any, *keys: str | int) -> Any:
    """A place in a document."""
    for key in keys:
        node = node[key]
    return node


def schema(raw: Node, name: str) -> Node:
    """A component schema."""
    found: Node = raw["components"]["schemas"][name]
    return found


def operation(raw: Node, path: str, method: str) -> Node:
    """An operation."""
    found: Node = raw["paths"][path][method]
    return found


def parameter(raw: Node, name: str) -> Node:
    """A parameter among those of the list of tickets."""
    found: Node = next(one for one in operation(raw, TICKETS, "get")["parameters"] if one.get("name") == name)
    return found


def said(text: str, **more: Any) -> Node:
    """A schema or parameter with all that must be said of one."""
    return {"description": text, "x-evidence": "documented", "x-source": "A page", **more}


def model(text: str, **properties: Node) -> Node:
    """A component schema with properties."""
    return said(text, type="object", properties=properties)
