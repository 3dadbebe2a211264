"""Stored responses of writes, behind the header `Idempotency-Key`.

How it works. A key belongs to the API key that sent it. Its first request opens an entry, which keeps the response for 24 hours.
The same request again gets that response and changes nothing (documented). A different request with the same key is a conflict, and
so is the same request while the first still runs. Both are a 409 (documented), with the codes of this module (inferred). A response
of 500 or above is not stored, so the next attempt runs. The time is an argument.
"""

from __future__ import annotations

import hashlib
from typing import Final

import attrs

from cstar_async.testing._errors import APIFailure
from cstar_async.testing._http.responses import ServerResponse

TTL_S: Final = 24 * 3_600
"""Seconds from the first request for which a response is stored."""


@attrs.define
class _Entry:
    fingerprint: bytes
    began_s: float
    response: ServerResponse | None = None


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """Return the hash by which two requests are the same."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).digest()


class IdempotencyCache:
    """The entries of one fake."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], _Entry] = {}

    def begin(self, api_key: str, key: str, request: bytes, *, now_s: float) -> ServerResponse | None:
        """Open the entry of a key, or return its stored response.

        Args:
            api_key: The API key of the caller.
            key: The value of the header.
            request: The fingerprint of the request.
            now_s: Unix time in seconds.

        Returns:
            The stored response; None for the first request, which must run and then call `finish()`.

        Raises:
            APIFailure: 409: the key belongs to a different request, or the first request still runs.
        """
        self._evict_expired(now_s)
        entry = self._entries.get((api_key, key))
        if entry is None:
            self._entries[api_key, key] = _Entry(request, now_s)
            return None
        if entry.fingerprint != request:
            raise APIFailure(409, "idempotency_key_reused", "This Idempotency-Key was used for a different request.")
        if entry.response is None:
            raise APIFailure(409, "idempotency_in_progress", "The first request with this Idempotency-Key is still running.")
        return entry.response

    def finish(self, api_key: str, key: str, response: ServerResponse | None) -> None:
        """Close the entry that `begin()` opened.

        Args:
            api_key: The API key of the caller.
            key: The value of the header.
            response: The response, stored if below 500; None: there was none.
        """
        if response is None or response.status >= 500:
            self._entries.pop((api_key, key), None)
        elif (api_key, key) in self._entries:
            self._entries[api_key, key].response = response

    def _evict_expired(self, now_s: float) -> None:
        """Remove expired entries. They are in the order of their first request, so the loop stops at the first that is valid."""
        while self._entries:
            key, entry = next(iter(self._entries.items()))
            if now_s < entry.began_s + TTL_S:
                return
            del self._entries[key]
