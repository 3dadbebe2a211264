"""The shapes of JSON, as types, and what a value is when no type can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, TypeGuard

JSON: TypeAlias = dict[str, "JSON"] | list["JSON"] | str | int | float | bool | None
"""Any JSON value, as the package hands it out."""

JSONObject: TypeAlias = Mapping[str, object]
"""A JSON object, as callers may write it: any mapping. What JSON cannot hold is refused when the body is built."""

Unchecked: TypeAlias = Any
"""A value as it came over the wire. The document's types are promises of the server and are passed on, never enforced."""


def is_text(value: object) -> TypeGuard[str]:
    """Whether a value is a text, whatever its annotation promises: callers need not use a type checker, and servers do not."""
    return isinstance(value, str)


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a value is a whole number. JSON and callers mean no number by true and false, though Python counts them as such."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_object(value: object) -> TypeGuard[dict[str, Unchecked]]:
    """Whether a parsed value is a JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Unchecked]]:
    """Whether a parsed value is a JSON array."""
    return isinstance(value, list)


def is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    """Whether a value of the caller's can become a JSON object."""
    return isinstance(value, Mapping)
