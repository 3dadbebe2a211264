"""Bare aiohttp and orjson, the base of all ratios."""

from __future__ import annotations

import hashlib
import hmac
import random
import time
from collections.abc import Callable

import aiohttp
import orjson

from bench.peers.clients.base import BODY, EVENT, KEY, SECRET, TEAM, Client, hmac_header, ticket_id


class RawAiohttp(Client):
    """What a careful program does without an SDK."""

    def __init__(self, url: str) -> None:
        self._tickets = f"{url}/api/v1/teams/{TEAM}/tickets"
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def get(self, number: int) -> object:
        """Get a ticket."""
        async with self._session.get(f"{self._tickets}/{ticket_id(number)}") as response:
            return orjson.loads(await response.read())

    async def post(self) -> object:
        """Create a ticket, with an idempotency key."""
        key = {"Idempotency-Key": random.randbytes(16).hex()}
        async with self._session.post(self._tickets, data=orjson.dumps(BODY), headers=key) as response:
            return orjson.loads(await response.read())

    async def page(self, number: int) -> object:
        """Get a page of tickets."""
        async with self._session.get(f"{self._tickets}?page={number}&pageSize=100") as response:
            return orjson.loads(await response.read())

    async def rows(self) -> int:
        """Read all pages, one after the other."""
        count, number, more = 0, 1, True
        while more:
            async with self._session.get(f"{self._tickets}?page={number}&pageSize=100") as response:
                page = orjson.loads(await response.read())
            count += len(page["data"])
            number, more = number + 1, page["pagination"]["hasMore"]
        return count

    def verifier(self) -> Callable[[], object]:
        """Verify the signature by hand, and parse the JSON."""
        header = hmac_header(EVENT)

        def verify() -> object:
            parts = dict(part.split("=", 1) for part in header.split(","))
            signature = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + EVENT, hashlib.sha256).hexdigest()
            if not hmac.compare_digest(signature, parts["v1"]) or abs(time.time() - int(parts["t"])) > 300:
                raise ValueError("wrong signature")
            return orjson.loads(EVENT)

        return verify
