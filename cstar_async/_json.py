"""The shapes of JSON, as types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
"""Any JSON value, as the package hands it out."""

JSONObject: TypeAlias = Mapping[str, object]
"""A JSON object, as callers may write it: any mapping. What JSON cannot hold is refused when the body is built."""

Unchecked: TypeAlias = Any
"""A value as it came over the wire. The document's types are promises of the server and are passed on, never enforced."""
