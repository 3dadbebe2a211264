"""A minimal server with prepared responses. It runs in its own process, so that only the clients are measured."""

from __future__ import annotations

import asyncio
import json

TEAM = "3f2b8c1e-6d4a-4e0b-9a77-5c1d2e3f4a5b"
ID = "tkt_550e8400e29b41d4a716446655440000"
TICKET = {
    "id": ID,
    "object": "ticket",
    "title": "Cannot log in to my account since the update of last Tuesday",
    "status": "open",
    "priority": "high",
    "customerId": "cus_7c9e667974254de0944be07fc1f90ae7",
    "customerName": "Jane Smith",
    "assignedTo": "mem_a1b2c3d4e5f6",
    "tags": ["login", "authentication"],
    "notes": "Asked for the browser and its version; waits for a reply. Same problem as in the ticket of the week before.",
    "messageCount": 3,
    "responseDeadline": None,
    "resolutionDeadline": None,
    "firstResponseAt": "2026-03-01T15:10:00Z",
    "responseTier": None,
    "resolutionTier": None,
    "slaPaused": False,
    "metadata": {"source": "widget", "plan": "enterprise"},
    "createdAt": "2026-03-01T14:30:00Z",
    "updatedAt": "2026-03-01T15:10:00Z",
    "closedAt": None,
}
META = {"requestId": "req_abc123", "timestamp": "2026-03-01T16:00:00Z"}
ONE = json.dumps({"success": True, "data": TICKET, "meta": META}).encode()
PAGE = json.dumps(
    {
        "success": True,
        "data": [TICKET] * 100,
        "pagination": {"total": 100, "page": 1, "pageSize": 100, "hasMore": False},
        "meta": META,
    }
).encode()


def response(status: str, body: bytes) -> bytes:
    """Build a complete response."""
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "X-RateLimit-Limit: 100000000\r\nX-RateLimit-Remaining: 99999999\r\nX-RateLimit-Reset: 4102444800\r\n"
        "X-RateLimit-Window: 3600\r\n\r\n"
    )
    return head.encode() + body


class Server(asyncio.Protocol):
    """Respond by method and path, with as little parsing as possible."""

    responses = (response("200 OK", ONE), response("200 OK", PAGE), response("201 Created", ONE))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        """Respond to every complete request."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            self.respond(head)

    def respond(self, head: bytes) -> None:
        """Respond to a request with this head, in lower case."""
        kind = 2 if head.startswith(b"post") else 0 if b"/tkt_" in head.split(b"\r\n", 1)[0] else 1
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.write(self.responses[kind])


async def main() -> None:
    """Print the port, and serve until the process is terminated."""
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
