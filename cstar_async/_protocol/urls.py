"""Build paths and queries. Values are percent-encoded, so that they cannot become another part of the URL, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import cast
from urllib.parse import quote, unquote
from uuid import UUID

from cstar_async._model.decoding import format_datetime
from cstar_async._types import UNSET, is_mapping, is_str
from cstar_async._validation import MAX_INT_BITS, invalid
from cstar_async.errors import InvalidArgumentError


def path_segment(value: str, name: str = "an id in the path") -> str:
    """Return a str, which must not be empty, `.` or `..`, encoded as one segment of a path."""
    if value.__class__ is str and value.isidentifier() and value.isascii():
        return value  # usual ids need no encoding, and this check is much faster
    if not is_str(value):
        hint = "; pass its id" if hasattr(value, "id") else ""
        raise InvalidArgumentError(f"{name} must be a str, got {type(value).__name__}{hint}")
    if value in {"", ".", ".."}:
        raise InvalidArgumentError(f"{name} must not be {value!r}")
    return _encode(value, name)


def encode_raw_path(path: str) -> str:
    """Return a caller's relative path with everything encoded that a path cannot contain; existing escapes are kept."""
    if not is_str(path):
        raise InvalidArgumentError(f"path must be a str, got {type(path).__name__}")
    if "://" in path or path.startswith("//"):
        raise InvalidArgumentError("path must be relative to base_url; the API key is sent to no other host")
    if "?" in path or "#" in path:
        raise InvalidArgumentError("path must have no query and no fragment; use params=")
    segments = path.removeprefix("/").removesuffix("/").split("/")
    if any(unquote(segment) in {"", ".", ".."} for segment in segments):
        raise InvalidArgumentError("path must have no empty, '.' or '..' segment")
    return "/" + "/".join(_encode(segment, "path", safe="%:@!$&'()*+,;=") for segment in segments)


def validate_query(query: object, name: str) -> Mapping[str, object]:
    """Return a caller's query parameters, given for the argument *name*."""
    if not is_mapping(query) or not all(isinstance(key, str) for key in query):
        raise InvalidArgumentError(f"{name} must be a mapping of str to values")
    return cast("Mapping[str, object]", query)


def query_string(*parts: Mapping[str, object] | None) -> str:
    """Return query parameters as a query string, without the question mark.

    `UNSET` is left out, lists are joined with commas, and datetimes are in UTC. Later parts override earlier ones.
    """
    merged: dict[str, object] = {}
    for part in parts:
        if part:
            merged.update(part)
    pairs: list[str] = []
    for name, value in merged.items():
        if value is not UNSET:
            pairs.append(f"{_encode(name, 'a query parameter')}={_format_value(value, name)}")
    return "&".join(pairs)


def page_query(filters: str, number: int | None, size: int | None) -> str:
    """Return the query string of one page: the filters, which are the same for all pages, then its number and size."""
    query = filters if number is None else f"{filters}&page={number}"
    return (query if size is None else f"{query}&pageSize={size}").removeprefix("&")


def _format_value(value: object, name: str) -> str:
    if isinstance(value, (list, tuple)):
        items = cast("list[object] | tuple[object, ...]", value)
        return ",".join(_format_item(item, name) for item in items)
    return _format_item(value, name)


def _format_item(value: object, name: str) -> str:
    if isinstance(value, str):
        return _encode(str(value), name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value.bit_length() > MAX_INT_BITS:
            raise invalid(name, f"an int of at most {MAX_INT_BITS} bits", value)
        return repr(int(value))
    if isinstance(value, float):
        return _encode(repr(value), name)
    if isinstance(value, datetime):
        return _encode(format_datetime(value, name), name)
    if isinstance(value, (date, UUID)):
        return str(value)
    if value is None:
        raise InvalidArgumentError(f"{name} must not be None; leave it out to send no filter")
    raise InvalidArgumentError(f"{name} must be a type that a query can contain, got {type(value).__name__}")


def _encode(text: str, name: str, safe: str = "") -> str:
    if text.isascii() and text.isidentifier():
        return text  # as in path_segment
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{name} must have only characters that UTF-8 can encode") from None
