"""Paths and queries: every value percent-encoded where it stands, so that none can leave its place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import cast
from urllib.parse import quote, unquote
from uuid import UUID

from cstar_async._model.decoding import format_datetime
from cstar_async._types import UNSET, is_mapping, is_str
from cstar_async.errors import InvalidArgumentError


def path_segment(value: str, name: str = "an id in the path") -> str:
    """A value as one segment of a path.

    Raises:
        InvalidArgumentError: It is no text, empty, `.` or `..`, or has characters that UTF-8 cannot hold.
    """
    if value.__class__ is str and value.isidentifier() and value.isascii():
        return value  # an id of the usual form needs no encoding, and this is much quicker than finding that out
    if not is_str(value):
        raise InvalidArgumentError(f"{name} is a text, not {type(value).__name__}")
    if value in {"", ".", ".."}:
        raise InvalidArgumentError(f"{name} must not be {value!r}")
    return _encoded(value, name)


def encode_raw_path(path: str) -> str:
    """A path that a caller wrote, with what is not allowed in a path encoded; what is encoded already stays.

    Raises:
        InvalidArgumentError: It is a whole URL, has a query or a fragment, or a segment that is empty, `.` or `..`.
    """
    if not is_str(path):
        raise InvalidArgumentError(f"a path is a text, not {type(path).__name__}")
    if "://" in path or path.startswith("//"):
        raise InvalidArgumentError("a path is relative to base_url; the key goes to no other host")
    if "?" in path or "#" in path:
        raise InvalidArgumentError("a path has no query and no fragment; use params=")
    segments = path.removeprefix("/").removesuffix("/").split("/")
    if any(unquote(segment) in {"", ".", ".."} for segment in segments):
        raise InvalidArgumentError("a path must not have empty, '.' or '..' segments")
    return "/" + "/".join(_encoded(segment, "a path", safe="%:@!$&'()*+,;=") for segment in segments)


def validate_query(query: object, name: str) -> Mapping[str, object]:
    """Query parameters of the caller's own.

    Args:
        query: What was given.
        name: The argument that it was given for.

    Raises:
        InvalidArgumentError: It is no mapping, or a name in it is no text.
    """
    if not is_mapping(query) or not all(isinstance(key, str) for key in query):
        raise InvalidArgumentError(f"{name} is a mapping of names, which are texts, to values")
    return cast("Mapping[str, object]", query)


def query_string(*parts: Mapping[str, object] | None) -> str:
    """Query parameters in their wire form, without the question mark; those that are `UNSET` are left out.

    Lists are joined with commas, booleans are `true` and `false`, instants are in UTC. A later part goes over an earlier one.

    Raises:
        InvalidArgumentError: A value is None, or of a kind that a query cannot hold.
    """
    merged: dict[str, object] = {}
    for part in parts:
        if part:
            merged.update(part)
    pairs: list[str] = []
    for name, value in merged.items():
        if value is not UNSET:
            pairs.append(f"{_encoded(name, 'a query parameter')}={_query_value(value, name)}")
    return "&".join(pairs)


def page_query(filters: str, number: int | None, size: int | None) -> str:
    """The query of one page of a list: its filters, which stay the same from page to page, and where the page stands."""
    query = filters if number is None else f"{filters}&page={number}"
    return (query if size is None else f"{query}&pageSize={size}").removeprefix("&")


def _query_value(value: object, name: str) -> str:
    if isinstance(value, (list, tuple)):
        items = cast("list[object] | tuple[object, ...]", value)
        return ",".join(_query_value(item, name) for item in items)
    if isinstance(value, str):
        return _encoded(str(value), name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return repr(int(value))
    if isinstance(value, float):
        return _encoded(repr(value), name)
    if isinstance(value, datetime):
        return _encoded(format_datetime(value, name), name)
    if isinstance(value, (date, UUID)):
        return str(value)
    if value is None:
        raise InvalidArgumentError(f"{name} must not be None; leave it out to not filter by it")
    raise InvalidArgumentError(f"{name}: a query cannot hold {type(value).__name__}")


def _encoded(text: str, name: str, safe: str = "") -> str:
    if text.isascii() and text.isidentifier():
        return text  # the usual form needs no encoding, and this is much quicker than finding that out
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{name} has characters that UTF-8 cannot hold") from None
