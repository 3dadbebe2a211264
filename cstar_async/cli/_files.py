"""Files and standard input that commands read."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import orjson

from cstar_async import JSON
from cstar_async._protocol import json_parser
from cstar_async.cli._errors import UsageError


def read_bytes(name: str) -> bytes:
    """Read a file, or standard input for `-`."""
    if name == "-" and sys.stdin is None:
        raise UsageError("cannot read -: standard input is closed")
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"cannot read {name}: {reason}") from None


def read_text(name: str) -> str:
    """Read a file of UTF-8, or standard input for `-`. A byte order mark is dropped."""
    try:
        return read_bytes(name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} must be UTF-8 text: byte {error.start} is not") from None


def parse_json(text: str, name: str) -> JSON:
    """Parse JSON, as that of the server is parsed."""
    with suppress(ValueError):
        parsed: JSON = json_parser.parse_json(text.encode())
        return parsed
    try:
        value: JSON = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{name} must be JSON: {error}") from None
    return value


def read_object(name: str) -> dict[str, JSON]:
    """Read a JSON object from a file, or from standard input for `-`."""
    value = parse_json(read_text(name), name)
    if not isinstance(value, dict):
        raise UsageError(f"{name} must contain a JSON object, got {type(value).__name__}")
    return value
