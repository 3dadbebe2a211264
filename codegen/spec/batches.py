"""Check limits on the items of a body, and operations that are split over several requests."""

from __future__ import annotations

from codegen.errors import ProblemCollector
from codegen.spec.document import Document, Node, Operation, child_pointer, entries, find_keyword, is_list, is_object, schema_named
from codegen.spec.queries import BATCHING, CONDITIONAL_LIMIT, enveloped_data, sends_idempotency_key


def inspect(document: Document, problems: ProblemCollector) -> None:
    """Check conditional limits and batched operations."""
    allowed = {pointer for operation in document.operations for pointer in _fields_of_body(document, operation)}
    in_use = document.reachable_schemas([entries(document.raw, "paths"), {**document.components, "schemas": None}])
    for name, schema in document.schemas.items():
        for pointer in find_keyword(schema, CONDITIONAL_LIMIT, child_pointer("#/components/schemas", name)):
            if pointer in allowed:
                _inspect_limit(document.at(pointer), schema["properties"], pointer, problems)
            elif name in in_use:
                problems.add(pointer, f"`{CONDITIONAL_LIMIT}` is for the fields of a body.")
    for operation in document.operations:
        if BATCHING in operation.node:
            _inspect_batching(document, operation, problems)


def _fields_of_body(document: Document, operation: Operation) -> list[str]:
    body, _ = document.follow(entries(operation.node, "requestBody"), "")
    reference = body.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    target: object = document.at(reference) if reference else None
    return [child_pointer(reference, "properties", name) for name in entries(target, "properties")] if is_object(target) else []


def _inspect_limit(node: Node, siblings: Node, pointer: str, problems: ProblemCollector) -> None:
    rule = node[CONDITIONAL_LIMIT]
    if set(rule) != {"field", "value", "maxItems"} or not isinstance(rule["maxItems"], int):
        problems.add(pointer, f"`{CONDITIONAL_LIMIT}` must be of the form `{{field: …, value: …, maxItems: <a number>}}`.")
    elif rule["field"] not in siblings:
        problems.add(pointer, f"`{CONDITIONAL_LIMIT}` names `{rule['field']}`, which is not a property beside it.")
    elif node.get("type") != "array":
        problems.add(pointer, f"`{CONDITIONAL_LIMIT}` has no meaning without `type: array`.")


def _inspect_batching(document: Document, operation: Operation, problems: ProblemCollector) -> None:
    rule = operation.node[BATCHING]
    lists = [rule.get("add"), rule.get("join")]
    if not {"split", "add", "join"} <= set(rule) <= {"split", "add", "join", "shift"} or not all(map(is_list, lists)):
        problems.add(operation.pointer, f"`{BATCHING}` must be of the form `{{split: …, add: […], join: […], shift: …}}`.")
        return
    if not sends_idempotency_key(operation):
        problems.add(operation.pointer, f"`{BATCHING}` needs an operation with an idempotency key.")
    if any(not parameter.is_supplied_by_client for parameter in operation.parameters):
        problems.add(operation.pointer, f"`{BATCHING}` is for operations that take nothing but a body.")
    split = f"/properties/{rule['split']}"
    fields = [document.at(pointer) for pointer in _fields_of_body(document, operation) if pointer.endswith(split)]
    if not fields or fields[0].get("type") != "array" or "maxItems" not in fields[0]:
        problems.add(
            operation.pointer, f"`{BATCHING}` splits `{rule['split']}`, which is not an array of the body with `maxItems`."
        )
    result = _properties_of_result(document, operation)
    if result is None:
        problems.add(operation.pointer, f"`{BATCHING}` needs a response of one object with properties.")
        return
    for kind, names in (("integer", rule["add"]), ("array", rule["join"])):
        for name in names:
            if entries(result, name).get("type") != kind:
                problems.add(operation.pointer, f"`{BATCHING}` names `{name}`, which is no {kind} of the result.")
    for name in rule["join"] if "shift" in rule else ():
        item, _ = document.follow(entries(entries(result, name), "items"), "")
        if rule["shift"] not in entries(item, "properties"):
            problems.add(operation.pointer, f"`{BATCHING}` shifts `{rule['shift']}`, which the items of `{name}` do not have.")


def _properties_of_result(document: Document, operation: Operation) -> Node | None:
    """Return the properties of the object in `data`; None if it is not one."""
    for status in operation.successes:
        response, _ = document.follow(operation.node["responses"][status], "")
        schema = response.get("content", {}).get("application/json", {}).get("schema", {})
        schema, _ = document.follow(schema, "") if is_object(schema) else ({}, "")
        data = enveloped_data(schema) or entries(schema, "properties").get("data")
        target = None if not is_object(data) or "$ref" not in data else document.schemas.get(schema_named(data["$ref"]))
        if target is not None and target.get("properties"):
            return entries(target, "properties")
    return None
