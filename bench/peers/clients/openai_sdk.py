"""The SDK of OpenAI, for the class of Stainless: another API, with objects and pages of a similar size."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable

import openai

from bench.peers.clients.base import KEY, SECRET, Client

EVENT = json.dumps(
    {
        "id": "evt_1",
        "object": "event",
        "type": "fine_tuning.job.succeeded",
        "created_at": 1774583010,
        "data": {"id": "ftjob-1"},
    }
).encode()


class OpenaiWithHttpx(Client):
    """The SDK as it is."""

    def __init__(self, url: str) -> None:
        transport = self.transport()
        self._client = openai.AsyncOpenAI(api_key=KEY, base_url=f"{url}/v1", http_client=transport)
        self._jobs = self._client.fine_tuning.jobs

    def transport(self) -> openai.DefaultAsyncHttpxClient | None:
        """Return the transport."""
        return None

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def get(self, number: int) -> object:
        """Get a job."""
        return await self._jobs.retrieve(f"ftjob-{number:08}")

    async def post(self) -> object:
        """Create a job."""
        return await self._jobs.create(model="gpt-4o-mini", training_file="file-abc123", suffix="support")

    async def page(self, number: int) -> object:
        """Get a page of jobs."""
        return await self._jobs.list(limit=100, after=f"ftjob-{number:04}0099")

    async def rows(self) -> int:
        """Read all pages with the iterator of the SDK."""
        count = 0
        async for _ in self._jobs.list(limit=100):
            count += 1
        return count

    def verifier(self) -> Callable[[], object]:
        """Verify and parse a delivery."""
        now = int(time.time())
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        signature = base64.b64encode(hmac.new(key, f"msg_1.{now}.".encode() + EVENT, hashlib.sha256).digest()).decode()
        headers = {"webhook-id": "msg_1", "webhook-timestamp": str(now), "webhook-signature": f"v1,{signature}"}
        return lambda: self._client.webhooks.unwrap(EVENT, headers, secret=SECRET)


class OpenaiWithAiohttp(OpenaiWithHttpx):
    """The SDK with its other transport."""

    def transport(self) -> openai.DefaultAioHttpClient:
        """Return the transport."""
        return openai.DefaultAioHttpClient()
