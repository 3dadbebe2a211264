"""The document of this package as the owner of the API might publish it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from codegen.spec.document import Node
from codegen.spec.queries import enveloped_data

_METHODS = ("get", "put", "post", "patch", "delete")


def published(raw: Node, *, schemas: Callable[[str], str] = lambda name: name) -> Node:
    """Return a document of this package without extensions: ids in camelCase, tags in words, and a named schema for each envelope.

    Args:
        raw: The document, which is changed.
        schemas: The name of each schema.
    """
    for item in raw["paths"].values():
        for method in (key for key in _METHODS if key in item):
            operation = item[method]
            operation["tags"] = [operation["x-cstar-namespace"].rpartition(".")[2].replace("_", " ").title()]
            operation["operationId"] = _camel(operation["operationId"])
            for response in operation["responses"].values():
                _name_envelope(response, raw["components"]["schemas"])
    raw["tags"] = []
    renamed = {f"#/components/schemas/{name}": f"#/components/schemas/{schemas(name)}" for name in raw["components"]["schemas"]}
    raw["components"]["schemas"] = {schemas(name): node for name, node in raw["components"]["schemas"].items()}
    found: Node = _published(raw, renamed)
    return found


def _camel(text: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), text)


def _name_envelope(response: Node, schemas: Node) -> None:
    """Give the envelope of a response a name: `TicketResponse`, `TicketListResponse`."""
    media = response.get("content", {}).get("application/json", {})
    data = enveloped_data(media.get("schema", {}))
    if data is None:
        return
    is_list = data.get("type") == "array"
    target = (data["items"] if is_list else data).get("$ref", "").rpartition("/")[2]
    if target:
        name = f"{target}{'List' if is_list else ''}Response"
        fields = {"success": {"type": "boolean"}, "data": data, "meta": {"$ref": "#/components/schemas/Meta"}}
        fields |= {"pagination": {"$ref": "#/components/schemas/Pagination"}} if is_list else {}
        schemas[name] = {"type": "object", "required": ["data"], "properties": fields}
        media["schema"] = {"$ref": f"#/components/schemas/{name}"}


def _published(node: Any, renamed: dict[str, str]) -> Any:
    """Return a part without extensions, its references renamed."""
    if isinstance(node, dict):
        return {key: _published(value, renamed) for key, value in node.items() if not str(key).startswith("x-")}
    if isinstance(node, list):
        return [_published(one, renamed) for one in node]
    return renamed.get(node, node) if isinstance(node, str) else node
