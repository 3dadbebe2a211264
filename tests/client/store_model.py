"""A model of an event store, and random changes that a store and the model must make alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from hypothesis import strategies as st

from cstar_async.webhooks import EventStore
from cstar_async.webhooks._store import BODY_HASH_PREFIX

IDS = ("evt_1", "evt_2", "evt_3", f"{BODY_HASH_PREFIX}00")
Change: TypeAlias = tuple[str, str, int]

CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "record_attempts", "mark_done", "mark_dead", "requeue", "restart"]),
        st.sampled_from(IDS),
        st.integers(1, 5),
    ),
    max_size=30,
)
"""Each a method, the id of an event and a number of attempts."""


class StoreModel:
    """The state of each event, as the protocol describes it."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.attempts: dict[str, int] = {}
        self.dead: list[str] = []
        self.last: str | None = None

    def apply(self, change: Change) -> object:
        """Make a change, and return what the method of a store returns."""
        name, event_id, number = change
        state = self.states.get(event_id)
        if name == "add":
            if state is None:
                self.states[event_id], self.attempts[event_id] = "pending", 0
                self.last = self.last if event_id.startswith(BODY_HASH_PREFIX) else event_id
            return state is None
        if name == "record_attempts":
            if state == "pending":
                self.attempts[event_id] = number
            return state == "pending"
        if name == "mark_done" and state is not None:
            self.states[event_id] = "done"
            self.dead = [one for one in self.dead if one != event_id]
        if name == "mark_dead" and state == "pending":
            self.states[event_id] = "dead"
            self.dead.append(event_id)
        if name == "requeue" and state == "dead":
            self.states[event_id], self.attempts[event_id] = "pending", 0
            self.dead.remove(event_id)
        return name == "requeue" and state == "dead"

    def pending(self) -> set[tuple[str, bytes, int]]:
        """Return id, body and attempts of each pending event."""
        return {(key, key.encode(), self.attempts[key]) for key, state in self.states.items() if state == "pending"}


async def apply(store: EventStore, change: Change) -> object:
    """Make a change of a store."""
    name, event_id, number = change
    if name == "add":
        return await store.add(event_id, event_id.encode())
    if name == "record_attempts":
        return await store.record_attempts(event_id, number)
    if name == "mark_done":
        await store.mark_done(event_id)
    if name == "mark_dead":
        await store.mark_dead(event_id, f"KeyError {number}")
    return name == "requeue" and await store.requeue_dead_letter(event_id) is not None


async def check_against_model(make_store: Callable[[], EventStore], changes: list[Change]) -> None:
    """Make the changes, and compare all results. A restart closes the store, and makes one that claims the events."""
    model, store = StoreModel(), make_store()
    for change in changes:
        if change[0] == "restart":
            await store.aclose()
            store = make_store()
            assert {(one.id, one.body, one.attempts) for one in await store.claim_pending()} == model.pending()
        elif change[0] != "mark_done" or change[1] in model.states:
            assert await apply(store, change) == model.apply(change)
        assert [letter.id for letter in await store.dead_letters()] == model.dead
        assert await store.last_event_id() == model.last
    assert [letter.attempts for letter in await store.dead_letters()] == [model.attempts[event_id] for event_id in model.dead]
    await store.aclose()
