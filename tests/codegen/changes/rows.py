"""The form of a change, and builders for the usual ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from codegen.spec.document import Node
from tests.codegen.packages import ref, returns, takes

ABSENT: Any = object()
"""Nothing is expected."""

Outcome = Literal["right", "note", "refused"]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A call of the generated function, what must be sent, and what must come back."""

    arguments: Mapping[str, Any] = field(default_factory=dict)
    positional: tuple[Any, ...] = ()
    request: str = ""
    """The method and the path with the query as sent; empty: not looked at."""
    headers: Mapping[str, str | None] = field(default_factory=dict)
    """Headers as sent. None: it must be absent."""
    sent: Any = ABSENT
    """The body as sent: bytes, or the value of a JSON body."""
    response: Any = None
    """The body of the response: bytes, or the value of a JSON body."""
    status: int = 200
    media: str = "application/json"
    response_headers: Mapping[str, str] = field(default_factory=dict)
    result: Any = ABSENT
    """The result in its wire form."""
    type_name: str = ""
    """The class of the result, or of its first item: `list[Pet]`."""
    error: str = ""
    """The class of the exception that the call raises."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of a document, and what must come of it."""

    name: str
    section: str
    paths: Node = field(default_factory=dict)
    components: Mapping[str, Node] = field(default_factory=dict)
    version: str = "3.1.0"
    operation: str = ""
    """The operationId of the function that is called."""
    exchanges: tuple[Exchange, ...] = ()
    model: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """The annotation of attributes of the model."""
    wires: tuple[Any, ...] = ()
    """Values of the attribute `value` of the model, which are decoded and sent."""
    signature: str = ""
    """A part of the signature."""
    doc: tuple[str, ...] = ()
    """Words of the docstrings of the function and the model."""
    notes: tuple[str, ...] = ()
    """Words of notes that the run prints."""
    problem: str = ""
    """The sentence with which the document is refused."""

    @property
    def outcome(self) -> Outcome:
        """What the run does with the change."""
        return "refused" if self.problem else "note" if self.notes else "right"

    @property
    def id(self) -> str:
        """The name for a test."""
        return f"{self.section}: {self.name}"


def slug(name: str) -> str:
    """Return a name for paths and classes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def class_name(name: str) -> str:
    """Return a name for a component."""
    return "".join(part.capitalize() for part in slug(name).split("-"))


def value_row(section: str, name: str, schema: Any, annotation: str, *wires: Any, **more: Any) -> Change:
    """Return a model with the field `value`, which a POST takes and returns.

    Args:
        section: The section of the specification.
        name: The name of the change.
        schema: The schema of the field.
        annotation: Its annotation in the model that is read; `{C}` is the name of the model.
        wires: Values that are decoded, compared with the annotation, and sent.
        more: `required`, `schemas`, and the fields of the change.
    """
    owner = class_name(f"{section} {name}")
    model: Node = {"type": "object", "properties": {"value": schema}}
    if more.pop("required", False):
        model["required"] = ["value"]
    schemas = {key.replace("{C}", owner): _named(node, owner) for key, node in more.pop("schemas", {}).items()}
    operation = f"send{owner}"
    return Change(
        name=name,
        section=section,
        paths={
            f"/{slug(section)}/{slug(name)}": {
                "post": {
                    "operationId": operation,
                    "tags": [section],
                    "requestBody": takes(ref(owner)),
                    "responses": returns(ref(owner)),
                }
            }
        },
        components={"schemas": {owner: _named(model, owner), **schemas}},
        operation=operation,
        model=owner,
        annotations={"value": annotation.replace("{C}", owner)},
        wires=wires,
        **more,
    )


def call_row(section: str, name: str, operation: Node, *exchanges: Exchange, method: str = "get", **more: Any) -> Change:
    """Return an operation of its own.

    Args:
        section: The section of the specification.
        name: The name of the change.
        operation: The operation; a 204 is its response if it has none, and `{C}` in it a name of its own.
        exchanges: How it is called.
        method: Its method.
        more: `path` below that of the change, `item` with what the path item has beside the operation, `schemas`, and the
            fields of the change.
    """
    owner = class_name(f"{section} {name}")
    path = f"/{slug(section)}/{slug(name)}{more.pop('path', '')}"
    operation = {"operationId": f"call{owner}", "tags": [section], "responses": returns(None, "204"), **operation}
    schemas = {key.replace("{C}", owner): _named(node, owner) for key, node in more.pop("schemas", {}).items()}
    components = {**more.pop("components", {}), **({"schemas": schemas} if schemas else {})}
    item = {**more.pop("item", {}), method: operation}
    expected = tuple(replace(_expected(one, method, path), type_name=_named(one.type_name, owner)) for one in exchanges)
    return Change(
        name=name,
        section=section,
        paths=_named({path: item}, owner),
        components=_named(components, owner),
        operation=_named(operation["operationId"], owner),
        exchanges=expected,
        **more,
    )


def _expected(exchange: Exchange, method: str, path: str) -> Exchange:
    """Complete a request of which only the query, or the path below that of the change, is given: `?a=1`, `/7`."""
    if exchange.request[:1] not in ("?", "/"):
        return exchange
    base = "/".join(path.split("/")[:3]) if exchange.request[0] == "/" else path
    return replace(exchange, request=f"{method.upper()} /v1{base}{exchange.request}")


def parameter_row(section: str, name: str, parameter: Node, *cases: tuple[Any, str], **more: Any) -> Change:
    """Return an operation with a parameter of the query named `p`: the argument, and the query that must be sent."""
    node = {"name": "p", "in": "query", **parameter}
    exchanges = [Exchange(arguments={"p": value}, request=f"?{query}" if query else "", status=204) for value, query in cases]
    return call_row(section, name, {"parameters": [node]}, *exchanges, **more)


def _named(node: Any, owner: str) -> Any:
    """Return a part of a document with a name of its own in place of `{C}`."""
    if isinstance(node, str):
        return node.replace("{C}", owner)
    if isinstance(node, dict):
        return {_named(key, owner): _named(inner, owner) for key, inner in node.items()}
    return [_named(inner, owner) for inner in node] if isinstance(node, list) else node


Edit = Callable[[Node], object]


@dataclass(frozen=True, kw_only=True)
class WholeChange:
    """A change of a whole document: an edit, and what the client of the new package then does."""

    name: str
    section: str
    edit: Edit
    client: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the client, beside `base_url`."""
    operation: str = "getPet"
    exchanges: tuple[Exchange, ...] = ()
    check: Sequence[tuple[str, Any]] = ()
    """Expressions about the package, as `package`, and their values."""
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def outcome(self) -> Outcome:
        """What the run does with the change."""
        return "refused" if self.problem else "note" if self.notes else "right"

    @property
    def id(self) -> str:
        """The name for a test."""
        return f"{self.section}: {self.name}"
