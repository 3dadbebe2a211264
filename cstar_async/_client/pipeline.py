"""The one loop that every call goes through.

A call gets a place and a permit, is sent, observed and, if that may help and can do no harm, sent again. No other module waits,
retries or raises an error of the API. What is decided here is decided by the pure rooms below (`_retry`, `_rate_limit`,
`_error_table`); what is done goes through the doors (`_transport`, `_clock`).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Literal, cast

from cstar_async._client.call import Call
from cstar_async._client.context import ClientContext
from cstar_async._client.settings import CallSettings
from cstar_async._protocol.envelope import find_request_id
from cstar_async._protocol.error_responses import make_error, parse_error
from cstar_async._protocol.headers import parse_rate_limit, to_datetime
from cstar_async._protocol.messages import RawResponse
from cstar_async._protocol.retry import Failure, RetryAction, RetryLimits, decide
from cstar_async._rate_limit.interface import Permit
from cstar_async.errors import APIError, CStarError, DecodeError, RateLimitWaitError, RequestTimeoutError, TransportError
from cstar_async.hooks import CallInfo, DoneInfo, RequestInfo, ResponseInfo, RetryInfo, WaitInfo


class RequestPipeline(ABC):
    """Performs the calls of one view of a client.

    Args:
        core: What this view shares with the others.
        settings: What its calls go by unless they say otherwise.
    """

    __slots__ = ("core", "settings")

    def __init__(self, core: ClientContext, settings: CallSettings) -> None:
        self.core = core
        self.settings = settings

    @abstractmethod
    async def _find_team(self) -> str:
        """Ask which team the key belongs to.

        Returns:
            What stands before every path under it.
        """

    async def send_with_retries(self, call: Call) -> None:
        """Send a call until it succeeds and has its response, or until its failure is to be raised.

        A call that raises here is over; one that succeeds is over when it is delivered, or cannot be read.
        """
        core = self.core
        try:
            core.bind_to_loop()
            if core.observers.has_call_hooks:
                self._notify_call_start(call)
            base = (core.team_path.value or await self._team_path(call)) if call.is_team_scoped else core.prefix
            call.path = base + call.path
            may_be_done = False
            while True:
                call.attempts += 1
                try:
                    response = await self._send_once(call)
                except TransportError as error:
                    call.annotate(error)
                    failure, raised = Failure(sent=error.request_sent), cast("TransportError | APIError", error)
                else:
                    if 200 <= response.status <= 299 or (response.status == 404 and may_be_done and call.method == "DELETE"):
                        core.retry_budget.refund(call.attempts > 1)
                        call.response = response
                        return
                    facts = parse_error(response, core.clock.time())
                    failure = Failure(status=facts.status, code=facts.code, retry_after=facts.retry_after)
                    raised = make_error(
                        facts, operation=call.target.id, attempts=call.attempts, idempotency_key=call.idempotency_key
                    )
                may_be_done = may_be_done or failure.may_have_acted
                await self._retry_or_raise(call, failure, raised)
        except BaseException as error:
            self.record_failure(call, error)
            raise

    async def _send_once(self, call: Call) -> RawResponse:
        """Send a request once, in its turn, and learn from its answer."""
        core, settings = self.core, call.settings
        limiter, clock, permit = core.limiter, core.clock, None
        if core.gate.try_acquire():
            permit = limiter.try_acquire(settings.priority, clock)
            if permit is None:
                core.gate.release()
        if permit is None:
            permit = await self._acquire_slot_and_permit(call)
        try:
            timeout = settings.timeout
            if call.deadline_at is not None:
                timeout = min(timeout, call.deadline_at - clock.monotonic())
                if timeout <= 0:
                    raise RequestTimeoutError("the deadline was over before the request could be sent", sent=False)
            if core.observers.has_attempt_hooks:
                response = await self._send_with_hooks(call, timeout)
            else:
                response = await core.transport.send(call, timeout)
        except BaseException as error:
            limiter.release(permit, clock, sent=not isinstance(error, TransportError) or error.request_sent)
            raise
        else:
            limiter.on_response(permit, response.status, response.headers, clock)
            return response
        finally:
            core.gate.release()

    async def _acquire_slot_and_permit(self, call: Call) -> Permit:
        """Wait for a place at the gate and a permit of the limiter, and return with both.

        Whoever waits for a permit holds no place meanwhile: a hundred calls that wait for the next hour must not stand in the way
        of one that needs not wait.
        """
        core, clock, priority = self.core, self.core.clock, call.settings.priority
        await self._acquire_slot(call)
        permit = core.limiter.try_acquire(priority, clock)
        if permit is not None:
            return permit
        core.gate.release()
        longest = call.settings.max_wait
        if call.deadline_at is not None:
            longest = min(longest, call.deadline_at - clock.monotonic())
        try:
            permit = await core.limiter.acquire(
                priority, clock, max_wait=longest, on_wait=lambda wait: self._notify_wait(call, "rate_limit", wait)
            )
        except RateLimitWaitError as error:
            call.attempts -= 1  # this one was never sent
            call.annotate(error)
            raise
        try:
            await self._acquire_slot(call)
        except BaseException:
            core.limiter.release(permit, clock, sent=False)
            raise
        return permit

    async def _acquire_slot(self, call: Call) -> None:
        gate = self.core.gate
        if gate.try_acquire():
            return
        if call.deadline_at is None:
            await gate.acquire(call.settings.priority)
            return
        try:
            async with asyncio.timeout(max(0.0, call.deadline_at - self.core.clock.monotonic())):
                await gate.acquire(call.settings.priority)
        except TimeoutError:
            raise RequestTimeoutError("the deadline was over before the request could be sent", sent=False) from None

    async def _send_with_hooks(self, call: Call, timeout: float) -> RawResponse:
        """Send, and tell the observers before and after."""
        core, target = self.core, call.target
        core.observers.request(
            RequestInfo(
                call_id=call.id,
                operation=target.id,
                method=target.method,
                path=target.path,
                attempt=call.attempts,
                idempotency_key=call.idempotency_key,
            )
        )
        sent = core.clock.monotonic()
        response = await core.transport.send(call, timeout)
        core.observers.response(
            ResponseInfo(
                call_id=call.id,
                operation=target.id,
                method=target.method,
                path=target.path,
                attempt=call.attempts,
                status=response.status,
                elapsed=core.clock.monotonic() - sent,
                rate_limit=parse_rate_limit(response.headers),
                request_id=find_request_id(response),
            )
        )
        return response

    async def _retry_or_raise(self, call: Call, failure: Failure, raised: TransportError | APIError) -> None:
        """Wait before the next attempt, or raise what ended the last.

        Raises:
            RateLimitWaitError: A 429 asks for a longer wait than the call allows.
            CStarError: *raised*, because another attempt would not help, could do harm, or is not allowed any more.
        """
        core, settings, attempt = self.core, call.settings, call.attempts
        decision = decide(
            failure,
            method=call.method,
            idempotency_key=call.idempotency_key,
            attempt=attempt,
            limits=RetryLimits(
                max_retries=settings.max_retries,
                max_wait=settings.max_wait,
                time_left=None if call.deadline_at is None else call.deadline_at - core.clock.monotonic(),
            ),
            random=core.random,
        )
        if decision.action is RetryAction.WAIT_TOO_LONG:
            raise self._wait_too_long(call, raised, decision.wait) from raised
        if decision.action is RetryAction.RAISE or not core.retry_budget.acquire():
            raise raised
        wait = decision.wait
        target = call.target
        core.observers.retry(
            RetryInfo(
                call_id=call.id,
                operation=target.id,
                method=target.method,
                path=target.path,
                attempt=attempt,
                status=failure.status,
                error=type(raised).__name__,
                wait=wait,
            )
        )
        self._notify_wait(call, "rate_limit" if failure.status == 429 else "back_off", wait)
        await core.clock.sleep(wait)

    def _wait_too_long(self, call: Call, refused: CStarError, wait: float) -> RateLimitWaitError:
        retry_at = to_datetime(self.core.clock.time() + wait)
        return RateLimitWaitError(
            f"the server asks to come back after {wait:.0f} s, longer than allowed",
            retry_at=retry_at,
            wait=wait,
            state=self.core.limiter.state,
            operation=call.target.id,
            attempts=refused.attempts,
            idempotency_key=call.idempotency_key,
            request_id=refused.request_id,
        )

    def _notify_wait(self, call: Call, reason: Literal["rate_limit", "back_off"], wait: float) -> None:
        target = call.target
        self.core.observers.wait(
            WaitInfo(
                call_id=call.id,
                operation=target.id,
                method=target.method,
                path=target.path,
                reason=reason,
                wait=wait,
                priority=call.settings.priority,
            )
        )

    def _notify_call_start(self, call: Call) -> None:
        """Tell the observers that a call begins, which they will then hear the end of."""
        core, target = self.core, call.target
        call.hooks_notified = True
        core.observers.call(
            CallInfo(
                call_id=call.id,
                operation=target.id,
                method=target.method,
                path=target.path,
                host=core.host,
                port=core.port,
            )
        )

    def record_failure(self, call: Call, error: BaseException) -> None:
        """Write the circumstances of a call on the error that it raises, and tell those who were told of its beginning."""
        core = self.core
        if isinstance(error, CStarError):
            error.occurred_at = to_datetime(core.clock.time())
            error.elapsed = core.clock.monotonic() - call.started
            error.rate_limit = core.limiter.state
        if call.hooks_notified:
            request_id = error.request_id if isinstance(error, CStarError) else None
            self.notify_call_end(call, request_id, status=_status_of(error), error=error)

    def notify_call_end(
        self, call: Call, request_id: str | None, *, status: int | None = None, error: BaseException | None = None
    ) -> None:
        """Tell the observers that a call, of whose beginning they were told, is over."""
        core, target = self.core, call.target
        call.hooks_notified = False
        core.observers.done(
            DoneInfo(
                call_id=call.id,
                operation=target.id,
                method=target.method,
                path=target.path,
                attempts=call.attempts,
                status=call.response.status if error is None else status,
                request_id=request_id,
                error=None if error is None else type(error).__name__,
                elapsed=core.clock.monotonic() - call.started,
                rate_limit=core.limiter.state,
            )
        )

    async def _team_path(self, call: Call) -> str:
        """The path of the key's team, found with one call however many wait for it."""
        left = None if call.deadline_at is None else call.deadline_at - self.core.clock.monotonic()
        try:
            async with asyncio.timeout(left):
                return await self.core.team_path.get(self._find_team)
        except TimeoutError:
            error = RequestTimeoutError("the deadline was over before the team of the key was found", sent=False)
            call.annotate(error)
            raise error from None


def _status_of(error: BaseException | None) -> int | None:
    """The status of the answer that an error is about; None where there was none."""
    if isinstance(error, (APIError, DecodeError)):
        return error.status
    return _status_of(error.__cause__) if isinstance(error, RateLimitWaitError) else None
