"""Which write was answered already: the idempotency behind `Idempotency-Key`.

Theory. A key belongs to the API key that sent it. The first request with it opens an entry and, when answered, leaves the answer
there for 24 hours; the same request again gets that answer and changes nothing (documented). Another request under the same key, or
the same one while the first still runs, is a clash: a 409 whose code says which (inferred; the reference only says that it is 409).
An answer of 500 or above is not kept: the next attempt acts. Pure: the time is an argument.
"""

from __future__ import annotations

import hashlib
from typing import Final

import attrs

from cstar_async.testing._errors import APIFailure
from cstar_async.testing._http.responses import ServerResponse

TTL_S: Final = 24 * 3_600
"""Seconds for which an answer is kept, from the first request on."""


@attrs.define
class _Entry:
    fingerprint: bytes
    began_s: float
    answer: ServerResponse | None = None


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """What makes two requests the same."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).digest()


class IdempotencyCache:
    """The entries of one fake."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], _Entry] = {}

    def begin(self, api_key: str, key: str, request: bytes, *, now_s: float) -> ServerResponse | None:
        """Open the entry of a key, or find its answer.

        Args:
            api_key: Whose key it is.
            key: The text of the header.
            request: The fingerprint of the request.
            now_s: Unix time in seconds.

        Returns:
            The answer to repeat; None when this is the first request and has to be carried out, then `finish()` must follow.

        Raises:
            APIFailure: 409: the key belongs to another request, or the first one still runs.
        """
        self._evict_expired(now_s)
        entry = self._entries.get((api_key, key))
        if entry is None:
            self._entries[api_key, key] = _Entry(request, now_s)
            return None
        if entry.fingerprint != request:
            raise APIFailure(409, "idempotency_key_reused", "This Idempotency-Key was used for a different request.")
        if entry.answer is None:
            raise APIFailure(409, "idempotency_in_progress", "The first request with this Idempotency-Key is still running.")
        return entry.answer

    def finish(self, api_key: str, key: str, answer: ServerResponse | None) -> None:
        """Close the entry that `begin()` opened.

        Args:
            api_key: Whose key it is.
            key: The text of the header.
            answer: What was answered; None when it came to nothing. Only one below 500 is kept.
        """
        if answer is None or answer.status >= 500:
            self._entries.pop((api_key, key), None)
        elif (api_key, key) in self._entries:
            self._entries[api_key, key].answer = answer

    def _evict_expired(self, now_s: float) -> None:
        """Drop answers whose day is over. Entries stand in the order of their beginning, so it stops at the first young one."""
        while self._entries:
            place, entry = next(iter(self._entries.items()))
            if now_s < entry.began_s + TTL_S:
                return
            del self._entries[place]
