"""Rate limits."""

from __future__ import annotations

import pytest

from cstar_async import InvalidArgumentError
from cstar_async.testing import FakeCStar
from cstar_async.testing._data.store import Team
from cstar_async.testing._http.auth import Key
from cstar_async.testing._http.rate_limits import RateLimits

from .conftest import Caller, calling

KEY = Key(text="sk_test_a", type="secret", environment="test", team=Team("t", "T", "t"))


async def test_every_response_has_the_limit(call: Caller) -> None:
    """Successes and errors have the four headers."""
    for reply in (await call("GET", "/tickets"), await call("GET", "/tickets/none"), await call("GET", "/nothing")):
        assert (reply.headers["X-RateLimit-Limit"], reply.headers["X-RateLimit-Window"]) == ("1000", "3600")


async def test_response_to_an_unknown_key_has_an_unused_window(call: Caller) -> None:
    """Without a valid key the headers have the lower limit, and nothing is counted."""
    replies = [await call("GET", "/tickets", key=None) for _ in range(2)]
    assert {reply.headers["X-RateLimit-Remaining"] for reply in replies} == {"100"}


async def test_remaining_counts_down(call: Caller) -> None:
    """Each call uses one."""
    remaining = [int((await call("GET", "/tickets")).headers["X-RateLimit-Remaining"]) for _ in range(3)]
    assert remaining == [999, 998, 997]


async def test_publishable_key_has_fewer_calls(call: Caller, fake: FakeCStar) -> None:
    """Keys are counted separately; publishable ones have 100 calls."""
    await call("GET", "/tickets")
    assert (await call("GET", "/tickets", key=fake.publishable_key)).headers["X-RateLimit-Remaining"] == "99"


async def test_used_up_window_refuses() -> None:
    """The call after the last is a 429 with `Retry-After`, and does not run."""
    fake = FakeCStar(rate_limit=1)
    async with calling(fake) as call:
        await call("GET", "/tags")
        reply = await call("POST", "/tickets", {"title": "a"})
        assert (reply.status, reply.code, reply.json["error"]["type"]) == (429, "rate_limit_exceeded", "rate_limit_error")
        assert 3_590 <= int(reply.headers["Retry-After"]) <= 3_600
        assert reply.headers["X-RateLimit-Remaining"] == "0"
        fake.clock.advance(3_600)
        assert (await call("GET", "/tickets")).data == []


async def test_window_ends_at_the_reset() -> None:
    """A second before `X-RateLimit-Reset` a call is a 429; at that time it is accepted."""
    fake = FakeCStar(rate_limit=1)
    async with calling(fake) as call:
        reset = int((await call("GET", "/tags")).headers["X-RateLimit-Reset"])
        fake.clock.set(reset - 1)
        assert (await call("GET", "/tags")).status == 429
        fake.clock.set(reset)
        assert (await call("GET", "/tags")).status == 200


async def test_switched_off_limits_never_refuse() -> None:
    """With `limits=False` a publishable key has more than 100 calls."""
    fake = FakeCStar(limits=False)
    async with calling(fake) as call:
        fake.use_calls(5_000, key=fake.publishable_key)
        assert (await call("GET", "/tags", key=fake.publishable_key)).status == 200


async def test_used_calls_are_gone(call: Caller, fake: FakeCStar) -> None:
    """`use_calls()` uses calls up, and no more than remain."""
    fake.use_calls(990)
    assert (await call("GET", "/tags")).headers["X-RateLimit-Remaining"] == "9"
    fake.use_calls(5_000)
    assert (await call("GET", "/tags")).status == 429


async def test_window_can_be_short() -> None:
    """The length of a window can be set."""
    fake = FakeCStar(rate_limit=1, rate_window=2)
    async with calling(fake) as call:
        assert (await call("GET", "/tags")).headers["X-RateLimit-Window"] == "2"
        fake.clock.advance(2)
        assert (await call("GET", "/tags")).status == 200


@pytest.mark.parametrize("arguments", [{"rate_limit": -1}, {"rate_window": 0}])
def test_invalid_limit_is_refused(arguments: dict[str, int]) -> None:
    """A negative limit and a window of 0 seconds are refused."""
    with pytest.raises(InvalidArgumentError, match=next(iter(arguments))):
        FakeCStar(**arguments)


def test_clock_set_back_begins_a_new_window() -> None:
    """A window in the future is replaced."""
    limits = RateLimits({"secret": 5, "publishable": 5})
    limits.acquire(KEY, 10_000.0)
    assert limits.state(KEY, 10.0).remaining == 5
