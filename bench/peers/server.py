"""A server in a process of its own, for all clients the same, with objects in the shapes of three APIs.

It prints two ports. The first one responds at once. The other one takes 80 ms for each response, and its lists have 50 pages.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from functools import partial
from typing import cast

from bench.server import META, TICKET, Server, response

PAGE_SIZE = 100
PAGES = 1000
DELAYED_PAGES = 50
DELAY = 0.08
"""Seconds."""

_PAGE_NUMBER = re.compile(rb"[?&](?:page=(\d+)|(?:starting_)?after=[a-z]+[-_](\d{4}))")

PAYMENT = {
    "object": "payment_intent",
    "amount": 2000,
    "amount_capturable": 0,
    "amount_details": {"tip": {}},
    "amount_received": 0,
    "automatic_payment_methods": {"enabled": True},
    "canceled_at": None,
    "cancellation_reason": None,
    "capture_method": "automatic",
    "client_secret": "pi_3MtwBwLkdIwHu7ix28a3tqPa_secret_YrKJUKribcBjcG8HVhfZluoGH",
    "confirmation_method": "automatic",
    "created": 1680800504,
    "currency": "eur",
    "customer": "cus_7c9e667974254d",
    "description": "Renewal of the enterprise plan for one year",
    "last_payment_error": None,
    "latest_charge": None,
    "livemode": False,
    "metadata": {"source": "widget", "plan": "enterprise"},
    "payment_method_types": ["card", "link"],
    "receipt_email": None,
    "status": "requires_payment_method",
}
JOB = {
    "object": "fine_tuning.job",
    "model": "gpt-4o-mini-2024-07-18",
    "created_at": 1721764800,
    "finished_at": None,
    "estimated_finish": None,
    "fine_tuned_model": None,
    "organization_id": "org-7c9e667974254de0944be07fc1f90ae7",
    "result_files": ["file-7c9e667974254de0944be07f"],
    "status": "running",
    "error": None,
    "trained_tokens": 5768,
    "training_file": "file-abc123",
    "validation_file": "file-def456",
    "hyperparameters": {"n_epochs": 3, "batch_size": 1, "learning_rate_multiplier": 1.8},
    "integrations": [],
    "seed": 683058546,
    "metadata": {"source": "widget", "plan": "enterprise"},
    "method": {
        "type": "supervised",
        "supervised": {"hyperparameters": {"n_epochs": 3, "batch_size": 1, "learning_rate_multiplier": 1.8}},
    },
}


@dataclass(frozen=True)
class Shape:
    """The objects of an API."""

    prefix: str
    """What IDs begin with."""
    one: dict[str, object]
    enveloped: bool = False
    """Whether responses have the envelope of cStar."""

    def object(self, number: str) -> dict[str, object]:
        """Return the object with a number."""
        return {**self.one, "id": f"{self.prefix}{number}"}

    def single(self) -> bytes:
        """Return a response with one object."""
        found = self.object("00000001")
        return json.dumps({"success": True, "data": found, "meta": META} if self.enveloped else found).encode()

    def page(self) -> bytes:
        """Return a page, with `#NO#` for its number, `"#TOTAL#"` for that of all objects, and `"#MORE#"`."""
        rows = [self.object(f"#NO#{row:04}") for row in range(PAGE_SIZE)]
        if self.enveloped:
            pagination = {"total": "#TOTAL#", "page": "#PAGE#", "pageSize": PAGE_SIZE, "hasMore": "#MORE#"}
            return json.dumps({"success": True, "data": rows, "pagination": pagination, "meta": META}).encode()
        return json.dumps({"object": "list", "url": "/v1/payment_intents", "has_more": "#MORE#", "data": rows}).encode()


class ServerOfShapes(Server):
    """Respond in the shape that the path asks for.

    Args:
        pages: Number of pages of each list.
        delay: Seconds from a request to its response.
    """

    shapes = (Shape("tkt_", TICKET, enveloped=True), Shape("pi_", PAYMENT), Shape("ftjob-", JOB))
    singles = tuple((response("200 OK", shape.single()), response("201 Created", shape.single())) for shape in shapes)
    lists = tuple(shape.page() for shape in shapes)

    def __init__(self, pages: int, delay: float) -> None:
        self._pages = pages
        self._delay = delay

    def respond(self, head: bytes) -> None:
        """Respond now or later; clients have one request in flight on a connection."""
        transport = cast("asyncio.WriteTransport", self.transport)
        line = head.split(b"\r\n", 1)[0]
        kind = 1 if b"/payment_intents" in line else 2 if b"/fine_tuning/jobs" in line else 0
        if line.startswith(b"post"):
            found = self.singles[kind][1]
        elif f"/{self.shapes[kind].prefix}".encode() in line:
            found = self.singles[kind][0]
        else:
            match = _PAGE_NUMBER.search(line)
            number = 1 if match is None else int(match[1] or 0) or int(match[2]) + 1
            found = self._page(kind, number)
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, transport.write, found)
        else:
            transport.write(found)

    def _page(self, kind: int, number: int) -> bytes:
        values = {
            b"#NO#": b"%04d" % number,
            b'"#PAGE#"': b"%d" % number,
            b'"#TOTAL#"': b"%d" % (self._pages * PAGE_SIZE),
            b'"#MORE#"': b"true" if number < self._pages else b"false",
        }
        body = self.lists[kind]
        for mark, value in values.items():
            body = body.replace(mark, value)
        return response("200 OK", body)


async def main() -> None:
    """Print the ports, and serve until the process is terminated."""
    loop = asyncio.get_running_loop()
    fast = await loop.create_server(partial(ServerOfShapes, PAGES, 0.0), "127.0.0.1", 0, backlog=1024)
    delayed = await loop.create_server(partial(ServerOfShapes, DELAYED_PAGES, DELAY), "127.0.0.1", 0, backlog=1024)
    print(fast.sockets[0].getsockname()[1], delayed.sockets[0].getsockname()[1], flush=True)
    await asyncio.gather(fast.serve_forever(), delayed.serve_forever())


if __name__ == "__main__":
    try:
        from uvloop import run
    except ImportError:  # it is slower, and measures the same
        from asyncio import run
    run(main())
