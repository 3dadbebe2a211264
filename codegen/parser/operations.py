"""Find out of each operation how it is called: its names, its parameters, its body and its result."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from codegen import naming as names
from codegen.errors import NoteCollector, ProblemCollector
from codegen.parser.bodies import parse_body
from codegen.parser.left_out import LeftOutError
from codegen.parser.names import FUNCTIONS, NAME, NameChooser
from codegen.parser.namespaces import Namespaces
from codegen.parser.parameters import ParameterParser
from codegen.parser.references import References
from codegen.parser.responses import ResponseParser
from codegen.parser.schemas import SchemaParser
from codegen.spec.document import METHODS, Document, Node, Operation, child_pointer, entries, is_object, items
from codegen.spec.queries import has_usable_key

_Found: TypeAlias = tuple[Operation, tuple[Node, str]]
"""An operation, and its path item with the pointer of that."""

SUPPORTED_METHODS = ("get", "put", "post", "delete", "patch")


class OperationParser:
    """Parses the operations of a document."""

    def __init__(
        self,
        document: Document,
        schemas: SchemaParser,
        references: References,
        problems: ProblemCollector,
        notes: NoteCollector,
        chooser: NameChooser,
    ) -> None:
        self._chooser = chooser
        self._document = document
        self._schemas = schemas
        self._references = references
        self._problems = problems
        self._notes = notes
        self._parameters = ParameterParser(document, schemas, references, problems, notes)
        self._responses = ResponseParser(document, schemas, references, notes)

    def parse(self) -> tuple[tuple[Operation, ...], list[Node]]:
        """Parse all operations but those that are left out, each with a note; return them and the tags of their namespaces."""
        operations = list(self._operations())
        namespaces = Namespaces(self._document, [operation for operation, _ in operations], self._chooser)
        found = list(self._named(operations, namespaces))
        self._responses.recognise_envelope([operation for operation, _ in found])
        parsed: list[Operation] = []
        for operation, item in found:
            try:
                parsed.append(self._parsed(operation, item))
            except LeftOutError as reason:
                self._notes.add(operation.pointer, f"left out: {reason}.")
        return tuple(parsed), namespaces.tags(parsed)

    def _parsed(self, operation: Operation, item: tuple[Node, str]) -> Operation:
        if operation.method not in SUPPORTED_METHODS:
            raise LeftOutError(f"the client sends no {operation.method.upper()}")
        self._check_security(operation)
        name = names.class_of(operation.id)
        parameters = self._parameters.parse(operation, *item, name)
        operation = replace(operation, parameters=parameters)
        if "?" in operation.path and any(parameter.location == "query" for parameter in parameters):
            raise LeftOutError("its path has a query, to which the client adds no parameters")
        body = parse_body(operation, name, self._schemas, self._references, self._notes)
        result = self._responses.parse(operation, name)
        return replace(operation, body=body, result=result)

    def _check_security(self, operation: Operation) -> None:
        """Leave an operation out if each way to authenticate it has a scheme that no client here can use."""
        schemes = entries(self._document.components, "securitySchemes")
        needs = [need for need in items(self._security_owner(operation), "security") if is_object(need)]
        for name in {name: None for need in needs for name in need if name not in schemes}:
            self._notes.add(operation.pointer, f"the security scheme `{name}` is not declared; the client sends nothing for it.")
        unusable = [next((name for name in need if not self._is_usable(schemes.get(name))), "") for need in needs]
        if needs and all(unusable):
            raise LeftOutError(f"it needs the security scheme `{unusable[0]}`, which the client cannot use")

    def _is_usable(self, scheme: object) -> bool:
        found, _ = self._references.resolve(scheme, "#/components/securitySchemes")
        kind, method = found.get("type"), str(found.get("scheme") or "").lower()
        # A certificate for mutual TLS is in the argument `ssl` of the client.
        is_known = kind in ("oauth2", "openIdConnect", "mutualTLS", None) or (kind == "http" and method in ("basic", "bearer"))
        return is_known or has_usable_key(found)

    def _security_owner(self, operation: Operation) -> Node:
        return operation.node if "security" in operation.node else self._document.raw

    def _named(self, found: Sequence[_Found], namespaces: Namespaces) -> Iterator[_Found]:
        """Yield each operation with its names."""
        given = [str(operation.node.get("operationId", "")) for operation, _ in found]
        for operation, _ in found:
            operation_id = str(operation.node.get("operationId", ""))
            if operation_id and given.index(operation_id) != len(given) - 1 - given[::-1].index(operation_id):
                self._problems.add(operation.pointer, f"the operationId `{operation_id}` is not the only one of this name.")
        operations = {operation.pointer: operation for operation, _ in found}
        ids = self._chooser.choose(
            FUNCTIONS,
            {pointer: _id_of(operation) for pointer, operation in operations.items()},
            names.function,
            owners={pointer: (operation.node, pointer) for pointer, operation in operations.items()},
            taken=namespaces.roots | namespaces.batched,
        )
        methods = self._methods(list(operations.values()), ids, namespaces)
        for operation, item in found:
            name, method, namespace = ids[operation.pointer], methods[operation.pointer], namespaces.of(operation)
            tags = {"tags": [namespace]} if "tags" in operation.node else {}
            key = operation.node.get("x-cstar-key", "any" if self._needs_key(operation) else "none")
            node = {**operation.node, "operationId": name, **tags, "x-cstar-namespace": namespace, "x-cstar-method": method}
            node["x-cstar-key"] = key
            yield replace(operation, node=node), item

    def _methods(self, operations: Sequence[Operation], ids: Mapping[str, str], namespaces: Namespaces) -> dict[str, str]:
        """Return the method of each operation: a name that is free in its namespace.

        It may be one that a function cannot have, such as that of its namespace or of a builtin.
        """
        found = {one.pointer: str(one.node["x-cstar-method"]) for one in operations if "x-cstar-method" in one.node}
        derived: dict[str, dict[str, str]] = {}
        for one in operations:
            if one.pointer not in found:
                text = ids[one.pointer] if NAME in one.node else _id_of(one)
                derived.setdefault(namespaces.of(one), {})[one.pointer] = text
        for namespace, texts in derived.items():
            taken = {found[one.pointer] for one in operations if one.pointer in found and namespaces.of(one) == namespace}
            found |= self._chooser.choose(f"methods of {namespace}", texts, _method, taken=taken | namespaces.below(namespace))
        return found

    def _needs_key(self, operation: Operation) -> bool:
        security = items(self._security_owner(operation), "security")
        return bool(security) and {} not in security

    def _operations(self) -> Iterator[_Found]:
        for path, given in entries(self._document.raw, "paths").items():
            if not is_object(given) or path.startswith("x-"):
                continue
            item, place = self._references.follow(given, child_pointer("#/paths", path))
            for method in (key for key in item if key in METHODS and is_object(item[key])):
                pointer = child_pointer("#/paths", path, method)
                yield Operation(pointer=pointer, path=path, method=method, node=item[method], parameters=()), (item, place)


def _method(text: str) -> str:
    return names.identifier(text, "call")


def _id_of(operation: Operation) -> str:
    """Return the operationId, or the method and the path without one: `get pets by pet_id`."""
    if given := str(operation.node.get("operationId", "")).strip():
        return given
    words = [f"by_{found[1]}" if (found := re.fullmatch(r"\{(.+)\}", part)) else part for part in operation.path.split("/")]
    return "_".join([operation.method, *(word for word in words if word)])
