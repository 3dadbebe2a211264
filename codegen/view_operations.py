"""Operations as the constants of `operations.py`: plain values, for the runtime and the fake server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from codegen import view_names as names
from codegen.document import Document, Node, Operation, Parameter, is_list, is_object
from codegen.preflight_operations import IDEMPOTENCY_KEY, scope_of
from codegen.preflight_schemas import is_free
from codegen.view_usage import body_name, data_schema, result_name
from codegen.vocabulary import CONSUMED

PROSE = frozenset({"description", "x-source", "x-enum-descriptions", "examples"})
"""What people read: left out of everything that programs read."""


@dataclass(frozen=True, kw_only=True)
class OperationView:
    """A constant of `operations.py`."""

    constant: str
    id: str
    arguments: str


def operation_view(document: Document, operation: Operation) -> OperationView:
    """The constant for an operation. Arguments that would only say the default are left out."""
    scope, prefix = scope_of(operation.path)
    path = operation.path.removeprefix(prefix)
    result = result_name(document, operation)
    values: dict[str, Any] = {
        "id": operation.id,
        "namespace": operation.namespace,
        "name": operation.node["x-cstar-method"],
        "method": operation.method.upper(),
        "path": operation.path,
        "scope": scope,
        "segments": tuple(re.split(r"\{[^{}]*\}", path)),
        "shape": shape_of_answer(document, operation),
        "success": int(operation.successes[0]),
        "result": None if is_free(document.schemas[result]) else result,
        "request": body_name(document, operation),
        "key": operation.node["x-cstar-key"],
        "idempotent": any(parameter.name == IDEMPOTENCY_KEY for parameter in operation.parameters),
        "evidence": operation.node["x-evidence"],
    }
    spelt = {name: repr(value) for name, value in values.items()}
    if parameters := "".join(f"{_parameter(parameter)}, " for parameter in own_parameters(operation)):
        spelt["parameters"] = f"({parameters})"
    if extensions := _extensions(operation.node):
        spelt["extensions"] = repr(extensions)
    arguments = "".join(f"{name}={code}, " for name, code in spelt.items())
    return OperationView(constant=operation.id.upper(), id=operation.id, arguments=arguments)


def shape_of_answer(document: Document, operation: Operation) -> str:
    """What stands in `data`: `page`, `array`, `deleted` or `object`."""
    if operation.node.get("x-cstar-pagination") == "page":
        return "page"
    if data_schema(document, operation).get("type") == "array":
        return "array"
    return "deleted" if result_name(document, operation) == "Deleted" else "object"


def own_parameters(operation: Operation) -> list[Parameter]:
    """The parameters that a caller gives: those of the path in its order, then the others in the document's."""
    given = [parameter for parameter in operation.parameters if not parameter.is_supplied_by_client]
    path = sorted((one for one in given if one.location == "path"), key=lambda one: operation.placeholders.index(one.name))
    return path + [one for one in given if one.location != "path"]


def without_prose(schema: Any) -> Any:
    """A schema without what only people read. Properties keep their names, whatever those are."""
    if is_list(schema):
        return [without_prose(item) for item in schema]
    if not is_object(schema):
        return schema
    return {
        key: {name: without_prose(inner) for name, inner in value.items()} if key == "properties" else _without_prose(key, value)
        for key, value in schema.items()
        if key not in PROSE
    }


def _without_prose(key: str, value: Any) -> Any:
    """What stands under a key of a schema: a schema, or a value that is data and stays as it is."""
    return value if key.startswith("x-") or key in ("enum", "const", "default", "discriminator") else without_prose(value)


def _parameter(parameter: Parameter) -> str:
    values: dict[str, Any] = {
        "name": parameter.name,
        "attribute": names.attribute(parameter.name),
        "location": parameter.location,
        "required": parameter.node.get("required", False),
        "schema": without_prose(parameter.node["schema"]),
        "extensions": _extensions(parameter.node),
    }
    return f"Parameter({', '.join(f'{name}={value!r}' for name, value in values.items() if value)})"


def _extensions(node: Node) -> Node:
    return {
        key.removeprefix("x-cstar-"): value for key, value in node.items() if key.startswith("x-cstar-") and key not in CONSUMED
    }
