"""Build the constants of `operations/`: plain values for the runtime and the fake server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from codegen import naming as names
from codegen.spec.document import Document, Operation, Parameter, entries, is_list, is_object, items
from codegen.spec.queries import (
    BATCHING,
    CONDITIONAL_LIMIT,
    body_name,
    caller_parameters,
    data_schema,
    is_free_object,
    is_nullable,
    path_scope,
    response_shape,
    result_name,
    sends_idempotency_key,
    success_response,
    text_content_type,
)

PROSE = frozenset({"description", "x-evidence", "x-source", "x-enum-descriptions", "examples", "x-cstar-models"})
"""Keys for readers and type checkers, left out of the data for programs."""


@dataclass(frozen=True, kw_only=True)
class OperationSpec:
    """A constant of the module of its root namespace."""

    root: str
    constant: str
    id: str
    arguments: str
    batch_plan: str
    """The arguments of its `BatchPlan`; empty if it cannot be split."""


def operation_spec(document: Document, operation: Operation) -> OperationSpec:
    """Build the constant of an operation. Arguments with their default are left out."""
    scope, prefix = path_scope(operation.path)
    path = operation.path.removeprefix(prefix)
    result = result_name(document, operation)
    values: dict[str, Any] = {
        "id": operation.id,
        "namespace": operation.namespace,
        "name": operation.name,
        "method": operation.method.upper(),
        "path": operation.path,
        "scope": scope,
        "segments": tuple(re.split(r"\{[^{}]*\}", path)),
        "shape": response_shape(document, operation),
        "success_status": int(operation.successes[0]),
        "result": None if is_free_object(document.schemas[result]) else result,
        "request": body_name(document, operation),
        "required_key": operation.node["x-cstar-key"],
        "sends_idempotency_key": sends_idempotency_key(operation),
        "evidence": operation.node["x-evidence"],
    }
    code_of = {name: repr(value) for name, value in values.items()}
    if parameters := "".join(f"{_parameter(parameter)}, " for parameter in caller_parameters(operation)):
        code_of["parameters"] = f"({parameters})"
    if known := _known_values(document, operation):
        code_of["known_values"] = f"{{{known}}}"
    if text := text_content_type(document, operation):
        code_of["text"] = repr(text)
    if limits := "".join(f"{_limit(one)}, " for one in limits_of(document, operation)):
        code_of["limits"] = f"({limits})"
    if is_nullable(data_schema(document, operation)):
        code_of["nullable"] = "True"
    if success_response(document, operation).get("x-cstar-may-be-empty"):
        code_of["may_be_empty"] = "True"
    constant = operation.id.upper()
    arguments = "".join(f"{name}={code}, " for name, code in code_of.items())
    return OperationSpec(
        root=operation.root, constant=constant, id=operation.id, arguments=arguments, batch_plan=_batch_plan(document, operation)
    )


@dataclass(frozen=True, kw_only=True)
class LimitSpec:
    """The maximum number of items of an array in a body."""

    wire: str
    max_items: int
    condition: tuple[str, str] | None = None
    alternative: str | None = None


def limits_of(document: Document, operation: Operation) -> list[LimitSpec]:
    """Return the limits of the body's arrays."""
    name = body_name(document, operation)
    found: list[LimitSpec] = []
    for wire, node in entries(document.schemas[name], "properties").items() if name else ():
        if "maxItems" in node:
            rule = operation.node.get(BATCHING, {})
            alternative = f"{operation.namespace}.{names.batched(operation.name)}" if rule.get("split") == wire else None
            found.append(LimitSpec(wire=wire, max_items=node["maxItems"], alternative=alternative))
        if rule := node.get(CONDITIONAL_LIMIT):
            found.append(LimitSpec(wire=wire, max_items=rule["maxItems"], condition=(rule["field"], rule["value"])))
    return found


def batch_size(document: Document, operation: Operation) -> int:
    """Return the number of items in each request of a batched operation."""
    split = operation.node[BATCHING]["split"]
    return next(limit.max_items for limit in limits_of(document, operation) if limit.wire == split and limit.condition is None)


def _limit(limit: LimitSpec) -> str:
    values: dict[str, Any] = {"field": limit.wire, "max_items": limit.max_items}
    optional = {"condition": limit.condition, "alternative": limit.alternative}
    values |= {name: value for name, value in optional.items() if value is not None}
    return f"Limit({', '.join(f'{name}={value!r}' for name, value in values.items())})"


def _batch_plan(document: Document, operation: Operation) -> str:
    if BATCHING not in operation.node:
        return ""
    rule = operation.node[BATCHING]
    values: dict[str, Any] = {
        "split": names.attribute(rule["split"]),
        "size": batch_size(document, operation),
        "add": tuple(map(names.attribute, rule["add"])),
        "join": tuple(map(names.attribute, rule["join"])),
    }
    values |= {"shift": names.attribute(rule["shift"])} if "shift" in rule else {}
    return "".join(f"{name}={value!r}, " for name, value in values.items())


def strip_descriptions(schema: Any) -> Any:
    """Return a schema without the keys for readers. Properties keep their names."""
    if is_list(schema):
        return [strip_descriptions(item) for item in schema]
    if not is_object(schema):
        return schema
    return {
        key: {name: strip_descriptions(inner) for name, inner in value.items()}
        if key == "properties"
        else _without_prose(key, value)
        for key, value in schema.items()
        if key not in PROSE
    }


def _without_prose(key: str, value: Any) -> Any:
    """Return the value of a key, without prose if it is a schema."""
    return value if key.startswith("x-") or key in ("enum", "const", "default", "discriminator") else strip_descriptions(value)


def _known_values(document: Document, operation: Operation) -> str:
    """Return the known values of the query parameters that are enums, as the items of a dict literal."""
    found: dict[str, list[str]] = {}
    for parameter in caller_parameters(operation):
        schema = parameter.node["schema"]
        reference = schema.get("items", schema).get("$ref")
        if parameter.location == "query" and reference is not None:
            found[parameter.name] = items(document.at(reference), "enum")
    return "".join(f"{name!r}: frozenset({{{', '.join(map(repr, values))}}}), " for name, values in found.items() if values)


def _parameter(parameter: Parameter) -> str:
    values: dict[str, Any] = {
        "name": parameter.name,
        "attribute": names.argument(parameter.name),
        "location": parameter.location,
        "required": parameter.node.get("required", False),
        "positional": parameter.is_positional,
        "schema": strip_descriptions(parameter.node["schema"]),
    }
    return f"Parameter({', '.join(f'{name}={value!r}' for name, value in values.items() if value)})"
