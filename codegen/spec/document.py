"""Give access to the OpenAPI document as data, with a JSON pointer for each part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias, TypeGuard
from urllib.parse import unquote

Node: TypeAlias = dict[str, Any]
"""An object of the document. Its values are whatever the author wrote, hence Any."""

Shape: TypeAlias = Literal["object", "array", "page", "deleted", "value", "none", "text", "bytes", "items"]
"""The form of a result: an object, an array, a page of a list, a confirmation of deletion, other JSON, nothing, a str, bytes.

Of a stream, it is `items`.
"""

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of an operation, its `$ref` followed."""

    pointer: str
    node: Node

    @property
    def name(self) -> str:
        """The name on the wire."""
        return str(self.node.get("name", ""))

    @property
    def location(self) -> str:
        """`path`, `query`, `header` or `cookie`."""
        return str(self.node.get("in", ""))

    @property
    def is_supplied_by_client(self) -> bool:
        """Whether the client sends it by itself."""
        return self.node.get("x-cstar-client-parameter") is True

    @property
    def is_positional(self) -> bool:
        """Whether it is positional although it is not in the path."""
        return self.node.get("x-cstar-positional") is True


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a call returns, as the parser finds it in the successful responses."""

    status: int
    shape: Shape
    schema: Node
    """The schema of the value; that of `data` in an envelope. Empty without a value."""
    node: Node
    """The response."""
    has_envelope: bool = False
    is_nullable: bool = False
    may_be_empty: bool = False
    """Whether a success may have no body: an object without fields, or None for any other value."""
    is_part: bool = False
    """Whether an array may be a part of a list of which the client cannot find the other parts."""
    has_events: bool = False
    """Whether the items of a stream are server-sent events instead of JSON."""
    paging: Node | None = None
    """How a page is requested and read: the arguments of `Paging` that have another value than for cStar. None: it is no page."""
    text: str | None = None
    """The content type of the text that the server may send instead of JSON."""
    by_status: tuple[tuple[int, Node], ...] = ()
    """The schema of the value for each status, where they differ; that of status 0 is for all others."""


@dataclass(frozen=True, kw_only=True)
class Body:
    """The body of a request."""

    schema: Node
    """Its schema: a reference to a model for one whose fields are arguments."""
    has_fields: bool
    """Whether its fields are arguments. Otherwise it is one argument."""
    media: Literal["json", "form", "multipart", "file"]
    is_required: bool
    node: Node
    may_be_left_out: bool = False
    """Whether no body is sent if no field is given."""
    json_type: str | None = None
    """The content type of a JSON body that is not `application/json`."""
    files: frozenset[str] = frozenset()
    """The fields of a multipart body that are files."""
    types: Mapping[str, str] = field(default_factory=dict[str, str])
    """The content types of the fields of a multipart body, or that of a file, under an empty name."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation as the document has it. The parser sets its result and its body."""

    pointer: str
    path: str
    method: str
    node: Node
    parameters: tuple[Parameter, ...]
    result: Result = Result(status=200, shape="none", schema={}, node={})  # frozen
    body: Body | None = None

    @property
    def id(self) -> str:
        """Its operationId."""
        return str(self.node.get("operationId", ""))

    @property
    def namespace(self) -> str:
        """The namespace of its method, such as `tickets.messages`."""
        return str(self.node.get("x-cstar-namespace", ""))

    @property
    def name(self) -> str:
        """The name of its method in that namespace, such as `create`."""
        return str(self.node.get("x-cstar-method", ""))

    @property
    def root(self) -> str:
        """The first part of its namespace, which names its modules."""
        return self.namespace.partition(".")[0]

    @property
    def placeholders(self) -> list[str]:
        """The names in the braces of its path, in order."""
        return re.findall(r"\{([^{}]*)\}", self.path)

    @property
    def successes(self) -> list[str]:
        """The statuses of its successful responses."""
        return [status for status in self.node.get("responses", {}) if status.startswith("2")]


@dataclass(frozen=True, kw_only=True)
class Event:
    """A type of event that the server sends: an entry of the webhooks section."""

    pointer: str
    type: str
    node: Node
    body: Node

    @property
    def data(self) -> Node:
        """The schema of `data`; empty if it has none."""
        parts = [part for part in items(self.body, "allOf") if is_object(part)]
        data = next((entries(part, "properties").get("data") for part in reversed(parts)), None)
        return data if is_object(data) else {}


class Document:
    """An OpenAPI document that passed `validate_openapi`.

    Args:
        raw: The document.
        operations: Its operations, where the parser has found their results and bodies. None: as they are in the document.
        events: Its events that the generator supports. None: all of them.
        is_sdk: Whether its code is that of `cstar_async`, whose clients know teams. False: it is a package of its own.
        places: The pointer of each schema in the document as its author wrote it. None: it is this document.
        names: The names that the parser chose, for the next run.
    """

    def __init__(
        self,
        raw: Node,
        operations: tuple[Operation, ...] | None = None,
        events: tuple[Event, ...] | None = None,
        *,
        is_sdk: bool = True,
        places: dict[str, str] | None = None,
        names: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.raw = raw
        self.names = names or {}
        self.is_sdk = is_sdk
        self.places = places or {}
        self._given = operations
        self._given_events = events

    @property
    def components(self) -> Node:
        """All components, by kind."""
        return entries(self.raw, "components")

    @property
    def schemas(self) -> dict[str, Node]:
        """The component schemas, by name, in the document's order."""
        return entries(self.components, "schemas")

    def place_of(self, schema: str) -> str:
        """Return the pointer of a schema in the document as its author wrote it."""
        return self.places.get(schema) or child_pointer("#/components/schemas", schema)

    def at(self, reference: str) -> Any:
        """Return the target of a local reference such as `#/components/schemas/Ticket`; None if there is none."""
        node: Any = self.raw
        for part in reference.removeprefix("#/").split("/"):
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if is_object(node) and key in node:
                node = node[key]
            elif is_list(node) and key.isdecimal() and int(key) < len(node):
                node = node[int(key)]
            else:
                return None
        return node

    def follow(self, node: Node, pointer: str) -> tuple[Node, str]:
        """Resolve a node and its pointer; keys beside a `$ref` override those of its target."""
        reference = node.get("$ref")
        if not reference:
            return node, pointer
        beside = {key: value for key, value in node.items() if key != "$ref"}
        target: object = self.at(reference)
        return {**(target if is_object(target) else {}), **beside}, reference

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """All operations, in the document's order."""
        return tuple(self._operations()) if self._given is None else self._given

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """All types of events, in the document's order."""
        if self._given_events is not None:
            return self._given_events
        webhooks = entries(self.raw, "webhooks")
        return tuple(self._event(name, item["post"]) for name, item in webhooks.items() if _is_post(item))

    def _event(self, name: str, node: Node) -> Event:
        body, _ = self.follow(entries(node, "requestBody"), "")
        media: Node = entries(body, "content").get("application/json", {})
        return Event(pointer=child_pointer("#/webhooks", name, "post"), type=name, node=node, body=entries(media, "schema"))

    def _operations(self) -> Iterator[Operation]:
        for path, item in entries(self.raw, "paths").items():
            item_pointer = child_pointer("#/paths", path)
            shared = self._parameters(item, item_pointer)
            for method in (key for key in item if key in METHODS):
                pointer = child_pointer(item_pointer, method)
                own = self._parameters(item[method], pointer)
                yield Operation(pointer=pointer, path=path, method=method, node=item[method], parameters=(*shared, *own))

    def _parameters(self, owner: Node, pointer: str) -> tuple[Parameter, ...]:
        nodes = enumerate(items(owner, "parameters"))
        found = (self.follow(node, child_pointer(pointer, "parameters", str(index))) for index, node in nodes)
        return tuple(Parameter(node=node, pointer=pointer) for node, pointer in found)

    def reachable_schemas(self, node: Any) -> dict[str, None]:
        """Return the names of the component schemas that a part of the document uses, directly or not, in a stable order."""
        reached: dict[str, None] = {}
        waiting = [node]
        while waiting:
            for name in schemas_named_in(waiting.pop()):
                if name not in reached:
                    reached[name] = None
                    waiting.append(self.schemas.get(name, {}))
        return reached

    def unused_schemas(self) -> set[str]:
        """Return the names of the component schemas that no other part of the document uses, directly or not."""
        others = {**self.raw, "components": {kind: nodes for kind, nodes in self.components.items() if kind != "schemas"}}
        return self.schemas.keys() - self.reachable_schemas(others).keys()


def _is_post(item: object) -> bool:
    return is_object(item) and is_object(item.get("post"))


def child_pointer(pointer: str, *parts: str) -> str:
    """Extend a JSON pointer."""
    return "/".join((pointer, *(part.replace("~", "~0").replace("/", "~1") for part in parts)))


def schema_named(reference: str) -> str:
    """Return the name of the component of a reference `#/components/schemas/<name>`."""
    return reference.rpartition("/")[2]


def references_in(node: Any, pointer: str) -> Iterator[tuple[str, str]]:
    """Yield each `$ref` inside a node, with the pointer of the object that has it."""
    if is_object(node):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"], pointer
        for key, value in node.items():
            yield from references_in(value, child_pointer(pointer, str(key)))
    elif is_list(node):
        for index, value in enumerate(node):
            yield from references_in(value, child_pointer(pointer, str(index)))


def find_keyword(schema: object, keyword: str, pointer: str) -> Iterator[str]:
    """Yield the pointer of each object inside a schema that has a keyword. Names of properties are not keywords."""
    if is_object(schema):
        if keyword in schema:
            yield pointer
        for name, inner in entries(schema, "properties").items():
            yield from find_keyword(inner, keyword, child_pointer(pointer, "properties", name))
        for key in ("items", "additionalProperties"):
            yield from find_keyword(schema.get(key), keyword, child_pointer(pointer, key))


def schemas_named_in(node: Any) -> Iterator[str]:
    """Yield the component schemas that a node refers to, also repeatedly."""
    if is_object(node):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/components/schemas/"):
            yield schema_named(reference)
        for value in node.values():
            yield from schemas_named_in(value)
    elif is_list(node):
        for value in node:
            yield from schemas_named_in(value)


def entries(node: Node, key: str) -> dict[str, Any]:
    """Return the object under a key; empty if there is none."""
    found: object = node.get(key)
    return found if is_object(found) else {}


def items(node: Node, key: str) -> list[Any]:
    """Return the list under a key; empty if there is none."""
    found: object = node.get(key)
    return found if is_list(found) else []


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a value is a JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a value is a JSON array."""
    return isinstance(value, list)
