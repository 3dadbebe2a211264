"""The store of a fleet without a Redis: what it makes of answers that are lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from cstar_async import ConnectionFailedError, InvalidArgumentError
from cstar_async.redis import RedisStore


class Shelf:
    """Stands where redis-py's client does, and answers each deed as the test says."""

    def __init__(self) -> None:
        self.deeds: list[tuple[str, ...]] = []
        self.answers: dict[str, Any] = {"accept": b"own", "done": None, "pending": [], "last": None, "leave": 1}
        self.failing: set[str] = set()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def evalsha(self, _: str, keys: int, *given: Any) -> Any:
        """Note the deed, and answer."""
        deed, _receiver, _lease, *more = given[keys:]
        self.deeds.append((deed, *more))
        await self.may_answer.wait()
        if deed in self.failing:
            raise ConnectionResetError("Jane Doe")
        return self.answers[deed]

    async def eval(self, *_: object) -> Any:
        """Not needed: every script is known."""

    async def aclose(self) -> None:
        """Not called: the client is the user's own."""
        raise AssertionError


@pytest_asyncio.fixture
async def shelf() -> Shelf:
    """A Redis that accepts everything."""
    return Shelf()


@pytest_asyncio.fixture
async def store(shelf: Shelf) -> AsyncIterator[RedisStore]:
    """A store before it."""
    client: Any = shelf
    store = RedisStore(client, name="hooks")
    yield store
    await store.aclose()


def test_lease_below_a_second_is_refused() -> None:
    """It could not be renewed in time."""
    with pytest.raises(InvalidArgumentError, match="lease"):
        RedisStore("redis://localhost", name="hooks", lease=0.5)


def test_webhooks_offer_the_store_without_its_library() -> None:
    """That is imported when one is made."""
    program = "import sys; from cstar_async.webhooks import RedisStore; print('redis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


async def test_lease_is_renewed_three_times_in_its_time(store: RedisStore) -> None:
    """By the inbox."""
    assert 20.0 == store.lease_interval


async def test_event_in_hand_is_not_asked_for_again(store: RedisStore, shelf: Shelf) -> None:
    """Until it is done."""
    assert [True, False] == [await store.add("evt_1", b"{}") for _ in range(2)]
    await store.mark_done("evt_1")
    shelf.answers["accept"] = "other"
    assert await store.add("evt_1", b"{}") is False
    assert ["accept", "done", "accept"] == [deed for deed, *_ in shelf.deeds]


async def test_two_deliveries_at_once_are_one_event(store: RedisStore, shelf: Shelf) -> None:
    """The second waits for what becomes of the first."""
    shelf.may_answer.clear()
    first, second = (asyncio.create_task(store.add("evt_1", b"{}")) for _ in range(2))
    await asyncio.sleep(0)
    shelf.may_answer.set()
    assert [True, False] == [await first, await second]


async def test_second_delivery_has_the_event_if_the_first_failed(store: RedisStore, shelf: Shelf) -> None:
    """It asks for itself, and Redis says that the event is this receiver's own."""
    shelf.may_answer.clear()
    first, second = (asyncio.create_task(store.add("evt_1", b"{}")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    shelf.may_answer.set()
    await asyncio.gather(first, return_exceptions=True)
    assert await second is True


async def test_lost_answer_is_an_error_of_this_package(store: RedisStore, shelf: Shelf) -> None:
    """Without a word of the event."""
    shelf.failing.add("accept")
    with pytest.raises(ConnectionFailedError, match="ConnectionResetError") as caught:
        await store.add("evt_1", b"{}")
    assert "Jane" not in str(caught.value)


async def test_event_whose_acceptance_was_not_heard_of_is_pending(store: RedisStore, shelf: Shelf) -> None:
    """Redis is asked for this receiver's own then, and what is in hand is left out."""
    assert await store.add("evt_1", b"{}")
    await store.claim_pending()
    shelf.failing.add("accept")
    with pytest.raises(ConnectionFailedError):
        await store.add("evt_2", b"[]")
    shelf.answers["pending"] = [b"evt_1", b"{}", "evt_2", "[]"]
    assert [("evt_2", b"[]")] == await store.claim_pending()
    assert [("pending", ""), ("pending", "own")] == [deed for deed in shelf.deeds if deed[0] == "pending"]
    assert await store.add("evt_2", b"[]") is False


async def test_event_that_is_just_being_accepted_is_not_pending(store: RedisStore, shelf: Shelf) -> None:
    """Or it would be handled twice."""
    shelf.may_answer.clear()
    shelf.answers["pending"] = [b"evt_1", b"{}"]
    pending, accepting = asyncio.create_task(store.claim_pending()), asyncio.create_task(store.add("evt_1", b"{}"))
    await asyncio.sleep(0)
    shelf.may_answer.set()
    assert ([], True) == (await pending, await accepting)


async def test_done_that_was_not_heard_is_said_again(store: RedisStore, shelf: Shelf) -> None:
    """With the next renewal, or the event would be handled again when this receiver is gone."""
    await store.add("evt_1", b"{}")
    shelf.failing.add("done")
    with pytest.raises(ConnectionFailedError):
        await store.mark_done("evt_1")
    shelf.failing.clear()
    await store.claim_pending()
    await store.claim_pending()
    assert [("done", "evt_1")] * 2 == [deed for deed in shelf.deeds if deed[0] == "done"]


async def test_last_event_is_known(store: RedisStore, shelf: Shelf) -> None:
    """That of any receiver."""
    assert await store.last_event_id() is None
    shelf.answers["last"] = b"evt_7"
    assert "evt_7" == await store.last_event_id()


async def test_closing_leaves_what_is_not_done_to_others_once(store: RedisStore, shelf: Shelf) -> None:
    """If there is a Redis to tell."""
    await store.add("evt_1", b"{}")
    shelf.failing.add("leave")
    await store.aclose()
    await store.aclose()
    assert [("leave",)] == [deed for deed in shelf.deeds if deed[0] == "leave"]
    assert repr(store) == "RedisStore(1 events in hand)"


async def test_closing_a_store_that_was_not_used_asks_nothing(store: RedisStore, shelf: Shelf) -> None:
    """There is nothing to leave."""
    await store.aclose()
    assert [] == shelf.deeds
