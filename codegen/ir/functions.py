"""Build the endpoint functions: their signatures and the one call that each makes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from codegen import naming as names
from codegen.ir.docstrings import described
from codegen.ir.function_docs import batched_docstring, function_docstring, python_names
from codegen.ir.models import FieldSpec, ModelBuilder, ModelSpec, request_annotation
from codegen.ir.types import PythonType, TypeMapper
from codegen.parser import Parsed
from codegen.spec.document import Operation, Parameter
from codegen.spec.queries import (
    body_name,
    call_kind,
    caller_parameters,
    data_schema,
    is_nullable,
    result_name,
    sends_idempotency_key,
    text_content_type,
)


@dataclass(frozen=True, kw_only=True)
class FunctionSpec:
    """An endpoint function."""

    name: str
    keyword: str
    parameters: str
    returns: str
    doc: str
    call: str
    classes: frozenset[str]
    """The schemas that its code uses."""


@dataclass(frozen=True, kw_only=True)
class Argument:
    """An argument that is not an id."""

    name: str
    wire: str
    declaration: str
    is_required: bool
    description: str
    classes: tuple[str, ...]
    is_positional: bool = False


class FunctionBuilder:
    """Builds functions."""

    def __init__(self, parsed: Parsed, models: ModelBuilder, types: TypeMapper) -> None:
        self._parsed = parsed
        self._document = parsed.document
        self._models = models
        self._types = types

    def of(self, operation: Operation) -> FunctionSpec:
        """Build the function for an operation."""
        kind = call_kind(self._document, operation)
        result = self._types.of_component(result_name(self._document, operation))
        ids = [parameter for parameter in caller_parameters(operation) if parameter.location == "path"]
        in_path = [names.argument(parameter.name) for parameter in ids]
        wire_to_python = python_names(self._document, operation)
        query = self._query(operation, wire_to_python)
        body = self._body(operation)
        has_key = sends_idempotency_key(operation)
        fields = body.fields if body else ()
        arguments = sorted([*query, *(_body_argument(field, wire_to_python) for field in fields)], key=_argument_order)
        described_arguments = [(names.argument(parameter.name), described(parameter.node, wire_to_python)) for parameter in ids]
        described_arguments += [(argument.name, argument.description) for argument in arguments]
        returns = _RETURNS[kind].format(result.read_type)
        if text_content_type(self._document, operation) is not None:
            returns += " | str"
        elif is_nullable(data_schema(self._document, operation)):
            returns += " | None"
        is_paginated = kind in ("page", "whole")
        method = "client.__executor__.paginate" if is_paginated else "await client.__executor__.execute"
        leading = [f"operations.{operation.id.upper()}", returns if kind == "array" else result.read_type, *in_path]
        return FunctionSpec(
            name=operation.id,
            keyword="def" if is_paginated else "async def",
            parameters=_signature(in_path, arguments, has_key=has_key),
            returns=returns,
            doc=function_docstring(self._document, operation, described_arguments),
            call=_call(method, leading, query, body, has_key=has_key),
            classes=frozenset({*result.classes, *_classes_of(body), *(name for one in query for name in one.classes)}),
        )

    def batched(self, operation: Operation) -> FunctionSpec:
        """Build the function that splits an operation over several requests."""
        one = self.of(operation)
        body = self._body(operation)
        wire_to_python = python_names(self._document, operation)
        described_arguments = [(field.attribute, described(field.node, wire_to_python)) for field in (body.fields if body else ())]
        leading = ["client.__executor__", f"operations.{operation.id.upper()}_BATCHES", one.returns]
        return replace(
            one,
            name=names.batched(operation.id),
            doc=batched_docstring(self._document, operation, described_arguments),
            call=_call("await run_in_batches", leading, [], body, has_key=True),
        )

    def _body(self, operation: Operation) -> ModelSpec | None:
        name = body_name(self._document, operation)
        return self._models.models[name] if name else None

    def _query(self, operation: Operation, wire_to_python: dict[str, str]) -> list[Argument]:
        endpoint = self._parsed.endpoints[operation.id]
        properties = {prop.name.get_untrusted_value(): prop for prop in endpoint.query_parameters}
        return [
            _query_argument(parameter, self._types.of(properties[parameter.name], parameter.pointer), wire_to_python)
            for parameter in caller_parameters(operation)
            if parameter.location == "query"
        ]


_RETURNS = {"page": "Paginator[{}]", "whole": "Paginator[{}]", "array": "list[{}]", "object": "{}", "deleted": "{}"}


def _argument_order(argument: Argument) -> tuple[bool, bool]:
    """Sort positional arguments first, then required, then optional ones."""
    return not argument.is_positional, not argument.is_required


def _classes_of(model: ModelSpec | None) -> set[str]:
    return {model.name, *(name for field in model.fields for name in field.type_.classes)} if model else set()


def _query_argument(parameter: Parameter, type_: PythonType, wire_to_python: dict[str, str]) -> Argument:
    is_required = parameter.node.get("required") is True
    if type_.item_argument_type:
        type_ = replace(type_, argument_type=f"{type_.item_argument_type} | {type_.argument_type}")
    annotation, default = request_annotation(type_, is_required=is_required)
    name = names.argument(parameter.name)
    return Argument(
        name=name,
        wire=parameter.name,
        declaration=f"{name}: {annotation}{default}",
        is_required=is_required,
        description=described(parameter.node, wire_to_python),
        classes=type_.classes,
        is_positional=parameter.is_positional,
    )


def _body_argument(field: FieldSpec, wire_to_python: dict[str, str]) -> Argument:
    name = names.argument(field.wire)
    return Argument(
        name=name,
        wire=field.wire,
        declaration=name + field.declaration.removeprefix(field.attribute),
        is_required=field.is_required,
        description=described(field.node, wire_to_python),
        classes=field.type_.classes,
    )


def _signature(ids: list[str], arguments: list[Argument], *, has_key: bool) -> str:
    """Return the parameters: the client, ids by position or by name, then those by name."""
    positional = [f"{name}: str" for name in ids]
    positional += [argument.declaration for argument in arguments if argument.is_positional]
    named = [argument.declaration for argument in arguments if not argument.is_positional]
    named += ["idempotency_key: str | None = None"] if has_key else []
    named += ["options: RequestOptions | None = None"]
    return ", ".join(["client: SupportsExecute", "/", *positional, "*", *named])


def _call(method: str, leading: list[str], query: list[Argument], body: ModelSpec | None, *, has_key: bool) -> str:
    """Return the call that the function makes."""
    given = list(leading)
    if query:
        given.append(f"query={{{', '.join(f'{argument.wire!r}: {argument.name}' for argument in query)}}}")
    if body:
        given.append(f"body={body.name}({', '.join(f'{field.attribute}={names.argument(field.wire)}' for field in body.fields)})")
    given += ["idempotency_key=idempotency_key"] if has_key else []
    given += ["options=options"]
    return f"{method}({', '.join(given)})"
