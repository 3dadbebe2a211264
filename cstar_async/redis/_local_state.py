"""What a process reports to the shared state, and what it last read from it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Final

from cstar_async._event_loop.clock import Clock
from cstar_async._protocol.headers import RATE_LIMIT, parse_rate_limit, to_datetime
from cstar_async._rate_limit.interface import Permit
from cstar_async._types import RateLimitState, UntypedJSON
from cstar_async.redis._shared_window import SharedWindow

LEASE_RENEWAL_INTERVAL: Final = 20.0
"""Seconds between two exchanges while requests wait, so that the lease of the process does not expire."""
PEER_STATE_TTL: Final = 60.0
"""Seconds after which the last reply says nothing about other processes; their leases have expired by then."""


class LocalState:
    """The state of one process. `build_request` and `read_reply` are the two directions of `rate_limiter.lua`."""

    def __init__(self, window: SharedWindow, *, timeout: float, resync_timeout: float) -> None:
        self.window = window
        self.rate_limit: RateLimitState | None = None
        self.resync = 0
        self.held_by_peers = 0
        self.peers_wait = False
        self._timeout, self._resync_timeout = timeout, resync_timeout
        self._member, self._sequence = "", 0
        # Responses so far, the last 429 among them, and those that Redis has read; the same for requests without a response.
        self._response_count = self._refused_at = self._reported_count = self._sent_count = 0
        self._lost = self._sent_lost = 0
        # The last permit whose request got a response; the slow start of all processes, and what it accepted and holds here.
        self._answered = self._slow_start = self._accepted = 0
        self._slow_held = [0, 0]
        self._redis_time_offset: float | None = None
        self._read_at = 0.0
        self._epoch = self._peer_count = 0

    @property
    def has_unreported_response(self) -> bool:
        """Whether there was a response that Redis has not read yet."""
        return self._response_count > self._reported_count

    def on_grant(self, permit: Permit, reply: Mapping[str, UntypedJSON], now: float) -> None:
        """Take a permit that Redis granted."""
        if permit.is_probe and not reply["is_known"]:
            self.window.open()
            self.window.slow_start.begin(self.window.limit, is_after_refusal=reply["is_after_refusal"])
        self.window.acquire(permit.priority, now)
        self._slow_held[permit.priority] += 1

    def on_response(self, permit: Permit, status: int, headers: Mapping[str, str], clock: Clock, retry_after: float | None) -> bool:
        """Return a permit and apply a response. Return whether to report it at once."""
        window, before = self.window, self.window.remaining
        if not window.update_fast(status, headers):
            window.update(status, headers, clock.monotonic(), clock.time(), retry_after)
        stated = parse_rate_limit(headers) if RATE_LIMIT in headers else None
        if stated is not None and not _has_less(self.rate_limit, stated):
            self.rate_limit = stated
        self._response_count += 1
        if status == 429:
            self._refused_at = self._response_count
        elif status < 500 and permit.number > self._slow_start > 0:
            self._accepted += 1
        if status < 500:
            self._answered = max(self._answered, permit.number)
        self._release(permit, status)
        window.confirm_fallback()
        is_used_elsewhere = before - window.remaining > 1 + window.in_flight + self.held_by_peers
        return permit.is_probe or is_used_elsewhere or status == 429

    def release(self, permit: Permit, *, is_lost: bool) -> None:
        """Return a permit without a response."""
        self._release(permit, 0)
        if is_lost:
            self._lost += 1

    def _release(self, permit: Permit, status: int) -> None:
        self.window.release(permit.priority, permit.number, status)
        if permit.number > self._slow_start > 0:
            self._slow_held[permit.priority] -= 1

    def build_request(self, waiting: list[int], clock: Clock, *, is_closed: bool) -> dict[str, UntypedJSON]:
        """Return a request to Redis. Without a reply to it, the next one reports the same again."""
        if not self._member:
            # Not in __init__: a limiter that is created before a fork must be another member in each child.
            self._member = secrets.token_hex(8)
        self._sequence += 1
        self._sent_count, self._sent_lost = self._response_count, self._lost
        window, loop_time, offset = self.window, asyncio.get_running_loop().time(), self._redis_time_offset
        request: dict[str, UntypedJSON] = {
            "member": self._member,
            "sequence": self._sequence,
            "valid_until": 0 if offset is None else int((loop_time + offset + self._timeout) * 1000),
            "held": [window.in_flight - window.background_in_flight, window.background_in_flight],
            "fallback_left": 0 if is_closed else window.fallback_left(),
            "in_fallback": window.in_fallback,
            "resync": self.resync,
            "resync_timeout": self._resync_timeout,
            "epoch": self._epoch if loop_time < self._read_at + PEER_STATE_TTL else 0,
            "peer_count": self._peer_count,
            "held_by_peers": self.held_by_peers,
            "lost": self._lost,
            "waiting": waiting,
            "answered": self._answered,
            "slow_start": {"number": self._slow_start, "held": self._slow_held, "accepted": self._accepted},
            "reserve": window.reserve,
            "limit": window.limit,
            "length": window.length,
            "reset_slack": window.reset_slack,
        }
        snapshot = window.snapshot(clock.monotonic(), clock.time())
        if snapshot is not None:
            is_refused = self._refused_at > self._reported_count
            request["window"] = {**snapshot, "is_new": self.has_unreported_response, "refused": is_refused}
        return request

    def read_reply(self, reply: Mapping[str, UntypedJSON]) -> bool:
        """Read what a reply states about Redis and the other processes. Return False if Redis refused the request."""
        loop_time = asyncio.get_running_loop().time()
        self._redis_time_offset = reply["now"] / 1000 - loop_time
        if reply.get("refused") == "late":
            return False
        self._reported_count, self._lost = self._sent_count, self._lost - self._sent_lost
        if "refused" in reply:
            return False
        if reply["slow_start"] != self._slow_start:
            self._slow_start, self._slow_held, self._accepted = int(reply["slow_start"]), [0, 0], 0
        self._read_at, self._epoch, self._peer_count = loop_time, reply["epoch"], reply["peer_count"]
        self.held_by_peers, self.peers_wait = reply["held_by_peers"], any(reply["wanted_by_peers"])
        return True

    def apply_window(self, reply: Mapping[str, UntypedJSON], clock: Clock) -> None:
        """Apply the window of a reply."""
        is_outdated = self.has_unreported_response
        if reply["is_known"] and reply.get("left") is not None:
            reset = to_datetime(reply.get("reset") or clock.time() + reply["left"])
            stated = RateLimitState(int(reply["limit"]), int(reply["remaining"]), reset, float(reply["length"]))
            if not is_outdated or _has_less(stated, self.rate_limit):
                self.rate_limit = stated
        self.window.apply_snapshot(reply, clock.monotonic(), clock.time(), is_outdated=is_outdated)


def _has_less(one: RateLimitState | None, other: RateLimitState | None) -> bool:
    """Return whether *one* states less of the same window, so that it is the newer one."""
    return one is not None and other is not None and one.reset_at == other.reset_at and one.remaining < other.remaining
