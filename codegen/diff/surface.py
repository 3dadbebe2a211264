"""Collect what Python callers use of a generated package: the names, and the types of their arguments and results."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from codegen.ir.build import ApiModuleSpec, GeneratedCode
from codegen.ir.client import ClientSpec
from codegen.ir.functions import FunctionSpec
from codegen.ir.model_specs import ModelSpec
from codegen.ir.usage import SchemaUsage
from codegen.spec.document import Document, Node, Operation, child_pointer, entries
from codegen.spec.queries import BODY, OLD_NAME, argument_names, body_name, caller_parameters, function_name

Use: TypeAlias = Literal["read", "written", "both"]


@dataclass(frozen=True, kw_only=True)
class Argument:
    """An argument of a function, or a field of a model."""

    name: str
    annotation: str
    is_required: bool = True
    is_positional: bool = False
    wire: str = ""
    """Where and under which name it is sent: `query pageSize`, `body title`. The wire name alone for a field."""
    is_deprecated: bool = False
    old_name: str = ""
    """A name that it had before, and that works as well."""
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class Function:
    """An endpoint function and its method."""

    name: str
    module: str
    namespace: str
    method: str
    operation: str
    """The method and the path: `GET /tickets/{}`."""
    is_async: bool
    arguments: tuple[Argument, ...]
    returns: str
    is_deprecated: bool = False
    place: str = ""

    @property
    def path(self) -> str:
        """The method as a caller writes it: `tickets.list`."""
        return f"{self.namespace}.{self.method}"


@dataclass(frozen=True, kw_only=True)
class ModelClass:
    """A model: its fields by attribute."""

    name: str
    module: str
    use: Use
    fields: tuple[Argument, ...]
    old_name: str = ""
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class EnumClass:
    """An enum: its constants and their values."""

    name: str
    module: str
    constants: dict[str, str]
    old_name: str = ""
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class Alias:
    """A union of models."""

    name: str
    module: str
    annotation: str
    use: Use
    old_name: str = ""
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class EventClass:
    """The class of a type of event."""

    name: str
    type: str
    data: str
    old_type: str = ""
    """A type that it had before, and whose handlers work as well."""
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class Client:
    """The client class of a package of its own."""

    name: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, kw_only=True)
class PythonSurface:
    """What Python callers use."""

    functions: tuple[Function, ...] = ()
    models: tuple[ModelClass, ...] = ()
    enums: tuple[EnumClass, ...] = ()
    aliases: tuple[Alias, ...] = ()
    events: tuple[EventClass, ...] = ()
    clients: tuple[Client, ...] = ()


def surface_of(document: Document, code: GeneratedCode, client: ClientSpec | None = None) -> PythonSurface:
    """Collect the surface of a document's code.

    Args:
        document: The parsed document.
        code: What was built from it.
        client: The client of a package of its own.
    """
    return _Collector(document).collect(code, client)


class _Collector:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._operations = {operation.id: operation for operation in document.operations}
        self._usage = SchemaUsage(document)

    def collect(self, code: GeneratedCode, client: ClientSpec | None) -> PythonSurface:
        models = [(module.name, model) for module in code.model_modules for model in module.models]
        return PythonSurface(
            functions=tuple(function for module in code.api_modules for function in self._functions(module)),
            models=tuple(self._model(module, model) for module, model in models),
            enums=tuple(
                EnumClass(
                    name=enum.name,
                    module=module.name,
                    constants={member.constant: member.value for member in enum.members},
                    old_name=enum.old_name,
                    place=self._place_of(enum.name),
                )
                for module in code.model_modules
                for enum in module.enums
            ),
            aliases=tuple(
                Alias(
                    name=union.name,
                    module=module.name,
                    annotation=union.members,
                    use=self._use(union.name),
                    old_name=union.old_name,
                    place=self._place_of(union.name),
                )
                for module in code.model_modules
                for union in module.unions
            ),
            events=tuple(
                EventClass(
                    name=event.name,
                    type=event.type,
                    data=event.data,
                    old_type=event.old_type,
                    place=child_pointer("#/webhooks", event.type),
                )
                for event in code.events
            ),
            clients=(Client(name=client.name, arguments=tuple(_client_arguments(client))),) if client else (),
        )

    def _place_of(self, schema: str, *keys: str) -> str:
        return child_pointer(self._document.place_of(schema), *keys)

    def _field(self, schema: str, wire: str) -> Node:
        return entries(entries(self._document.schemas[schema], "properties"), wire)

    def _use(self, name: str) -> Use:
        return "both" if name in self._usage.shared else "written" if name in self._usage.requests else "read"

    def _functions(self, module: ApiModuleSpec) -> Iterator[Function]:
        methods = {method.function: method.name for one in module.namespaces.classes for method in one.methods}
        for spec in module.functions:
            operation = self._operations[spec.operation]
            is_batched = spec.name != function_name(operation)
            yield Function(
                name=spec.name,
                module=module.name,
                namespace=operation.namespace,
                method=methods[spec.name],
                operation=f"{operation.method.upper()} {operation.path}{' in batches' if is_batched else ''}",
                is_async=spec.keyword == "async def",
                arguments=tuple(self._arguments(spec, operation)),
                returns=spec.returns,
                is_deprecated=operation.node.get("deprecated") is True,
                place=operation.pointer,
            )

    def _arguments(self, spec: FunctionSpec, operation: Operation) -> Iterator[Argument]:
        wires = {name: place for place, name in argument_names(self._document, operation).items()}
        parameters = {(one.location, one.name): one for one in caller_parameters(operation)}
        body = body_name(operation)
        for argument in _signature(spec.parameters):
            location, wire = wires.get(argument.name, ("", ""))
            parameter = parameters.get((location, wire))
            place, node = (parameter.pointer, parameter.node) if parameter else (operation.pointer, {})
            if location == BODY and body:
                place, node = self._place_of(body, "properties", wire), self._field(body, wire)
            yield replace(argument, wire=f"{location} {wire}".strip(), place=place, **_from_node(node))

    def _model(self, module: str, model: ModelSpec) -> ModelClass:
        fields: list[Argument] = []
        for one in model.fields:
            (argument,) = _signature(f"*, {one.declaration}")
            place = self._place_of(model.name, "properties", one.wire)
            node = self._field(model.name, one.wire)
            fields.append(replace(argument, wire=one.wire, place=place, **_from_node(node)))
        return ModelClass(
            name=model.name,
            module=module,
            use=self._use(model.name),
            fields=tuple(fields),
            old_name=model.old_name,
            place=self._place_of(model.name),
        )


def _from_node(node: Node) -> dict[str, Any]:
    return {"is_deprecated": node.get("deprecated") is True, "old_name": str(node.get(OLD_NAME, ""))}


def _signature(parameters: str) -> Iterator[Argument]:
    """Yield the arguments of a function's source text, without the client."""
    (function,) = ast.parse(f"def f({parameters}): ...").body
    assert isinstance(function, ast.FunctionDef)  # noqa: S101  # the text is one function
    given = function.args
    required = len(given.args) - len(given.defaults)
    for index, one in enumerate(given.args):
        yield _argument(one, is_required=index < required, is_positional=True)
    for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield _argument(one, is_required=default is None, is_positional=False)


def _argument(node: ast.arg, *, is_required: bool, is_positional: bool) -> Argument:
    annotation = ast.unparse(node.annotation) if node.annotation else "object"
    return Argument(name=node.arg, annotation=annotation, is_required=is_required, is_positional=is_positional)


def _client_arguments(client: ClientSpec) -> Iterator[Argument]:
    return _signature(f"*, {client.parameters}")
