"""Build paths and queries. Values are percent-encoded, so that they cannot become another part of the URL, or refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Final, cast
from urllib.parse import quote, unquote, urlencode
from uuid import UUID

import orjson

from cstar_async._model.codec import encode_body, to_wire
from cstar_async._model.decoding import format_datetime
from cstar_async._types import UNSET, UntypedJSON, is_array, is_mapping, is_object, is_str
from cstar_async._values.validation import MAX_INT_BITS, TOO_DEEP, invalid
from cstar_async.errors import InvalidArgumentError

_SEPARATORS: Final = {"space": "%20", "pipe": "%7C"}
_FORM_SEPARATORS: Final = {"joined": ",", "space": " ", "pipe": "|"}


class EncodedValue(str):
    """A value of a path that is encoded already."""

    __slots__ = ()


def path_segment(value: str, name: str = "an id in the path") -> str:
    """Return a str, which must not be empty, `.` or `..`, encoded as one segment of a path."""
    if value.__class__ is str and value.isidentifier() and value.isascii():
        return value  # usual ids need no encoding, and this check is much faster
    if value.__class__ is EncodedValue:
        return value
    if not is_str(value):
        hint = "; pass its id" if hasattr(value, "id") else ""
        raise InvalidArgumentError(f"{name} must be a str, got {type(value).__name__}{hint}")
    if value in {"", ".", ".."}:
        raise InvalidArgumentError(f"{name} must be a str that is not empty, '.' or '..', got {value!r}")
    return percent_encode(value, name)


def encode_raw_path(path: str) -> str:
    """Return a caller's relative path with everything encoded that a path cannot contain; existing escapes are kept."""
    if not is_str(path):
        raise InvalidArgumentError(f"path must be a str, got {type(path).__name__}")
    if "://" in path or path.startswith("//"):
        raise InvalidArgumentError("path must be relative to base_url, got a whole URL; the API key is sent to no other host")
    if "?" in path or "#" in path:
        raise InvalidArgumentError(
            f"path must have no query and no fragment, got {'a query' if '?' in path else 'a fragment'}; use params="
        )
    segments = path.removeprefix("/").removesuffix("/").split("/")
    for segment in map(unquote, segments):
        if segment in {"", ".", ".."}:
            raise InvalidArgumentError(f"path must have no empty, '.' or '..' segment, got {segment!r}")
    return "/" + "/".join(percent_encode(segment, "path", safe="%:@!$&'()*+,;=") for segment in segments)


def validate_query(query: object, name: str) -> Mapping[str, object]:
    """Return a caller's query parameters, given for the argument *name*."""
    if not is_mapping(query):
        raise InvalidArgumentError(f"{name} must be a mapping of str to values, got {type(query).__name__}")
    for key in query:
        if not isinstance(key, str):
            raise InvalidArgumentError(f"{name} must be a mapping of str to values, got a key of type {type(key).__name__}")
    return cast("Mapping[str, object]", query)


def query_string(*parts: Mapping[str, object] | None, styles: Mapping[str, str] | None = None) -> str:
    """Return query parameters as a query string, without the question mark.

    `UNSET` is left out, lists are joined with commas, and datetimes are in UTC. Later parts override earlier ones.

    Args:
        parts: The parameters, by name.
        styles: The parameters that have a style of their own, see `QueryStyle`.
    """
    merged: dict[str, object] = {}
    for part in parts:
        if part:
            merged.update(part)
    pairs: list[str] = []
    for name, value in merged.items():
        if styles and name in styles and value is not UNSET:
            pairs += _styled_pairs(name, value, styles[name])
        elif value is not UNSET:
            pairs.append(f"{percent_encode(name, 'a query parameter')}={_format_value(value, name)}")
    return "&".join(pairs)


def _styled_pairs(name: str, value: object, style: str) -> list[str]:
    """Return the pairs of a parameter that has a style of its own."""
    key = percent_encode(name, "a query parameter")
    wire = _to_wire(value, name)
    if style == "json":
        return [f"{key}={percent_encode(encode_body(wire, None).decode(), name)}"]
    if is_array(wire) and style in _SEPARATORS:
        return [f"{key}={_SEPARATORS[style].join(_format_value(item, name) for item in wire)}"]
    if is_array(wire):
        return [f"{key}={_format_value(item, name)}" for item in wire]
    if is_object(wire) and style == "pairs":
        flat = [text for inner, item in wire.items() if item is not None for text in (inner, item)]
        return [f"{key}={_format_value(flat, name)}"]
    if is_object(wire) and style == "fields":
        return [f"{percent_encode(inner, name)}={_format_value(item, name)}" for inner, item in wire.items() if item is not None]
    return [f"{percent_encode(place, name)}={_format_value(item, name)}" for place, item in _deep_pairs(name, wire)]


def _to_wire(value: object, name: str) -> UntypedJSON:
    try:
        return to_wire(value, name)
    except RecursionError:
        raise InvalidArgumentError(f"{name} must be of limited depth, got {TOO_DEEP}") from None


def _deep_pairs(place: str, value: UntypedJSON) -> Iterator[tuple[str, UntypedJSON]]:
    """Yield each plain value in a JSON value, with its place as `name[key]`; the items of an array have one place."""
    if is_object(value):
        for key, inner in value.items():
            yield from _deep_pairs(f"{place}[{key}]", inner) if inner is not None else ()
    elif is_array(value):
        for item in value:
            yield from _deep_pairs(place, item)
    else:
        yield place, value


def form_of(body: bytes, styles: Mapping[str, str]) -> bytes:
    """Return a JSON object as a form. Without a style, a list is a field for each item, and a nested object is JSON."""
    fields: list[tuple[str, str]] = []
    for name, value in orjson.loads(body).items():
        style = styles.get(name)
        if style == "deep":
            fields += ((place, _form_text(item)) for place, item in _deep_pairs(name, value))
        elif style is not None and is_array(value):
            fields.append((name, _FORM_SEPARATORS[style].join(map(_form_text, value))))
        else:
            fields += ((name, _form_text(item)) for item in (value if is_array(value) else [value]))
    return urlencode(fields).encode()


def _form_text(value: UntypedJSON) -> str:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return str(value)
    return "" if value is None else orjson.dumps(value).decode()


def path_text(value: object, name: str) -> str:
    """Return a value that is no str, such as a number or a date, as text for a path."""
    text = parameter_text(value, name)
    if not text:
        raise InvalidArgumentError(f"{name} must be a value that is not empty, got {type(value).__name__}")
    return text


def path_value(value: object, name: str, style: str = "simple", *, explode: bool = False, wire_name: str = "") -> str:
    """Return a list, an object or a value in a style of its own for a path. The separators stay as they are.

    Args:
        value: The value of the argument *name*.
        name: What errors call it.
        style: `simple`, `label`, `matrix` as in OpenAPI, or `json`.
        explode: Whether items and keys are parts of their own.
        wire_name: What the path calls it, which only `matrix` needs.
    """
    wire = _to_wire(value, name)
    if style == "json":
        return EncodedValue(percent_encode(encode_body(wire, None).decode(), name))
    if is_object(wire):
        pairs = [(percent_encode(key, name), _format_item(item, name)) for key, item in wire.items() if item is not None]
        parts = ["=".join(pair) for pair in pairs] if explode else [text for pair in pairs for text in pair]
    else:
        parts = [_format_item(item, name) for item in (wire if is_array(wire) else [wire])]
        if explode and style == "matrix":
            parts = [f"{percent_encode(wire_name, name)}={part}" for part in parts]
    if style == "matrix":
        text = f";{';'.join(parts)}" if explode else f";{percent_encode(wire_name, name)}={','.join(parts)}"
    elif style == "label":
        text = f".{('.' if explode else ',').join(parts)}"
    else:
        text = ",".join(parts)
    if not parts or text in {"", ".", ".."}:
        got = repr(value) if "".join(parts) else f"an empty {type(value).__name__}"
        raise InvalidArgumentError(f"{name} must be a value that is not empty, '.' or '..', got {got}")
    return EncodedValue(text)


def header_value(value: object, name: str, *, explode: bool = False, is_json: bool = False) -> object:
    """Return an object as text for a header or a cookie: keys and values joined with commas. Other values stay as they are.

    Args:
        value: The value of the argument *name*.
        name: What errors call it.
        explode: Whether an equals sign is between a key and its value, instead of a comma.
        is_json: Whether any value becomes JSON, in ASCII.
    """
    if value is UNSET:
        return value
    wire = _to_wire(value, name)
    if is_json:
        return json.dumps(orjson.loads(encode_body(wire, None)), separators=(",", ":"))
    if not is_object(wire):
        return value
    separator = "=" if explode else ","
    return ",".join(f"{key}{separator}{parameter_text(item, name)}" for key, item in wire.items() if item is not None)


def parameter_text(value: object, name: str) -> str:
    """Return a value as text that is not encoded, for a path or a header."""
    if is_str(value):
        return str(value)
    return unquote(_format_value(value, name))


def encode_query_value(value: str) -> str:
    """Return a name or value of the query, encoded."""
    return percent_encode(value, "a query parameter")


def page_query(filters: str, parameter: str | None, number: str | None, size: str) -> str:
    """Return the query string of one page: the filters, which are the same for all pages, then its number, and the size."""
    query = filters if number is None or parameter is None else f"{filters}&{encode_query_value(parameter)}={number}"
    return (f"{query}&{size}" if size else query).removeprefix("&")


def _format_value(value: object, name: str) -> str:
    if isinstance(value, (list, tuple)):
        items = cast("list[object] | tuple[object, ...]", value)
        return ",".join(_format_item(item, name) for item in items)
    return _format_item(value, name)


def _format_item(value: object, name: str) -> str:
    if isinstance(value, str):
        return percent_encode(str(value), name)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value.bit_length() > MAX_INT_BITS:
            raise invalid(name, f"an int of at most {MAX_INT_BITS} bits", value)
        return repr(int(value))
    if isinstance(value, float):
        return percent_encode(repr(value), name)
    if isinstance(value, datetime):
        return percent_encode(format_datetime(value, name), name)
    if isinstance(value, (date, UUID)):
        return str(value)
    if value is None:
        raise InvalidArgumentError(f"{name} must be a value, got None; leave it out to send no filter")
    raise InvalidArgumentError(f"{name} must be a type that a query can contain, got {type(value).__name__}")


def percent_encode(text: str, name: str, safe: str = "") -> str:
    """Return the value of the argument *name* in percent-encoding, with the characters of *safe* as they are."""
    if text.isascii() and text.isidentifier():
        return text  # as in path_segment
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{name} must have only characters that UTF-8 can encode, got half a surrogate pair") from None
