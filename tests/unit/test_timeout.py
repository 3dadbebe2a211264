"""One timer for the timeouts of all requests in flight."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from cstar_async._event_loop.timeout import SharedTimeout


async def _wait(timeout: SharedTimeout, future: asyncio.Future[None]) -> None:
    with timeout:
        await future


def _timeout(seconds: float) -> SharedTimeout:
    return SharedTimeout(seconds, asyncio.get_running_loop())


async def test_block_that_takes_too_long_raises_a_timeout_error() -> None:
    """And leaves no cancellation in the task."""
    with pytest.raises(TimeoutError):
        await _wait(_timeout(0.001), asyncio.get_running_loop().create_future())

    task = asyncio.current_task()
    assert task is not None
    assert 0 == task.cancelling()


async def test_every_block_has_a_timeout_of_its_own() -> None:
    """The first one to expire does not end a later request."""
    timeout, loop = _timeout(0.05), asyncio.get_running_loop()
    first = asyncio.ensure_future(_wait(timeout, loop.create_future()))
    await asyncio.sleep(0.02)
    began = loop.time()
    with pytest.raises(TimeoutError):
        await _wait(timeout, loop.create_future())
    assert loop.time() - began >= 0.05
    with pytest.raises(TimeoutError):
        await first


async def test_thousand_blocks_share_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """This makes it cheap."""
    loop = asyncio.get_running_loop()
    timers: list[float] = []
    call_at = loop.call_at

    def counting(when: float, *rest: object) -> asyncio.TimerHandle:
        timers.append(when)
        return call_at(when, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "call_at", counting)
    timeout = _timeout(60.0)
    future = loop.create_future()
    calls = [asyncio.ensure_future(_wait(timeout, future)) for _ in range(1000)]
    await asyncio.sleep(0)
    future.set_result(None)
    await asyncio.gather(*calls)
    timeout.close()

    assert 1 == len(timers)


async def test_cancellation_from_outside_is_not_a_timeout() -> None:
    """It stays a cancellation."""
    call = asyncio.ensure_future(_wait(_timeout(60.0), asyncio.get_running_loop().create_future()))
    await asyncio.sleep(0)
    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call


async def test_cancellation_at_the_time_of_the_timeout_is_kept() -> None:
    """It wins over the timeout."""
    timeout, loop = _timeout(0.01), asyncio.get_running_loop()
    call = asyncio.ensure_future(_wait(timeout, loop.create_future()))
    await asyncio.sleep(0)
    loop.call_at(loop.time() + 0.01, call.cancel)  # due in the same iteration of the loop as the timer, after it
    time.sleep(0.02)  # noqa: ASYNC251  # so that both do

    with pytest.raises(asyncio.CancelledError):
        await call


async def test_block_in_time_is_not_cancelled() -> None:
    """Its timer fires without effect."""
    timeout = _timeout(0.001)
    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    await _wait(timeout, future)

    await asyncio.sleep(0.01)


async def test_closed_timeout_leaves_no_timer() -> None:
    """Unless a task is inside, whose timeout still has to expire."""
    timeout, loop = _timeout(0.02), asyncio.get_running_loop()
    call = asyncio.ensure_future(_wait(timeout, loop.create_future()))
    await asyncio.sleep(0)
    timeout.close()
    with pytest.raises(TimeoutError):
        await call
    with timeout:
        pass
    timers = len(loop._scheduled)  # type: ignore[attr-defined]
    timeout.close()
    assert timers == len([timer for timer in loop._scheduled if not timer.cancelled()]) + 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("blocked", [0.011, 0.03, 0.2])
@pytest.mark.parametrize("parts", [1, 3])
async def test_data_that_arrived_while_the_loop_was_blocked_is_read(blocked: float, parts: int) -> None:
    """A timeout expires only after the loop has had a turn to read what is in the sockets, however long it was blocked."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)

    async def read() -> bytes:
        with _timeout(0.01):
            return b"".join([await reader.readexactly(1) for _ in range(parts)])

    reading = asyncio.ensure_future(read())
    await asyncio.sleep(0)
    theirs.sendall(b"x" * parts)
    time.sleep(blocked)  # noqa: ASYNC251  # blocks the loop

    assert b"x" * parts == await reading
    theirs.close()
    writer.close()
    await writer.wait_closed()


async def test_task_that_enters_again_keeps_its_deadline() -> None:
    """A nested block that ends changes nothing; one that takes too long ends with the outer one, as a single timeout."""
    timeout, loop = _timeout(0.02), asyncio.get_running_loop()

    async def nested(*, hangs: bool) -> None:
        with timeout:
            for _ in range(2):
                with timeout, timeout:
                    await asyncio.sleep(0)
            with timeout:
                if hangs:
                    await loop.create_future()
            await asyncio.sleep(0)

    await nested(hangs=False)
    started = loop.time()
    with pytest.raises(TimeoutError):
        await nested(hangs=True)
    assert loop.time() - started < 0.2
    task = asyncio.current_task()
    assert task is not None
    assert 0 == task.cancelling()
    await nested(hangs=False)


async def test_block_entered_while_handling_a_timeout_has_its_own() -> None:
    """A task whose timeout has just expired can enter another block before it leaves the first."""
    timeout, loop = _timeout(0.01), asyncio.get_running_loop()

    async def clean_up() -> None:
        with timeout:
            try:
                await loop.create_future()
            finally:
                with timeout:
                    await asyncio.sleep(0)

    with pytest.raises(TimeoutError):
        await clean_up()


async def test_all_blocks_of_other_tasks_can_be_ended() -> None:
    """At once; the timer of the block that ended them stays until its own end."""
    timeout, loop = _timeout(0.05), asyncio.get_running_loop()
    blocks = [asyncio.ensure_future(_wait(timeout, loop.create_future())) for _ in range(3)]
    await asyncio.sleep(0)

    async def end_them() -> None:
        with timeout:
            timeout.end_all()
            timeout.close()
            results = await asyncio.gather(*blocks, return_exceptions=True)
            assert [TimeoutError] * 3 == [type(result) for result in results]
            await loop.create_future()

    with pytest.raises(TimeoutError):
        await end_them()
