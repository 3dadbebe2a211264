"""The request pipeline: the loop that sends a call, waits and retries.

Whether and when to retry is decided by pure functions (`_protocol.retry`), and how a response becomes an error by
`_protocol.error_responses`. A request waits for its slot and permit in `admission`.
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod

from cstar_async._client.admission import wait_for_slot_and_permit
from cstar_async._client.call import TRANSFER_EXPIRED, Call
from cstar_async._client.closable_waits import CLIENT_CLOSED
from cstar_async._client.context import ClientContext
from cstar_async._client.settings import CallSettings
from cstar_async._event_loop.clock import sleep_by_both_clocks
from cstar_async._protocol.error_responses import parse_error
from cstar_async._protocol.headers import to_datetime
from cstar_async._protocol.limit_headers import with_rate_limit
from cstar_async._protocol.messages import RawResponse
from cstar_async._protocol.retry import Failure, RetryAction, decide
from cstar_async.errors import (
    APIError,
    CStarError,
    RateLimitWaitError,
    RequestTimeoutError,
    ResponseTooLargeError,
    TransportError,
)


class RequestPipeline(ABC):
    """Send the calls of one view of a client.

    Args:
        context: What all views of the client share.
        settings: The settings of this view.
    """

    __slots__ = ("context", "settings")

    def __init__(self, context: ClientContext, settings: CallSettings) -> None:
        self.context = context
        self.settings = settings

    async def send_with_retries(self, call: Call) -> None:
        """Send a call until it succeeds, and set `call.response`.

        A DELETE whose retry is answered by 404 succeeds with an empty body: an earlier attempt has deleted the object.

        Raises:
            CStarError: The last attempt failed and no other may follow.
        """
        context = self.context
        try:
            context.loop_binding.bind()
            if context.waits.is_closed:
                raise CStarError(CLIENT_CLOSED)
            if context.hooks.has_call_hooks:
                context.hooks.on_call_start(call, context.host, context.port)
            prefix = context.path_prefix
            if call.is_team_scoped:
                prefix = context.team_path.value or await self._resolve_team_path(call)
            call.path = prefix + call.path
            if context.credentials is not None:
                context.credentials.add_to(call, call.target.security)
            may_have_acted = False
            while True:
                call.attempts += 1
                failed: TransportError | APIError
                try:
                    response = await self._send_once(call)
                except CStarError as error:
                    call.annotate(error)
                    if not isinstance(error, TransportError) or isinstance(error, ResponseTooLargeError):
                        raise
                    failed = error
                else:
                    if 200 <= response.status <= 299:
                        break
                    if response.status == 404 and may_have_acted and call.method == "DELETE":
                        response = RawResponse(404, response.headers, b"")
                        break
                    failed = parse_error(response, context.clock.time())
                    call.annotate(failed)
                failure = Failure.of(failed)
                may_have_acted = may_have_acted or failure.may_have_acted
                await self._wait_or_raise(call, failure, failed)
            context.retry_budget.refund(call.attempts > 1)
            call.response = response
        except BaseException as error:
            self.record_failure(call, error)
            raise

    async def _send_once(self, call: Call) -> RawResponse:
        """Send one request with a slot and a permit, and update the limiter from its response."""
        context, settings = self.context, call.settings
        limiter, clock, priority, permit = context.limiter, context.clock, settings.priority, None
        if context.semaphore.try_acquire(priority):
            permit = limiter.try_acquire(priority, clock)
            if permit is None:
                context.semaphore.release(priority)
        if permit is None:
            async with context.waits.enter():
                permit = await wait_for_slot_and_permit(context, call)
        try:
            timeout = settings.timeout
            if call.deadline is not None:
                timeout = min(timeout, call.deadline - clock.monotonic())
                if timeout <= 0:
                    raise call.expired_unsent()
            if call.deadline is not None and (call.upload is not None or call.sink is not None):
                response = await self._transfer_until(call, timeout)
            elif context.hooks.has_attempt_hooks:
                response = await self._send_with_hooks(call, timeout)
            else:
                response = await context.transport.send(call, timeout)
            if context.reads_other_limits:
                response.headers = with_rate_limit(response.headers, clock.time())
        except BaseException as error:
            # Other errors of ours are those of a session that cannot be used.
            sent = error.request_sent if isinstance(error, TransportError) else not isinstance(error, CStarError)
            limiter.release(permit, clock, sent=sent)
            raise
        else:
            if response.status == 429:
                # The limiter keeps the wait that a retry keeps, and only the body may state it.
                retry_after = parse_error(response, clock.time()).retry_after
                limiter.on_response(permit, 429, response.headers, clock, retry_after=retry_after)
            else:
                limiter.on_response(permit, response.status, response.headers, clock)
            return response
        finally:
            context.semaphore.release(priority)

    async def _wait_or_raise(self, call: Call, failure: Failure, error: TransportError | APIError) -> None:
        """Wait before the next attempt, or raise the error of the last one.

        Raises:
            RateLimitWaitError: A 429 requires a longer wait than the call allows.
            CStarError: *error*; a retry is not allowed, cannot help, or could do the work twice.
        """
        context, settings = self.context, call.settings
        decision = decide(
            failure,
            method=call.method,
            idempotency_key=call.idempotency_key,
            attempt=max(1, call.attempts),
            max_retries=settings.max_retries,
            max_wait=settings.max_wait,
            time_left=call.time_left(context.clock.monotonic()),
            random=context.random,
        )
        wait = decision.wait
        if decision.action is RetryAction.WAIT_TOO_LONG:
            refused = RateLimitWaitError(
                f"the server requires a wait of {math.ceil(wait)} s, longer than max_wait or total_timeout allows",
                retry_at=to_datetime(context.clock.time() + wait),
                wait=wait,
                state=context.limiter.state,
                request_id=error.request_id,
            )
            call.annotate(refused)
            raise refused from error
        if decision.action is RetryAction.RETRY and call.upload is not None and call.upload.used_up is not None:
            error.message += f"; not sent again, because {call.upload.used_up} can be read only once"
            raise error
        if decision.action is RetryAction.RAISE or not context.retry_budget.acquire():
            raise error
        context.hooks.on_retry(call, failure.status, error, wait)
        context.hooks.on_wait(call, "rate_limit" if failure.status == 429 else "back_off", wait)
        async with context.waits.enter():
            await sleep_by_both_clocks(context.clock, wait)

    @abstractmethod
    async def _resolve_team_path(self, call: Call) -> str:
        """Return the path prefix of the key's team, which is not known yet."""

    async def _transfer_until(self, call: Call, timeout: float) -> RawResponse:
        """Send a request whose `timeout` starts again with each piece, until the deadline of the call at the latest."""
        try:
            async with asyncio.timeout(call.time_left(self.context.clock.monotonic())):
                return await self._send_with_hooks(call, timeout)
        except TimeoutError:
            raise RequestTimeoutError(TRANSFER_EXPIRED) from None

    async def _send_with_hooks(self, call: Call, timeout: float) -> RawResponse:
        context = self.context
        context.hooks.on_request(call)
        sent = context.clock.monotonic()
        response = await context.transport.send(call, timeout)
        context.hooks.on_response(call, response, context.clock.monotonic() - sent)
        return response

    def record_failure(self, call: Call, error: BaseException) -> None:
        """Set time, duration and rate limit on the error of a call, and notify the hooks of its end."""
        context = self.context
        if isinstance(error, CStarError):
            error.occurred_at = to_datetime(context.clock.time())
            error.elapsed = context.clock.monotonic() - call.started
            error.rate_limit = context.limiter.state
        if call.hooks_notified:
            request_id = error.request_id if isinstance(error, CStarError) else None
            context.hooks.on_call_end(call, request_id, context.limiter.state, error)
