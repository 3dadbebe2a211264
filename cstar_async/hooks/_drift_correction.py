"""Actions of an OpenAPI overlay with which the document would agree with a response.

They hold names and types only. A name that a server could have made from data, such as an address, is left out. Types are always
lists, because an overlay adds to a list: the actions of many responses can be applied one after the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final, TypeAlias

from cstar_async._types import UntypedJSON, is_array, is_object, json_type
from cstar_async._values.redaction import redact

Path: TypeAlias = tuple[str | int, ...]
"""The keys that lead to a part of the document."""

_FIELD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_VALUE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,39}")
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def add_field(owner: Path, name: str, value: UntypedJSON, operation: str) -> str:
    """Return the correction for a field that the schema at *owner* does not have."""
    if not _FIELD.fullmatch(name) or redact(name) != name:
        return ""
    node = {**_schema_of(value), "x-evidence": "observed", "x-source": f"Received from {operation}."}
    return _update(owner, {"properties": {name: node}})


def add_value(enum: Path, value: str) -> str:
    """Return the correction for a value that the enum at *enum* does not have."""
    is_name = _VALUE.fullmatch(value) and redact(value) == value
    return _update((*enum, "enum"), value) if is_name else ""


def add_type(node: Path, schema: Mapping[str, UntypedJSON], value: UntypedJSON) -> str:
    """Return the correction for a value of another type than the schema at *node* has."""
    added = _schema_of(value)
    if "oneOf" in schema:
        return _update((*node, "oneOf"), added)
    if "$ref" in schema:
        return _update(node, {"nullable": True}) if value is None else ""
    known: UntypedJSON = schema.get("type", [])
    return _update(node, {**added, "type": [*([known] if isinstance(known, str) else []), *added["type"]]})


def make_optional(owner: Path, name: str) -> str:
    """Return the correction for a required field that was not sent."""
    return json.dumps([{"target": f"{_target((*owner, 'required'))}[?@=={_quoted(name)}]", "remove": True}])


def _schema_of(value: UntypedJSON) -> dict[str, UntypedJSON]:
    """Return a schema with the type of a value. The names of the fields of an object may be data, so they are left out."""
    if is_object(value):
        return {"type": ["object"], "additionalProperties": True}
    if is_array(value):
        kinds = {json.dumps(_schema_of(item)): _schema_of(item) for item in value}
        return {"type": ["array"], "items": next(iter(kinds.values())) if len(kinds) == 1 else {}}
    return {"type": [json_type(value)]}


def _update(path: Path, change: UntypedJSON) -> str:
    return json.dumps([{"target": _target(path), "update": change}])


def _target(path: Path) -> str:
    """Return a JSONPath."""
    return "$" + "".join(f".{key}" if isinstance(key, str) and _PLAIN.fullmatch(key) else f"[{_quoted(key)}]" for key in path)


def _quoted(key: str | int) -> str:
    if isinstance(key, int):
        return str(key)
    return "'" + json.dumps(key)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
