"""Repeated writes with an idempotency key."""

from __future__ import annotations

import asyncio

import pytest

from cstar_async.testing import FakeCStar

from .conftest import Caller

KEY = {"Idempotency-Key": "form-1"}


async def test_repeated_write_gets_the_first_response(call: Caller, fake: FakeCStar) -> None:
    """The same request with the same key gets the same status and body, and creates nothing."""
    first = await call("POST", "/tickets", {"title": "a"}, headers=KEY)
    second = await call("POST", "/tickets", {"title": "a"}, headers=KEY)
    assert (first.status, first.json) == (second.status, second.json)
    assert [entry.was_replayed for entry in fake.requests] == [False, True]
    assert len((await call("GET", "/tickets")).data) == 1


async def test_repeated_update_does_not_run(call: Caller) -> None:
    """A repeated PATCH does not undo later updates."""
    path = f"/tickets/{(await call.make('/tickets', title='a'))['id']}"
    await call("PATCH", path, {"status": "open"}, headers=KEY)
    await call("PATCH", path, {"status": "pending"})
    assert (await call("PATCH", path, {"status": "open"}, headers=KEY)).data["status"] == "open"
    assert (await call("GET", path)).data["status"] == "pending"


async def test_write_without_key_is_done_twice(call: Caller) -> None:
    """Without a key a repeated write runs again."""
    for _ in range(2):
        await call("POST", "/tickets", {"title": "a"})
    assert len((await call("GET", "/tickets")).data) == 2


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/tickets", {"title": "b"}), ("POST", "/customers", {"title": "a"}), ("POST", "/tickets?x=1", {"title": "a"})],
)
async def test_key_of_another_request_is_a_conflict(call: Caller, method: str, path: str, body: object) -> None:
    """The same key with another body, path or query is 409 `idempotency_key_reused`."""
    await call("POST", "/tickets", {"title": "a"}, headers=KEY)
    reply = await call(method, path, body, headers=KEY)
    assert (reply.status, reply.code) == (409, "idempotency_key_reused")


async def test_key_of_a_running_request_is_a_conflict(call: Caller, fake: FakeCStar) -> None:
    """The same key while the first request runs is 409 `idempotency_in_progress`; afterwards it is a repetition."""
    fake.faults.add(delay=60, method="POST")
    first = asyncio.create_task(call("POST", "/tickets", {"title": "a"}, headers=KEY))
    await fake.clock.wait_for_sleepers()
    assert (await call("POST", "/tickets", {"title": "a"}, headers=KEY)).code == "idempotency_in_progress"
    fake.clock.advance(60)
    assert (await call("POST", "/tickets", {"title": "a"}, headers=KEY)).json == (await first).json


async def test_key_expires_after_a_day(call: Caller, fake: FakeCStar) -> None:
    """After 24 hours the same request runs again."""
    await call("POST", "/tickets", {"title": "a"}, headers=KEY)
    fake.clock.advance(24 * 3_600 - 60)
    await call("POST", "/tickets", {"title": "a"}, headers=KEY)
    fake.clock.advance(60)
    await call("POST", "/tickets", {"title": "a"}, headers=KEY)
    assert len((await call("GET", "/tickets")).data) == 2


async def test_refused_write_is_stored_too(call: Caller) -> None:
    """The repetition of a 400 gets the same response, request id included."""
    first = await call("POST", "/tickets", {}, headers=KEY)
    assert (await call("POST", "/tickets", {}, headers=KEY)).json == first.json


async def test_server_error_is_not_stored(call: Caller, fake: FakeCStar, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a 500 the repetition runs."""
    from cstar_async.testing._data.store import Database

    with monkeypatch.context() as patch:
        patch.delattr(Database, "insert")
        assert (await call("POST", "/tickets", {"title": "a"}, headers=KEY)).code == "fake_failed"
    assert (await call("POST", "/tickets", {"title": "a"}, headers=KEY)).status == 201


async def test_keys_belong_to_an_api_key(call: Caller, fake: FakeCStar) -> None:
    """Two API keys can use the same idempotency key."""
    await call("POST", "/tickets", {"title": "a"}, headers=KEY)
    assert (await call("POST", "/tickets", {"title": "b"}, headers=KEY, key=fake.add_key())).status == 201


async def test_replay_counts_as_a_call(call: Caller) -> None:
    """A replay counts against the rate limit."""
    first = await call("POST", "/tickets", {"title": "a"}, headers=KEY)
    second = await call("POST", "/tickets", {"title": "a"}, headers=KEY)
    assert (first.headers["X-RateLimit-Remaining"], second.headers["X-RateLimit-Remaining"]) == ("999", "998")


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_key_of_bad_length_is_refused(call: Caller, key: str) -> None:
    """A key has 1 to 255 characters."""
    reply = await call("POST", "/tickets", {"title": "a"}, headers={"Idempotency-Key": key})
    assert (reply.status, reply.code, reply.json["error"]["param"]) == (400, "parameter_invalid", "Idempotency-Key")


async def test_key_on_a_delete_is_ignored(call: Caller) -> None:
    """Operations without idempotency keys ignore the header."""
    ticket = await call.make("/tickets", title="a")
    await call("DELETE", f"/tickets/{ticket['id']}", headers=KEY)
    assert (await call("DELETE", f"/tickets/{ticket['id']}", headers=KEY)).status == 404
