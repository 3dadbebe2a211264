"""The position of an iteration, and its JSON form, with which another process can continue.

A checkpoint is a JSON object of at most 9,000 characters and the cursor: the fields of `Checkpoint`, the `version` of the form,
and `list`, which names the operation and hashes path and filters, because filters may name people. It comes back from files and
databases, so loading gives a valid checkpoint or raises `InvalidArgumentError`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Hashable
from typing import Final, TypeGuard

import attrs

from cstar_async._types import JSON, UntypedJSON, is_int, is_mapping
from cstar_async._values.validation import MAX_COUNT
from cstar_async.errors import InvalidArgumentError

VERSION: Final = 1
MAX_REMEMBERED_IDS: Final = 1000
"""The number of ids in a checkpoint: those of ten full pages, in 8,000 characters."""
FINGERPRINT_BYTES: Final = 6
"""Bytes of a fingerprint. In a list of 100,000 items, one iteration in three million takes a new item for a remembered one."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Checkpoint:
    """The position of an iteration."""

    first_page: int
    """The page at which the iteration began."""
    page_size: int
    page: int
    """The current page."""
    offset: int = 0
    """How many items of the current page were yielded or seen before."""
    total: int | None = None
    """Items in the list, as the current page stated them."""
    items: int = 0
    """Items yielded so far."""
    seen: tuple[bytes, ...] = ()
    """Fingerprints of the last of them."""
    is_complete: bool = True
    """Whether `seen` holds all of them."""
    has_pending_shifted_items: bool = False
    """Whether items that shifted onto earlier pages are still to be yielded."""
    is_done: bool = False
    cursor: str | None = None
    """The cursor of the current page, in a list with cursors; encoded, without filters. None: the first page."""


@attrs.define(eq=False, repr=False)
class ListKey:
    """The list that an iteration is over."""

    operation: str
    filters: str
    """Path and query, without page, cursor and size."""
    by_cursor: bool = False
    """Whether its positions are cursors."""

    def __str__(self) -> str:
        path, _, query = self.filters.partition("?")
        # The order of filters has no meaning and may differ between versions.
        text = path + "?" + "&".join(sorted(query.split("&")))
        return f"{self.operation}:{hashlib.sha256(text.encode()).hexdigest()[:16]}{':cursor' * self.by_cursor}"

    @property
    def filter_names(self) -> list[str]:
        """The names of the filters, without their values."""
        return [name for part in self.filters.partition("?")[2].split("&") if (name := part.partition("=")[0])]


def fingerprint(identity: Hashable) -> bytes:
    """Hash the id of an item, with the same result in every process."""
    return hashlib.blake2b(json.dumps(identity, default=str).encode(), digest_size=FINGERPRINT_BYTES).digest()


def dump_checkpoint(checkpoint: Checkpoint, list_key: ListKey) -> dict[str, JSON]:
    """Convert a checkpoint to JSON."""
    fields: dict[str, JSON] = attrs.asdict(checkpoint)
    if not list_key.by_cursor:
        del fields["cursor"]
    return {"version": VERSION, "list": str(list_key), **fields, "seen": base64.b64encode(b"".join(checkpoint.seen)).decode()}


def load_checkpoint(value: object, list_key: ListKey, first: int) -> Checkpoint:
    """Read a checkpoint from JSON; *first* is the number of the list's first page.

    Raises:
        InvalidArgumentError: It is no checkpoint, of another version or list, or damaged.
    """
    if not is_mapping(value) or "version" not in value:
        got = f"a {type(value).__name__} without version" if is_mapping(value) else type(value).__name__
        raise InvalidArgumentError(f"checkpoint must be a value of Paginator.checkpoint, got {got}")
    version = value["version"]
    if not _is_count(version) or version != VERSION:
        got = f"version {version}" if _is_count(version) else "an unknown version"
        raise InvalidArgumentError(f"checkpoint must have version {VERSION}, got {got}; start the iteration again")
    if value.get("list") != str(list_key):
        raise InvalidArgumentError(f"checkpoint must be of {list_key.operation} with the same filters, got one of another list")
    fields: dict[str, UntypedJSON] = {field.name: value.get(field.name) for field in attrs.fields(Checkpoint)}
    fields["seen"] = _parse_fingerprints(fields["seen"])
    is_valid = (
        all(_is_count(fields[name]) for name in ("first_page", "page_size", "page", "offset", "items"))
        and all(isinstance(fields[name], bool) for name in ("is_complete", "has_pending_shifted_items", "is_done"))
        and (fields["total"] is None or _is_count(fields["total"]))
        and fields["seen"] is not None
        and first <= fields["first_page"] <= fields["page"]
        and (isinstance(fields["cursor"], str) if list_key.by_cursor and fields["page"] > first else fields["cursor"] is None)
        and fields["page_size"] >= 1
    )
    if not is_valid:
        raise InvalidArgumentError("checkpoint must be unchanged, got a damaged one; start the iteration again")
    return Checkpoint(**fields)


def _is_count(value: object) -> TypeGuard[int]:
    return is_int(value) and 0 <= value <= MAX_COUNT


def _parse_fingerprints(text: object) -> tuple[bytes, ...] | None:
    try:
        joined = base64.b64decode(text, validate=True) if isinstance(text, str) else b"?"
    except ValueError:
        return None
    if len(joined) % FINGERPRINT_BYTES:
        return None
    return tuple(joined[at : at + FINGERPRINT_BYTES] for at in range(0, len(joined), FINGERPRINT_BYTES))
