"""Check operations, their parameters, bodies and responses."""

from __future__ import annotations

import re

from codegen.errors import ProblemCollector
from codegen.lint.schemas import SchemaRules
from codegen.spec.document import Document, Node, Operation, Parameter, child_pointer, entries, is_object, items, schema_named
from codegen.spec.queries import JSON_TYPE, enveloped_data, is_model, is_union, path_scope, referenced_schema, sends_idempotency_key

REQUIRED_OPERATION_KEYS = (
    *("operationId", "summary", "x-cstar-namespace", "x-cstar-method", "x-cstar-key", "x-evidence", "x-source"),
)
_KEYS = ("any", "secret", "none")
REQUIRED_PARAMETER_KEYS = ("description", "x-evidence", "x-source")

_PLACEHOLDER = re.compile(r"\{[^{}/]*\}")
_PATH = re.compile(r"(/([A-Za-z0-9._~-]|\{[A-Za-z0-9_]+\})+)+")


def inspect(document: Document, problems: ProblemCollector) -> None:
    """Check all operations."""
    if not document.operations:
        problems.add("#/paths", "the document has no operations.")
    _inspect_paths(document, problems)
    for operation in document.operations:
        OperationRules(document, operation, problems).inspect()


def _inspect_paths(document: Document, problems: ProblemCollector) -> None:
    seen: dict[str, str] = {}
    for path in entries(document.raw, "paths"):
        pointer = child_pointer("#/paths", path)
        if not path.startswith("/"):
            problems.add(pointer, "a path must begin with a slash.")
        elif not _PATH.fullmatch(path):
            problems.add(
                pointer, "a path must be segments between slashes, without a query, an empty segment or a slash at the end."
            )
        shape = _PLACEHOLDER.sub("{}", path)
        if shape in seen:
            problems.add(pointer, f"this is the path `{seen[shape]}` under other names.")
        seen.setdefault(shape, path)


class OperationRules:
    """Checks one operation."""

    def __init__(self, document: Document, operation: Operation, problems: ProblemCollector) -> None:
        self._document = document
        self._operation = operation
        self._problems = problems

    def inspect(self) -> None:
        """Check the operation."""
        self._inspect_keys()
        self._inspect_tags()
        self._inspect_path()
        for parameter in self._operation.parameters:
            self._inspect_parameter(parameter)
        self._inspect_idempotency()
        self._inspect_body()
        self._inspect_responses()
        self._inspect_pagination()

    def _add(self, message: str, *parts: str) -> None:
        self._problems.add(child_pointer(self._operation.pointer, *parts), message)

    def _inspect_keys(self) -> None:
        node = self._operation.node
        for key in REQUIRED_OPERATION_KEYS:
            if not node.get(key):
                self._add(f"the operation has no `{key}`.")
        if node.get("x-cstar-key", "any") not in _KEYS:
            self._add(f"`x-cstar-key` must be one of {', '.join(_KEYS)}, got `{node['x-cstar-key']}`.")
        security = node.get("security", self._document.raw.get("security"))
        if any(security or ()) != (node.get("x-cstar-key", "any") != "none"):
            self._add("`security: []` goes with `x-cstar-key: none`; all other operations need a key.")
        known = {parameter.name for parameter in self._operation.parameters} | self._fields_of_body()
        for name in entries(node, "x-cstar-example").keys() - known:
            self._add(f"`x-cstar-example` names `{name}`, which is neither a parameter nor a field of the body.")
        for scheme in (name for demand in security or () for name in demand):
            if scheme not in entries(entries(self._document.raw, "components"), "securitySchemes"):
                self._add(f"the document has no security scheme `{scheme}`.", "security")

    def _fields_of_body(self) -> set[str]:
        body, _ = self._document.follow(entries(self._operation.node, "requestBody"), "")
        schema, _ = self._document.follow(entries(entries(entries(body, "content"), JSON_TYPE), "schema"), "")
        return set(entries(schema, "properties"))

    def _inspect_tags(self) -> None:
        known = {tag.get("name") for tag in items(self._document.raw, "tags")}
        namespace = self._operation.namespace
        if self._operation.node.get("tags") != [namespace]:
            self._add(f"the one tag of the operation must be its namespace, `{namespace}`.")
        parts = namespace.split(".")
        for count in range(1, len(parts) + 1):
            name = ".".join(parts[:count])
            if name and name not in known:
                self._add(f"the namespace `{name}` has no tag of that name at the top of the document to describe it.")

    def _inspect_path(self) -> None:
        declared = [parameter.name for parameter in self._operation.parameters if parameter.location == "path"]
        for name in self._operation.placeholders:
            if name not in declared:
                self._add(f"the path names `{{{name}}}`, but no parameter declares it.")
        for name in declared:
            if name not in self._operation.placeholders:
                self._add(f"the path parameter `{name}` is not in the path.")
        if len(set(self._operation.placeholders)) != len(self._operation.placeholders):
            self._add("the path names a parameter twice.")
        _, prefix = path_scope(self._operation.path)
        for parameter in self._operation.parameters:
            supplied = parameter.location == "path" and f"{{{parameter.name}}}" in prefix
            if parameter.location == "path" and supplied != parameter.is_supplied_by_client:
                provider = "the client" if supplied else "the caller"
                self._problems.add(parameter.pointer, f"the path parameter `{parameter.name}` must be supplied by {provider}.")

    def _inspect_parameter(self, parameter: Parameter) -> None:
        for key in REQUIRED_PARAMETER_KEYS:
            if not parameter.node.get(key):
                self._problems.add(parameter.pointer, f"the parameter `{parameter.name}` has no `{key}`.")
        duplicates = [
            other for other in self._operation.parameters if (other.name, other.location) == (parameter.name, parameter.location)
        ]
        if len(duplicates) > 1:
            self._add(f"the {parameter.location} parameter `{parameter.name}` is declared twice.")
        if parameter.is_positional and parameter.location != "query":
            self._problems.add(parameter.pointer, "`x-cstar-positional` is for query parameters; those of the path are positional.")
        if "content" in parameter.node or "schema" not in parameter.node:
            self._problems.add(parameter.pointer, f"the parameter `{parameter.name}` must have a `schema`, and no `content`.")
            return
        SchemaRules(self._document, self._problems).inspect_value(
            parameter.node["schema"], child_pointer(parameter.pointer, "schema")
        )
        self._inspect_location(parameter)

    def _inspect_location(self, parameter: Parameter) -> None:
        schema, pointer = parameter.node["schema"], parameter.pointer
        resolved, _ = self._document.follow(schema, pointer)
        if parameter.location == "path":
            if resolved.get("type") != "string" or "enum" in resolved or "format" in resolved:
                self._problems.add(pointer, f"the path parameter `{parameter.name}` must be a plain string.")
            if parameter.node.get("required") is not True:
                self._problems.add(pointer, f"the path parameter `{parameter.name}` must be `required: true`.")
        elif parameter.location == "query":
            self._inspect_query(parameter, resolved)
        elif not (parameter.location == "header" and parameter.is_supplied_by_client):
            self._problems.add(pointer, f"the {parameter.location} parameter `{parameter.name}` is not supported.")

    def _inspect_query(self, parameter: Parameter, schema: Node) -> None:
        node, pointer = parameter.node, parameter.pointer
        if parameter.is_positional and node.get("required") is not True:
            self._problems.add(pointer, f"the positional parameter `{parameter.name}` must be `required: true`.")
        item, _ = self._document.follow(entries(schema, "items"), pointer)
        kinds = ("string", "integer", "number", "boolean")
        if schema.get("type") not in (*kinds, "array") or ("items" in schema and item.get("type") not in kinds):
            self._problems.add(pointer, f"the query parameter `{parameter.name}` must be a plain value or an array of such.")
        if schema.get("type") == "array" and (node.get("style", "form"), node.get("explode")) != ("form", False):
            self._problems.add(pointer, f"the array `{parameter.name}` must be `style: form, explode: false` (joined by commas).")
        elif node.get("style", "form") != "form":
            self._problems.add(pointer, f"the style `{node['style']}` of `{parameter.name}` is not supported.")

    def _inspect_idempotency(self) -> None:
        scope, _ = path_scope(self._operation.path)
        due = scope == "team" and self._operation.method in ("post", "patch")
        has = sends_idempotency_key(self._operation)
        if due and not has:
            self._add("a POST or PATCH under a team takes the parameter IdempotencyKey.")
        if has and not due:
            self._add("only a POST or PATCH under a team takes the parameter IdempotencyKey.")

    def _inspect_body(self) -> None:
        if "requestBody" not in self._operation.node:
            return
        if self._operation.method not in ("post", "put", "patch"):
            self._add("only POST, PUT and PATCH have a body.", "requestBody")
        body, pointer = self._document.follow(
            self._operation.node["requestBody"], child_pointer(self._operation.pointer, "requestBody")
        )
        schema = self._json_schema_of(body, pointer)
        if schema is None:
            return
        target, _ = self._document.follow(schema, pointer)
        if "$ref" not in schema or not is_model(target) or target.get("x-cstar-envelope"):
            self._problems.add(pointer, "the body must be a $ref to an object component with properties.")

    def _json_schema_of(self, owner: Node, pointer: str, *text_types: str) -> Node | None:
        """Return the schema of the only JSON content; report a problem and return None if there is none."""
        content = entries(owner, "content")
        if list(content) != [JSON_TYPE, *text_types]:
            listed = ", ".join(content) or "none"
            due = "exactly one content type, " + ", then ".join((JSON_TYPE, *text_types))
            self._problems.add(pointer, f"there must be {due}, got {listed}.")
            return None
        schema: Node | None = content[JSON_TYPE].get("schema")
        if schema is None:
            self._problems.add(pointer, "the content has no schema.")
        return schema

    def _inspect_responses(self) -> None:
        responses = entries(self._operation.node, "responses")
        for status, response in responses.items():
            self._inspect_status(status)
            node, pointer = self._document.follow(response, child_pointer(self._operation.pointer, "responses", status))
            if status in self._operation.successes:
                self._inspect_success(node, pointer)
                continue
            for key in ("x-cstar-text", "x-cstar-may-be-empty"):
                if key in node:
                    self._problems.add(pointer, f"`{key}` is for successful responses only.")
            if node.get("content"):
                self._json_schema_of(node, pointer)
        if len(self._operation.successes) != 1:
            self._add(f"there must be exactly one successful response, got {len(self._operation.successes)}.", "responses")

    def _inspect_status(self, status: str) -> None:
        if not re.fullmatch(r"2\d\d|[45]\d\d|[45]XX|default", status):
            self._add(f"`{status}` is not a supported status.", "responses")

    def _inspect_success(self, response: Node, pointer: str) -> None:
        schema = self._json_schema_of(response, pointer, *self._inspect_text(response, pointer))
        if schema is None:
            return
        data = self._data_of(schema)
        if data is None:
            form = "allOf: [{$ref: Envelope or ListEnvelope}, {type: object, required: [data], properties: {data: …}}]"
            other = "or a $ref to a schema with `x-cstar-envelope: true` that requires `data`"
            self._problems.add(pointer, f"a successful response must be of the form `{form}`, {other}.")
            return
        named = referenced_schema(data)
        target, _ = self._document.follow(named, pointer)
        if "$ref" not in named or target.get("x-cstar-envelope") or "enum" in target or is_union(target):
            self._problems.add(
                pointer,
                "the `data` of a successful response must be a $ref to an object component, an array of such, or it and null.",
            )
        elif "x-cstar-string-shorthand" in target:
            self._problems.add(pointer, "`data` is never a string; `x-cstar-string-shorthand` is for objects inside it.")
        elif response.get("x-cstar-may-be-empty") and (
            data.get("type") == "array" or target.get("required") or "x-cstar-text" in response
        ):
            self._problems.add(pointer, "a response that may be empty must be an object without required fields, not text.")

    def _inspect_text(self, response: Node, pointer: str) -> list[str]:
        """Return the content type of the text that the server may send instead of JSON, as a list of at most one."""
        text = response.get("x-cstar-text")
        if text is None:
            return []
        if entries(entries(response, "content"), text).get("schema") != {"type": "string"}:
            self._problems.add(pointer, f"the content `{text}` must have the schema `{{type: string}}`.")
        if not self._returns_an_object():
            self._problems.add(pointer, "`x-cstar-text` needs a response of one object.")
        return [text]

    def _returns_an_object(self) -> bool:
        for status in self._operation.successes:
            response, _ = self._document.follow(self._operation.node["responses"][status], "")
            data = self._data_of(entries(entries(entries(response, "content"), JSON_TYPE), "schema"))
            if data is not None and ("$ref" not in data or schema_named(data["$ref"]) == "Deleted"):
                return False
        return True

    def _inspect_pagination(self) -> None:
        kind = self._operation.node.get("x-cstar-pagination")
        if kind is None:
            return
        if kind != "page":
            self._add(f"`x-cstar-pagination` must be `page`, got `{kind}`.")
        query = {parameter.name for parameter in self._operation.parameters if parameter.location == "query"}
        for name in ("page", "pageSize"):
            if name not in query:
                self._add(f"a paged list needs the query parameter `{name}`.")
        if not self._returns_a_list():
            self._add("a paged list needs a response of a ListEnvelope and an array.")

    def _returns_a_list(self) -> bool:
        for status in self._operation.successes:
            response, _ = self._document.follow(self._operation.node["responses"][status], "")
            for media in entries(response, "content").values():
                schema = entries(media, "schema")
                data = self._data_of(schema)
                if data is None or data.get("type") != "array" or not self._has_pages(schema):
                    return False
        return True

    def _data_of(self, schema: Node) -> Node | None:
        """Return the schema of `data` in an envelope, which may have a name of its own: `TicketResponse`."""
        if "$ref" not in schema:
            return enveloped_data(schema)
        envelope, _ = self._document.follow(schema, "")
        data: object = entries(envelope, "properties").get("data")
        is_envelope = envelope.get("x-cstar-envelope") is True and "data" in items(envelope, "required")
        return data if is_envelope and is_object(data) else None

    def _has_pages(self, envelope: Node) -> bool:
        if "$ref" in envelope:
            return "pagination" in entries(self._document.follow(envelope, "")[0], "properties")
        return schema_named(envelope["allOf"][0]["$ref"]) == "ListEnvelope"
