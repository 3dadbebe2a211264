"""Operations as the constants of `operations/`: plain values, for the runtime and the fake server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from codegen import naming as names
from codegen.ir.usage import body_name, data_schema, result_name, success_response
from codegen.lint.batches import LIMIT_WHEN, RUN_ALL
from codegen.lint.operations import IDEMPOTENCY_KEY, is_nullable, scope_of
from codegen.lint.schemas import is_free
from codegen.spec.document import Document, Operation, Parameter, entries, is_list, is_object

PROSE = frozenset({"description", "x-source", "x-enum-descriptions", "examples"})
"""What people read: left out of everything that programs read."""


@dataclass(frozen=True, kw_only=True)
class OperationView:
    """A constant of the module of its root namespace."""

    root: str
    constant: str
    id: str
    arguments: str
    run_all: str
    """The arguments of the constant that splits it over several calls; empty: it cannot be split."""


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
        "success_status": int(operation.successes[0]),
        "result": None if is_free(document.schemas[result]) else result,
        "request": body_name(document, operation),
        "required_key": operation.node["x-cstar-key"],
        "sends_idempotency_key": any(parameter.name == IDEMPOTENCY_KEY for parameter in operation.parameters),
        "evidence": operation.node["x-evidence"],
    }
    spelt = {name: repr(value) for name, value in values.items()}
    if parameters := "".join(f"{_parameter(parameter)}, " for parameter in own_parameters(operation)):
        spelt["parameters"] = f"({parameters})"
    if text := text_of_answer(document, operation):
        spelt["text"] = repr(text)
    if limits := "".join(f"{_limit(one)}, " for one in limits_of(document, operation)):
        spelt["limits"] = f"({limits})"
    if is_nullable(data_schema(document, operation)):
        spelt["nullable"] = "True"
    if success_response(document, operation).get("x-cstar-may-be-empty"):
        spelt["may_be_empty"] = "True"
    constant = operation.id.upper()
    arguments = "".join(f"{name}={code}, " for name, code in spelt.items())
    return OperationView(
        root=operation.root, constant=constant, id=operation.id, arguments=arguments, run_all=_run_all(document, operation)
    )


def shape_of_answer(document: Document, operation: Operation) -> str:
    """What stands in `data`: `page`, `array`, `deleted` or `object`."""
    if operation.node.get("x-cstar-pagination") == "page":
        return "page"
    if data_schema(document, operation).get("type") == "array":
        return "array"
    return "deleted" if result_name(document, operation) == "Deleted" else "object"


def call_kind(document: Document, operation: Operation) -> str:
    """Return the shape of the response, or `whole`: a GET of a list that is not paged, which returns a `Paginator` of one page."""
    shape = shape_of_answer(document, operation)
    return "whole" if shape == "array" and operation.method == "get" else shape


def text_of_answer(document: Document, operation: Operation) -> str | None:
    """The content type of the text that a good answer may be; None: it never is."""
    text: str | None = success_response(document, operation).get("x-cstar-text")
    return text


@dataclass(frozen=True, kw_only=True)
class LimitView:
    """How many items an array of the body may have."""

    wire: str
    max_items: int
    condition: tuple[str, str] | None = None
    alternative: str | None = None


def limits_of(document: Document, operation: Operation) -> list[LimitView]:
    """The limits of the body's arrays."""
    name = body_name(document, operation)
    found: list[LimitView] = []
    for wire, node in entries(document.schemas[name], "properties").items() if name else ():
        if "maxItems" in node:
            rule = operation.node.get(RUN_ALL, {})
            alternative = f"{operation.namespace}.{method_for_all(operation)}" if rule.get("split") == wire else None
            found.append(LimitView(wire=wire, max_items=node["maxItems"], alternative=alternative))
        if rule := node.get(LIMIT_WHEN):
            found.append(LimitView(wire=wire, max_items=rule["maxItems"], condition=(rule["field"], rule["value"])))
    return found


def id_for_all(operation: Operation) -> str:
    """The name of the function that splits an operation."""
    return f"{operation.id}_all"


def method_for_all(operation: Operation) -> str:
    """What the client calls the same."""
    return f"{operation.node['x-cstar-method']}_all"


def size_of_call(document: Document, operation: Operation) -> int:
    """How many items go with one call of an operation that is split."""
    split = operation.node[RUN_ALL]["split"]
    return next(limit.max_items for limit in limits_of(document, operation) if limit.wire == split and limit.condition is None)


def _limit(limit: LimitView) -> str:
    values: dict[str, Any] = {"field": limit.wire, "max_items": limit.max_items}
    optional = {"condition": limit.condition, "alternative": limit.alternative}
    values |= {name: value for name, value in optional.items() if value is not None}
    return f"Limit({', '.join(f'{name}={value!r}' for name, value in values.items())})"


def _run_all(document: Document, operation: Operation) -> str:
    if RUN_ALL not in operation.node:
        return ""
    rule = operation.node[RUN_ALL]
    values: dict[str, Any] = {
        "split": names.attribute(rule["split"]),
        "size": size_of_call(document, operation),
        "add": tuple(map(names.attribute, rule["add"])),
        "join": tuple(map(names.attribute, rule["join"])),
    }
    values |= {"shift": names.attribute(rule["shift"])} if "shift" in rule else {}
    return "".join(f"{name}={value!r}, " for name, value in values.items())


def own_parameters(operation: Operation) -> list[Parameter]:
    """The parameters that a caller gives: those of the path in its order, then the others in the document's."""
    given = [parameter for parameter in operation.parameters if not parameter.is_supplied_by_client]
    path = sorted((one for one in given if one.location == "path"), key=lambda one: operation.placeholders.index(one.name))
    return path + [one for one in given if one.location != "path"]


def strip_descriptions(schema: Any) -> Any:
    """A schema without what only people read. Properties keep their names, whatever those are."""
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
    """What stands under a key of a schema: a schema, or a value that is data and stays as it is."""
    return value if key.startswith("x-") or key in ("enum", "const", "default", "discriminator") else strip_descriptions(value)


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
