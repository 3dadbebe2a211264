"""Build bodies with files: forms of the type `multipart/form-data` (RFC 7578), or one file alone.

aiohttp can write such forms, too. It percent-encodes all file names, and closes files of the caller.
"""

from __future__ import annotations

import mimetypes
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias, cast

from cstar_async._model.codec import encode_body, to_wire
from cstar_async._model.file import File, as_file, is_content
from cstar_async._model.model import Model
from cstar_async._protocol.headers import CONTENT_TYPE, validate_headers
from cstar_async._types import UNSET, is_mapping, is_str
from cstar_async._values.validation import check_str

OCTET_STREAM: Final = "application/octet-stream"
JSON_TYPE: Final = "application/json"
_QUOTED: Final = re.compile(r'[\x00-\x1f"\x7f]')
_MEDIA_TYPE: Final = re.compile(r"[^/\s*,]+/[^/\s*,]+(\s*;.*)?")


class FileSegment(NamedTuple):
    """A file in a body."""

    name: str
    """The argument or field, for errors."""
    file: File


Segment: TypeAlias = bytes | FileSegment


class BodyContent(NamedTuple):
    """What a body is made of, in order, and its content type."""

    segments: tuple[Segment, ...]
    content_type: str


def single_file(value: object, content_type: str | None, name: str) -> BodyContent:
    """Return a body that is one file."""
    file = as_file(value, name)
    headers = {CONTENT_TYPE: _content_type(file, content_type)}
    return BodyContent((FileSegment(name, file),), validate_headers(headers, ())[CONTENT_TYPE])


def multipart(fields: Mapping[str, object], types: Mapping[str, str], files: frozenset[str], boundary: str) -> BodyContent:
    """Return a form. `UNSET` and None are left out, and a list is a part for each item.

    Args:
        fields: The value of each field: a file, a str or another JSON value.
        types: The content types of fields that the API states.
        files: The fields that must be files.
        boundary: A line that is in no file.
    """
    segments: list[Segment] = []
    for name, value in fields.items():
        for item in _items(value):
            segments += _part(name, item, types.get(name), boundary, is_file=name in files)
            segments.append(b"\r\n")
    segments.append(f"--{boundary}--\r\n".encode())
    return BodyContent(tuple(_joined(segments)), f"multipart/form-data; boundary={boundary}")


def fields_of(body: object) -> dict[str, object]:
    """Return the fields of a body by wire name."""
    if isinstance(body, Model):
        return {name: getattr(body, attribute) for attribute, name in body.__wire_names__.items()}
    return {str(name): value for name, value in body.items()} if is_mapping(body) else {}


def _items(value: object) -> list[object]:
    if value is UNSET or value is None:
        return []
    return list(cast("list[object]", value)) if isinstance(value, (list, tuple)) else [value]


def _part(name: str, value: object, stated_type: str | None, boundary: str, *, is_file: bool) -> Iterator[Segment]:
    if is_file or isinstance(value, File) or is_content(value):
        file = as_file(value, name)
        headers = {CONTENT_TYPE: _content_type(file, stated_type), **(file.headers or {})}
        yield _head(name, headers, boundary, _file_name(file) or name)
        yield FileSegment(name, file)
        return
    is_json = _is_container(value) or (stated_type or "").partition(";")[0].strip().lower() == JSON_TYPE
    text = encode_body(value, None) if is_json else _text(value, name)
    stated_type = JSON_TYPE if is_json else stated_type
    yield _head(name, {CONTENT_TYPE: stated_type} if stated_type is not None and _is_one_type(stated_type) else {}, boundary)
    yield text


def _is_container(value: object) -> bool:
    return isinstance(value, (Model, list, tuple)) or is_mapping(value)


def _text(value: object, name: str) -> bytes:
    """Return a plain value as the text of a field."""
    wire = to_wire(value, name)
    check_str(name, wire if is_str(wire) else "")
    return wire.encode() if is_str(wire) else encode_body(wire, None)


def _head(name: str, headers: Mapping[str, str], boundary: str, file_name: str | None = None) -> bytes:
    disposition = f'form-data; name="{_quoted(name)}"'
    if file_name is not None:
        disposition += f'; filename="{_quoted(file_name)}"'
    lines = [f"--{boundary}", f"Content-Disposition: {disposition}"]
    lines += [f"{header}: {value}" for header, value in validate_headers(headers, ("content-disposition",), "set by File").items()]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("utf-8", "replace")


def _quoted(text: str) -> str:
    """Encode what would end a quoted name, as browsers do. Other characters stay, in UTF-8."""
    return _QUOTED.sub(lambda found: f"%{ord(found[0]):02X}", text)


def _file_name(file: File) -> str | None:
    """Return the name for the server: that of the path, but not its folders."""
    if file.name is not None:
        return file.name
    content: object = file.content
    path = os.fspath(file.content) if isinstance(file.content, os.PathLike) else getattr(content, "name", None)
    return Path(path).name or None if is_str(path) else None


def _content_type(file: File, stated_type: str | None) -> str:
    if file.content_type is not None:
        return file.content_type
    if stated_type is not None and _is_one_type(stated_type):
        return stated_type
    return mimetypes.guess_type(_file_name(file) or "")[0] or OCTET_STREAM


def _is_one_type(stated_type: str) -> bool:
    """Return whether a content type can be sent: `image/png`, but no list of types and no `image/*`."""
    return _MEDIA_TYPE.fullmatch(stated_type) is not None


def _joined(segments: list[Segment]) -> Iterator[Segment]:
    """Join bytes that follow one another."""
    pending = bytearray()
    for segment in segments:
        if isinstance(segment, bytes):
            pending += segment
            continue
        yield bytes(pending)
        yield segment
        pending.clear()
    yield bytes(pending)
