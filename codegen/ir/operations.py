"""Build the constants of `operations/`: plain values for the runtime and the fake server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from codegen import naming as names
from codegen.ir.docstrings import text_of
from codegen.spec.document import Document, Node, Operation, Parameter, entries, is_list, is_object, items, schema_named
from codegen.spec.queries import (
    BATCHING,
    CONDITIONAL_LIMIT,
    DEPRECATED_VALUES,
    OLD_CONSTANTS,
    OLD_NAME,
    READ_AS,
    alternatives,
    argument_names,
    body_name,
    caller_parameters,
    is_free_object,
    kinds_of,
    result_name,
    scope_of,
    sends_idempotency_key,
)

_IN_PATHS = "/%:@!$&'()*+,;=?#"
"""What stays as it is in the fixed parts of a path. Escapes are kept, and so is a query."""
_JSON_SHAPES = ("object", "array", "page", "deleted", "value")
PROSE = frozenset(
    {"description", "title", "x-evidence", "x-source", "x-enum-descriptions", "x-enum-varnames", "example", "examples"}
    | {"x-cstar-models", "x-cstar-name", "x-cstar-class", READ_AS, OLD_NAME, OLD_CONSTANTS, DEPRECATED_VALUES}
)
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


def operation_spec(document: Document, operation: Operation, credentials: frozenset[str] | None = None) -> OperationSpec:
    """Build the constant of an operation. Arguments with their default are left out.

    Args:
        document: The document.
        operation: The operation.
        credentials: The security schemes that the client has credentials for. None: it sends the same ones with every call.
    """
    scope, prefix = scope_of(document, operation)
    path = operation.path.removeprefix(prefix)
    found, result = operation.result, result_name(operation)
    values: dict[str, Any] = {
        "id": operation.id,
        "namespace": operation.namespace,
        "name": operation.name,
        "method": operation.method.upper(),
        "path": operation.path,
        "scope": scope,
        "segments": tuple(quote(part, safe=_IN_PATHS) for part in re.split(r"\{[^{}]*\}", path)),
        "shape": found.shape,
        "success_status": found.status or 200,
        "result": result if result and not is_free_object(document.schemas[result]) else None,
        "request": body_name(operation),
        "required_key": operation.node["x-cstar-key"],
        "sends_idempotency_key": sends_idempotency_key(operation),
        "evidence": text_of(operation.node, "x-evidence") or "documented",
    }
    code_of = {name: repr(value) for name, value in values.items()}
    if parameters := "".join(f"{_parameter(document, operation, parameter)}, " for parameter in caller_parameters(operation)):
        code_of["parameters"] = f"({parameters})"
    if credentials is not None and (security := _security(document, operation, credentials)) is not None:
        code_of["security"] = repr(security)
    if known := _known_values(document, operation):
        code_of["known_values"] = f"{{{known}}}"
    if found.paging:
        code_of["paging"] = f"Paging({', '.join(f'{name}={value!r}' for name, value in found.paging.items())})"
    if found.text:
        code_of["text"] = repr(found.text)
    if limits := "".join(f"{_limit(one)}, " for one in limits_of(document, operation)):
        code_of["limits"] = f"({limits})"
    flags = {"nullable": found.is_nullable, "may_be_empty": found.may_be_empty, "has_envelope": not found.has_envelope}
    code_of |= {name: repr(name != "has_envelope") for name, is_other in flags.items() if is_other and found.shape in _JSON_SHAPES}
    if operation.body and operation.body.may_be_left_out:
        code_of["optional_body"] = "True"
    if styles := _query_styles(document, operation):
        code_of["query_styles"] = repr(styles)
    if operation.body and operation.body.json_type:
        code_of["json_type"] = repr(operation.body.json_type)
    if operation.body and not operation.body.has_fields and _allows_null(operation.body.schema):
        code_of["nullable_body"] = "True"
    if styles := _form_styles(document, operation):
        code_of["form_styles"] = repr(styles)
    if operation.body and operation.body.media != "json":
        code_of["body_format"] = repr(operation.body.media)
    if operation.body and operation.body.files:
        code_of["file_fields"] = f"frozenset({{{', '.join(map(repr, sorted(operation.body.files)))}}})"
    if operation.body and operation.body.types:
        code_of["body_types"] = repr(dict(operation.body.types))
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
    name = body_name(operation)
    found: list[LimitSpec] = []
    for wire, node in entries(document.schemas[name], "properties").items() if name else ():
        if isinstance(node.get("maxItems"), int):
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
        if key == "properties" and is_object(value)
        else _without_prose(key, value)
        for key, value in schema.items()
        if key not in PROSE
    }


def _without_prose(key: str, value: Any) -> Any:
    """Return the value of a key, without prose if it is a schema."""
    return value if key.startswith("x-") or key in ("enum", "const", "default", "discriminator") else strip_descriptions(value)


def _security(document: Document, operation: Operation, credentials: frozenset[str]) -> tuple[tuple[str, ...], ...] | None:
    """Return the credentials that an operation needs, as alternatives; None if it needs all of them."""
    needs = items(operation.node if "security" in operation.node else document.raw, "security")
    found = dict.fromkeys(tuple(name for name in need if name in credentials) for need in needs if is_object(need))
    return None if [set(one) for one in found] == [credentials] else tuple(found)


def _known_values(document: Document, operation: Operation) -> str:
    """Return the known values of the query parameters that are enums, as the items of a dict literal."""
    found: dict[str, list[str]] = {}
    for parameter in caller_parameters(operation):
        schema = parameter.node["schema"]
        reference = (entries(schema, "items") or schema).get("$ref")
        if parameter.location == "query" and reference is not None:
            found[parameter.name] = items(document.schemas[schema_named(reference)], "enum")
    return "".join(f"{name!r}: frozenset({{{', '.join(map(repr, values))}}}), " for name, values in found.items() if values)


def _query_styles(document: Document, operation: Operation) -> dict[str, str]:
    """Return the style of each parameter of the query that is not sent as a plain value or joined with commas."""
    query = [parameter for parameter in caller_parameters(operation) if parameter.location == "query"]
    styles = {parameter.name: _query_style(document, parameter.node) for parameter in query}
    return {name: style for name, style in styles.items() if style}


def _allows_null(schema: Node) -> bool:
    return not (schema.keys() & {"$ref", "type", "oneOf", "anyOf"}) or alternatives(schema)[1]


def _form_styles(document: Document, operation: Operation) -> dict[str, str]:
    """Return the style of each field of a form that has one of its own: a joined list, or an object with keys in brackets."""
    body, name = operation.body, body_name(operation)
    if body is None or name is None or body.media != "form":
        return {}
    properties = entries(document.schemas[name], "properties")
    encodings = entries(next(iter(body.node["content"].values())), "encoding")
    given = {wire: {**node, "schema": properties[wire]} for wire, node in encodings.items() if wire in properties}
    styles = {wire: _query_style(document, node) for wire, node in given.items() if node.keys() & {"style", "explode"}}
    return {wire: style or "joined" for wire, style in styles.items() if style in ("", "space", "pipe", "deep")}


def _query_style(document: Document, node: Node) -> str:
    if "content" in node:
        return "json"
    kinds = kinds_of(document, node["schema"])
    style = str(node.get("style") or "form")
    if "array" in kinds and style in ("spaceDelimited", "pipeDelimited") and node.get("explode") is not True:
        return "space" if style == "spaceDelimited" else "pipe"
    if "object" in kinds and style == "deepObject":
        return "deep"
    if node.get("explode", style == "form") is not True:
        return "pairs" if "object" in kinds else ""
    return "exploded" if "array" in kinds else "fields" if "object" in kinds else ""


def _parameter(document: Document, operation: Operation, parameter: Parameter) -> str:
    values: dict[str, Any] = {
        "name": parameter.name,
        "attribute": argument_names(document, operation)[parameter.location, parameter.name],
        "location": parameter.location,
        "required": parameter.node.get("required", False),
        "positional": parameter.is_positional,
        "schema": strip_descriptions(parameter.node["schema"]),
    }
    stated = {name: value for name, value in values.items() if value or name == "name"}  # a name may be empty
    return f"Parameter({', '.join(f'{name}={value!r}' for name, value in stated.items())})"
