"""Admission of requests: wait for a connection slot and a rate-limit permit, both of which a request needs.

A slot is held only while the limiter may grant a permit at once: calls that wait for the next window must not block one that need
not wait.
"""

from __future__ import annotations

import asyncio

from cstar_async._client.call import Call
from cstar_async._client.context import ClientContext
from cstar_async._rate_limit.interface import Permit
from cstar_async.errors import RateLimitWaitError


async def wait_for_slot_and_permit(context: ClientContext, call: Call) -> Permit:
    """Wait for a slot and a permit.

    A permit is returned to the limiter if its window ended or closed while the call waited for a slot.
    """
    limiter, semaphore, clock, priority = context.limiter, context.semaphore, context.clock, call.settings.priority
    await _wait_for_slot(context, call)
    permit = limiter.try_acquire(priority, clock)
    while permit is None:
        permit, holds_slot = await _wait_for_permit(context, call)
        if holds_slot or semaphore.try_acquire(priority):
            break
        window = limiter.window_number(priority, clock)
        try:
            await _wait_for_slot(context, call)
        except BaseException:
            limiter.release(permit, clock, sent=False)
            raise
        if limiter.window_number(priority, clock) != window:
            limiter.release(permit, clock, sent=False)
            permit = None
    return permit


async def _wait_for_permit(context: ClientContext, call: Call) -> tuple[Permit, bool]:
    """Wait for a permit, and release the slot before the limiter waits. Return whether the slot is still held."""
    clock, priority, holds_slot = context.clock, call.settings.priority, True

    def on_wait(wait: float) -> None:
        nonlocal holds_slot
        if holds_slot:
            holds_slot = False
            context.semaphore.release(priority)
        context.hooks.on_wait(call, "rate_limit", wait)

    max_wait, time_left = call.settings.max_wait, call.time_left(clock.monotonic())
    max_wait = max_wait if time_left is None else min(max_wait, time_left)
    try:
        permit = await context.limiter.acquire(priority, clock, max_wait=max_wait, on_wait=on_wait, started=call.started)
    except BaseException as error:
        if holds_slot:
            context.semaphore.release(priority)
        if isinstance(error, RateLimitWaitError):
            call.attempts -= 1  # this attempt was not sent
        raise
    return permit, holds_slot


async def _wait_for_slot(context: ClientContext, call: Call) -> None:
    semaphore, priority = context.semaphore, call.settings.priority
    if call.deadline is None:
        await semaphore.acquire(priority, call.started)  # without a timeout, whose memory thousands of waiting calls would take
        return
    try:
        async with asyncio.timeout(call.time_left(context.clock.monotonic())):
            await semaphore.acquire(priority, call.started)
    except TimeoutError:
        raise call.expired_unsent() from None
