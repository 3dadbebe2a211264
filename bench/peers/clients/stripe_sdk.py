"""The SDK of Stripe, for its class: another API, with objects and pages of a similar size."""

from __future__ import annotations

import json
from collections.abc import Callable

import stripe

from bench.peers.clients.base import SECRET, TIMEOUT, Client, hmac_header

EVENT = json.dumps(
    {
        "id": "evt_1",
        "object": "event",
        "type": "payment_intent.created",
        "created": 1774583010,
        "data": {"object": {"id": "pi_1", "object": "payment_intent", "amount": 2000, "currency": "eur", "status": "processing"}},
    }
).encode()


class StripeWithHttpx(Client):
    """The SDK with the async transport that it takes by default."""

    def __init__(self, url: str) -> None:
        self._transport = self.transport()
        self._client = stripe.StripeClient("sk_test_a", base_addresses={"api": url}, http_client=self._transport)
        self._intents = self._client.v1.payment_intents

    def transport(self) -> stripe.HTTPClient:
        """Return the transport."""
        return stripe.HTTPXClient(timeout=TIMEOUT)

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close_async()

    async def get(self, number: int) -> object:
        """Get a payment."""
        return await self._intents.retrieve_async(f"pi_{number:08}")

    async def post(self) -> object:
        """Create a payment."""
        return await self._intents.create_async({"amount": 2000, "currency": "eur", "customer": "cus_7c9e667974254d"})

    async def page(self, number: int) -> object:
        """Get a page of payments."""
        return await self._intents.list_async({"limit": 100, "starting_after": f"pi_{number:04}0099"})

    async def rows(self) -> int:
        """Read all pages with the iterator of the SDK."""
        count = 0
        async for _ in (await self._intents.list_async({"limit": 100})).auto_paging_iter():
            count += 1
        return count

    def verifier(self) -> Callable[[], object]:
        """Verify and parse a delivery."""
        header = hmac_header(EVENT)
        return lambda: stripe.Webhook.construct_event(EVENT, header, SECRET)


class StripeWithAiohttp(StripeWithHttpx):
    """The SDK with its other transport."""

    def transport(self) -> stripe.HTTPClient:
        """Return the transport."""
        return stripe.AIOHTTPClient(timeout=TIMEOUT)
