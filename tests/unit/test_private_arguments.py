"""Errors about wrong arguments: they show no body and no personal data."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cstar_async import InvalidArgumentError, Page, from_dict
from cstar_async._values.repr import short_repr
from cstar_async._values.validation import check_instance
from cstar_async.identity import sign_identity
from cstar_async.webhooks import MemoryStore, SqliteStore, WebhookInbox

PRIVATE: Any = "Ada Lovelace"


class Customer:
    """An object of the user whose repr is not safe to log."""

    def __repr__(self) -> str:
        return f"Customer({PRIVATE})"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"email": PRIVATE}, "{<str>: <str>}"),
        ([("email", PRIVATE)], "[(<str>, <str>)]"),
        ((PRIVATE.encode(), Customer()), "(<bytes>, <Customer>)"),
        ({"a": {"b": [1, None, True, 0.5, PRIVATE]}}, "{<str>: {<str>: [1, None, True, 0.5, <str>]}}"),
        ({PRIVATE}, "{<str>}"),
    ],
)
def test_items_of_a_container_are_not_shown(value: object, shown: str) -> None:
    """Except numbers: they may be data of a customer, passed in the wrong place."""
    assert shown == short_repr(value)


def test_a_private_argument_is_not_shown() -> None:
    """Only its type."""
    with pytest.raises(InvalidArgumentError, match=r"^body must be bytes, got str$"):
        check_instance("body", PRIVATE, bytes, "bytes", is_private=True)


CALLS: dict[str, Callable[[Path], object]] = {
    "fields of an identity": lambda _: sign_identity(PRIVATE, "secret"),
    "swapped arguments": lambda _: from_dict({"email": PRIVATE}, int),  # type: ignore[arg-type]
    "an item of a page": lambda _: Page(Customer()),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_error_of_a_call_has_no_personal_data(call: Callable[[Path], object], tmp_path: Path) -> None:
    """Whatever is passed by mistake."""
    with pytest.raises(InvalidArgumentError) as caught:
        call(tmp_path)
    assert PRIVATE not in f"{caught.value} {caught.value.report()}"


ADDITIONS: dict[str, Callable[[Path], Awaitable[object]]] = {
    "in memory": lambda _: MemoryStore().add("evt_1", PRIVATE),
    "in a file": lambda folder: SqliteStore(folder / "events.db").add("evt_1", PRIVATE),
    "headers": lambda _: WebhookInbox("whsec_1").receive(b"", [PRIVATE]),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("add", ADDITIONS.values(), ids=ADDITIONS)
async def test_error_of_an_event_has_no_personal_data(add: Callable[[Path], Awaitable[object]], tmp_path: Path) -> None:
    """A body that is no bytes, headers that are no mapping."""
    with pytest.raises(InvalidArgumentError) as caught:
        await add(tmp_path)
    assert PRIVATE not in str(caught.value)
