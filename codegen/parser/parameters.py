"""Find the parameters of an operation."""

from __future__ import annotations

from collections import Counter

from codegen import naming as names
from codegen.errors import NoteCollector, ProblemCollector
from codegen.parser.left_out import LeftOutError
from codegen.parser.media import is_json
from codegen.parser.references import References, nested
from codegen.parser.schemas import SchemaParser
from codegen.spec.document import Document, Node, Operation, Parameter, entries, items
from codegen.spec.queries import IDEMPOTENCY_KEY, path_scope
from codegen.spec.vocabulary import TOKEN

_IGNORED_HEADERS = frozenset(
    {"accept", "content-type", "authorization"}
    | {"accept-encoding", "connection", "content-encoding", "content-length", "expect", "host", "transfer-encoding"}
)
"""Headers that OpenAPI says to ignore here, and those that carry the message; the client sets them."""
_LOCATIONS = ("path", "query", "header", "cookie")


class ParameterParser:
    """Parses parameters."""

    def __init__(
        self,
        document: Document,
        schemas: SchemaParser,
        references: References,
        problems: ProblemCollector,
        notes: NoteCollector,
    ) -> None:
        self._is_sdk = document.is_sdk
        self._schemas = schemas
        self._references = references
        self._problems = problems
        self._notes = notes

    def parse(self, operation: Operation, item: Node, place: str, owner: str) -> tuple[Parameter, ...]:
        """Parse the parameters of an operation. Its own override those of its path.

        Args:
            operation: The operation, without parameters.
            item: Its path item.
            place: Where that is.
            owner: The class that begins the names of inline schemas.
        """
        shared, own = self._read(item, place), self._read(operation.node, nested(place, operation.method))
        found = {(one.location, one.name): one for one in (*shared, *own)}
        parsed = [
            self._parsed(self._given_by_caller(one, operation), owner) for one in found.values() if self._is_used(one, operation)
        ]
        declared = {one.name for one in parsed if one.location == "path"}
        for name, count in Counter(operation.placeholders).items():
            if count > 1:
                raise LeftOutError(f"its path has `{{{name}}}` twice")
            if name not in declared:
                node: Node = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                one = self._given_by_caller(Parameter(pointer=operation.pointer, node=node), operation)
                if not one.is_supplied_by_client:
                    self._notes.add(operation.pointer, "a parameter of the path is not declared; it is a string.")
                parsed.append(one)
        return tuple(parsed)

    def _read(self, owner: Node, pointer: str) -> list[Parameter]:
        found: list[Parameter] = []
        for index, given in enumerate(items(owner, "parameters")):
            place = nested(pointer, "parameters", index)
            node, target = self._references.follow(given, place)
            if not isinstance(node.get("name"), str) or node.get("in") not in _LOCATIONS:
                if node:
                    self._problems.add(place, "this is not a parameter: it must have a `name`, and `in`.")
                continue
            one = Parameter(pointer=target, node=node)
            if any((one.location, one.name) == (other.location, other.name) for other in found):
                self._problems.add(place, f"the {one.location} parameter `{one.name}` is declared twice.")
            found.append(one)
        return found

    def _is_used(self, parameter: Parameter, operation: Operation) -> bool:
        if parameter.location == "path" and parameter.name not in operation.placeholders:
            self._notes.add(parameter.pointer, "a parameter of the path that the path does not have is passed over.")
            return False
        if parameter.location in ("header", "cookie") and not TOKEN.fullmatch(parameter.name):
            if parameter.node.get("required") is True:
                raise LeftOutError(f"HTTP has no {parameter.location} named `{parameter.name}`, which it requires")
            self._notes.add(parameter.pointer, f"HTTP has no {parameter.location} named `{parameter.name}`; it is passed over.")
            return False
        if parameter.location == "header" and parameter.name.lower() in _IGNORED_HEADERS:
            self._notes.add(parameter.pointer, f"the client sets the header `{parameter.name}` itself.")
            return False
        return True

    def _given_by_caller(self, parameter: Parameter, operation: Operation) -> Parameter:
        """Return a parameter with the mark that the client sets it where this client does, and without the mark elsewhere."""
        _, prefix = path_scope(operation.path)
        is_in_prefix = parameter.location == "path" and f"{{{parameter.name}}}" in prefix
        if self._is_sdk and is_in_prefix:
            return Parameter(pointer=parameter.pointer, node={**parameter.node, "x-cstar-client-parameter": True})
        if not parameter.is_supplied_by_client or (self._is_sdk and parameter.location != "path"):
            return parameter
        self._notes.add(parameter.pointer, f"the client does not set `{parameter.name}`; it is an argument.")
        node = {key: value for key, value in parameter.node.items() if key != "x-cstar-client-parameter"}
        return Parameter(pointer=parameter.pointer, node=node)

    def _parsed(self, parameter: Parameter, owner: str) -> Parameter:
        node = parameter.node
        if "schema" not in node and not entries(node, "content"):
            return Parameter(pointer=parameter.pointer, node={**node, "schema": {"type": "string"}})
        is_component = parameter.pointer.startswith("#/components/")
        name = names.joined("" if is_component else owner, parameter.name)
        if "schema" in node:
            schema = self._schemas.value(node["schema"], nested(parameter.pointer, "schema"), name)
        else:
            media = next(iter(node["content"]))
            if not is_json(media):
                raise LeftOutError(f"its parameter `{parameter.name}` is of the type `{media}`")
            pointer = nested(parameter.pointer, "content", media, "schema")
            schema = self._schemas.value(entries(node["content"], media).get("schema", {}), pointer, name)
        parsed = {**node, "schema": schema}
        if parameter.location == "header" and parameter.name.lower() == IDEMPOTENCY_KEY.lower():
            parsed |= {"name": IDEMPOTENCY_KEY, "x-cstar-client-parameter": True}
        return Parameter(pointer=parameter.pointer, node=parsed)
