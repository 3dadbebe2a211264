"""Where a walk over a list stands, and how that is written down, so that another process can go on from there.

A state is a JSON object of at most some nine thousand characters, however long the walk was:

    version     of this form; a state of any other is refused
    list        which list it is of: the operation, and a hash of its path and filters, which may name people
    first, size the page that the walk began at, and the rows of a page
    page        the page under way, and in *offset* how many of its rows were handed out or known before
    total       rows of the list, as that page stated them; null where it did not
    rows        rows handed out so far
    seen        the last of them: six bytes of a hash for each id, in base64
    complete    whether *seen* holds all of them
    moved       whether rows that slid onto earlier pages are still to be handed out
    done        whether the walk is over

States come back from files and databases, so whatever is handed in is a good state or an `InvalidArgumentError`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Hashable
from typing import Final, TypeGuard

import attrs

from cstar_async._types import JSON, is_int, is_mapping
from cstar_async.errors import InvalidArgumentError

VERSION: Final = 1
MAX_REMEMBERED_IDS: Final = 1000
"""Rows that a state remembers: ten full pages, in 8,000 characters."""
FINGERPRINT_BYTES: Final = 6
"""Bytes of a fingerprint: among a hundred thousand rows one in three million walks would take a new row for a remembered one."""
MAX_INT: Final = 2**53 - 1
"""The highest number in a state: what every JSON reader can hold."""


@attrs.frozen(kw_only=True)
class Checkpoint:
    """Where a walk stands."""

    first: int
    size: int
    page: int
    offset: int = 0
    total: int | None = None
    rows: int = 0
    seen: tuple[bytes, ...] = ()
    is_complete: bool = True
    has_pending_shifted_rows: bool = False
    is_done: bool = False


@attrs.frozen
class ListKey:
    """Which list a walk is over."""

    operation: str
    filters: str
    """Its path and its query, without page and size."""

    def __str__(self) -> str:
        path, _, query = self.filters.partition("?")
        # The order in which filters are written means nothing and may differ between versions.
        text = path + "?" + "&".join(sorted(query.split("&")))
        return f"{self.operation}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def fingerprint(identity: Hashable) -> bytes:
    """A short hash of a row's id, the same in every process."""
    return hashlib.blake2b(json.dumps(identity, default=str).encode(), digest_size=FINGERPRINT_BYTES).digest()


def dump_checkpoint(place: Checkpoint, origin: ListKey) -> dict[str, JSON]:
    """A place in its written form."""
    return {
        "version": VERSION,
        "list": str(origin),
        "first": place.first,
        "size": place.size,
        "page": place.page,
        "offset": place.offset,
        "total": place.total,
        "rows": place.rows,
        "seen": base64.b64encode(b"".join(place.seen)).decode(),
        "complete": place.is_complete,
        "moved": place.has_pending_shifted_rows,
        "done": place.is_done,
    }


def load_checkpoint(state: object, origin: ListKey) -> Checkpoint:
    """A place from its written form.

    Raises:
        InvalidArgumentError: It is none, one of another version, or of a walk over another list.
    """
    if not is_mapping(state) or "version" not in state:
        raise InvalidArgumentError("this is not the state of a walk; see Paginator.state")
    version = state["version"]
    if version != VERSION or not _is_count(version):
        shown = f"version {version}" if _is_count(version) else "an unknown version"
        raise InvalidArgumentError(
            f"the state of a walk has {shown}, this cstar_async reads version {VERSION}; begin the walk anew"
        )
    if state.get("list") != str(origin):
        raise InvalidArgumentError(
            f"the state is of a walk over another list than this one of {origin.operation}, or other filters"
        )
    counts = [state.get(name) for name in ("first", "size", "page", "offset", "rows")]
    flags = [state.get(name) for name in ("complete", "moved", "done")]
    total, seen = state.get("total"), _read_seen(state.get("seen"))
    if seen is None or not (total is None or _is_count(total)):
        raise _corrupt_state_error()
    numbers = [count for count in counts if _is_count(count)]
    truths = [flag for flag in flags if isinstance(flag, bool)]
    if len(numbers) < len(counts) or len(truths) < len(flags):
        raise _corrupt_state_error()
    first, size, page, offset, rows = numbers
    if not 1 <= first <= page or size < 1:
        raise _corrupt_state_error()
    is_complete, has_slid, is_done = truths
    return Checkpoint(
        first=first,
        size=size,
        page=page,
        offset=offset,
        total=total,
        rows=rows,
        seen=seen,
        is_complete=is_complete,
        has_pending_shifted_rows=has_slid,
        is_done=is_done,
    )


def _corrupt_state_error() -> InvalidArgumentError:
    return InvalidArgumentError("the state of the walk is damaged; begin the walk anew")


def _is_count(value: object) -> TypeGuard[int]:
    return is_int(value) and 0 <= value <= MAX_INT


def _read_seen(text: object) -> tuple[bytes, ...] | None:
    if not isinstance(text, str):
        return None
    try:
        joined = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    if len(joined) % FINGERPRINT_BYTES:
        return None
    return tuple(joined[at : at + FINGERPRINT_BYTES] for at in range(0, len(joined), FINGERPRINT_BYTES))
