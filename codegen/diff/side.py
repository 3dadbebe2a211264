"""One of two documents that are compared, with what Python callers see of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

from codegen.diff.matching import operation_key
from codegen.diff.surface import Argument, PythonSurface
from codegen.spec.document import Document, Operation, Parameter
from codegen.spec.queries import envelope_name

Direction: TypeAlias = Literal["request", "response", "both"]


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two documents, with what Python callers see of it."""

    document: Document
    surface: PythonSurface

    @cached_property
    def methods(self) -> dict[str, str]:
        """The method of each operation, by its pointer."""
        return {one.place: one.path for one in reversed(self.surface.functions)}

    @cached_property
    def operations(self) -> dict[str, Operation]:
        """The operations by method and path."""
        return {operation_key(f"{one.method} {one.path}"): one for one in self.document.operations}

    @cached_property
    def arguments(self) -> dict[tuple[str, str], Argument]:
        """The arguments by the pointer of their operation and their place on the wire."""
        return {(one.place, argument.wire): argument for one in self.surface.functions for argument in one.arguments}

    @cached_property
    def fields(self) -> dict[tuple[str, str], str]:
        """The attributes of models, by class and wire name."""
        return {(model.name, field.wire): field.name for model in self.surface.models for field in model.fields}

    @cached_property
    def directions(self) -> dict[str, Direction]:
        """How each schema that is in use travels."""
        document = self.document
        sent: list[Any] = [operation.body.schema for operation in document.operations if operation.body]
        sent += [one.node["schema"] for operation in document.operations for one in operation.parameters]
        got: list[Any] = [operation.result.schema for operation in document.operations]
        got += [event.data for event in document.events]
        results = {envelope_name(operation) for operation in document.operations}  # compared with the operations
        read = [name for name, node in document.schemas.items() if node.get("x-cstar-envelope") and name not in results]
        got += [{"$ref": f"#/components/schemas/{name}"} for name in read]
        requests, responses = document.reachable_schemas(sent), document.reachable_schemas(got)
        return {
            name: "both" if name in requests and name in responses else "request" if name in requests else "response"
            for name in requests | responses
        }

    def argument_name(self, operation: Operation, parameter: Parameter) -> str:
        """Return a parameter as a caller writes it."""
        method = self.methods.get(operation.pointer, operation.id)
        argument = self.arguments.get((operation.pointer, f"{parameter.location} {parameter.name}"))
        return f"{method}({argument.name}=)" if argument else f"{method}()"

    def field_name(self, schema: str, wire: str) -> str:
        """Return a field as a caller writes it."""
        return f"{schema}.{self.fields.get((schema, wire), wire)}"
