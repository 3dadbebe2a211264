"""The JSON form of checkpoints: what it holds, and what is refused."""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cstar_async import InvalidArgumentError
from cstar_async.pagination._checkpoint import Checkpoint, ListKey, fingerprint, load_checkpoint
from tests.unit.lists import LIST_KEY, ServerList, ids, saved


async def test_checkpoint_stays_small() -> None:
    """Five thousand items and five million take the same space."""
    checkpoint = json.dumps((await ServerList(5000).iterate(4999, size=100)).checkpoint)
    assert len(checkpoint) < 9000


async def test_checkpoint_has_no_text_of_filters_and_items() -> None:
    """A search can be for a person, and an id can be a name."""
    tickets = ServerList(3).list(size=2, list_key=ListKey("list_tickets", "/tickets?search=jane@example.com"))
    await tickets.collect()
    text = json.dumps(tickets.checkpoint)
    assert "list_tickets" in text
    assert not any(secret in text for secret in ("jane", "tkt_0"))


def test_fingerprints_never_change() -> None:
    """A checkpoint is read by other processes, machines and versions."""
    assert fingerprint(str(UUID(int=1))) == fingerprint(UUID(int=1))
    assert ["9a1da093eec6", "ebbc39aaf008", "5d33b87fe705"] == [fingerprint(identity).hex() for identity in ("tkt_1", 1, "ü\ud800")]


def test_key_of_a_list_never_changes() -> None:
    """In whatever order its filters are written."""
    keys = {str(LIST_KEY), str(ListKey("list_tickets", "/tickets?tag=a&status=open"))}
    assert keys == {"list_tickets:92de5adf213c4fea"}
    assert "list_tickets:92de5adf213c4fea:cursor" == str(attrs.evolve(LIST_KEY, by_cursor=True))
    question, other = ("/tickets?search=why?&status=open", "/tickets?status=open&search=why?")
    assert str(ListKey("list_tickets", question)) == str(ListKey("list_tickets", other))


@pytest.mark.parametrize(
    "other",
    [
        ListKey("list_customers", LIST_KEY.filters),
        ListKey("list_tickets", "/tickets?status=open"),
        ListKey("list_tickets", "/tickets?status=closed&tag=a"),
        ListKey("list_tickets", "/views/1/tickets?status=open&tag=a"),
    ],
)
async def test_checkpoint_of_another_list_is_refused(other: ListKey) -> None:
    """Its pages mean nothing here."""
    server = ServerList(25)
    checkpoint = saved(await server.iterate(3))
    with pytest.raises(InvalidArgumentError, match="got one of another list"):
        server.list(list_key=other).resume(checkpoint)


@pytest.mark.parametrize(("page", "size"), [(2, None), (None, 20), (1, 100)])
async def test_checkpoint_with_another_page_or_size_is_refused(page: int | None, size: int | None) -> None:
    """They are those of the checkpoint."""
    server = ServerList(25)
    checkpoint = saved(await server.iterate(3))
    with pytest.raises(InvalidArgumentError, match="got page 1 with 10 items a page; leave them out"):
        server.list(page, size).resume(checkpoint)


@pytest.mark.parametrize(
    ("version", "got"),
    [(2, "version 2"), (0, "version 0"), *((value, "an unknown version") for value in ("1", True, None, -1))],
)
async def test_checkpoint_of_another_version_is_refused(version: object, got: str) -> None:
    """The error names both versions."""
    checkpoint = saved(ServerList(1).list()) | {"version": version}
    with pytest.raises(InvalidArgumentError, match=f"^checkpoint must have version 1, got {got}; start the iteration again"):
        ServerList(1).list().resume(checkpoint)


@pytest.mark.parametrize(
    ("value", "got"),
    [
        *((None, "NoneType"), ("", "str"), ("{}", "str"), ([], "list"), (7, "int")),
        *(({}, "a dict without version"), ({"state": 1}, "a dict without version")),
    ],
)
def test_value_that_is_no_checkpoint_is_refused(value: Any, got: str) -> None:
    """Of whatever type; the error shows no content."""
    with pytest.raises(InvalidArgumentError, match=rf"^checkpoint must be a value of Paginator\.checkpoint, got {got}$"):
        ServerList(1).list().resume(value)


FIELDS = ["list", *(field.name for field in attrs.fields(Checkpoint))]
WRONG: tuple[Any, ...] = (-1, 1.5, 2**53, 10**400, "x", "ä", "=", base64.b64encode(b"12345").decode(), [], {}, float("nan"))


@pytest.mark.parametrize("value", WRONG, ids=range(len(WRONG)))
@pytest.mark.parametrize("field", FIELDS)
async def test_damaged_checkpoint_is_refused(field: str, value: object) -> None:
    """Each field has its type and its range."""
    server = ServerList(25)
    checkpoint = saved(await server.iterate(13))
    what = "of list_tickets with the same filters" if field == "list" else "unchanged, got a damaged one; start the iteration again"
    with pytest.raises(InvalidArgumentError, match=f"^checkpoint must be {what}"):
        server.list().resume(checkpoint | {field: value})


@pytest.mark.parametrize("field", ["total", "items", "offset"])
def test_highest_number_is_taken(field: str) -> None:
    """Every JSON parser can hold it."""
    checkpoint = saved(ServerList(1).list()) | {field: 2**53 - 1}
    assert 2**53 - 1 == getattr(load_checkpoint(checkpoint, LIST_KEY, 1), field)


@pytest.mark.parametrize("field", [name for name in FIELDS if name not in {"total", "cursor"}])
async def test_checkpoint_without_a_field_is_refused(field: str) -> None:
    """Only the total, and the cursor of a list by number, may be missing."""
    checkpoint = saved(ServerList(25).list())
    del checkpoint[field]
    with pytest.raises(InvalidArgumentError):
        ServerList(25).list().resume(checkpoint)


JSONS = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), st.lists, max_leaves=3)


@given(st.dictionaries(st.sampled_from(["version", *FIELDS]), JSONS | st.integers(0, 3)))
def test_no_value_raises_another_error(value: dict[str, Any]) -> None:
    """It is loaded or refused."""
    good = saved(ServerList(1).list())
    for tried in (value, good | value):
        try:
            load_checkpoint(tried, LIST_KEY, 1)
        except InvalidArgumentError:
            continue


@given(st.integers(0, 9), st.integers(1, 9), st.integers(0, 99), st.booleans(), st.booleans(), st.integers(0, 9))
async def test_iteration_from_an_invented_checkpoint_has_an_end(
    page: int, size: int, offset: int, complete: bool, shifted: bool, items: int
) -> None:
    """Its fields may contradict each other, and still no item comes twice."""
    server = ServerList(30)
    change = {
        "page": page + 1,
        "page_size": size,
        "offset": offset,
        "is_complete": complete,
        "has_pending_shifted_items": shifted,
        "items": items,
        "seen": "AAAAAAAA",
    }
    left = await ids(server.list().resume(saved(server.list()) | change))
    assert len(left) == len(set(left))
