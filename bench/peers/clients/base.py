"""What each client does, and the data that they share."""

from __future__ import annotations

import hashlib
import hmac
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

TEAM = "3f2b8c1e-6d4a-4e0b-9a77-5c1d2e3f4a5b"
KEY = "sk_test_a"
BODY = {"title": "Cannot log in", "priority": "high", "customerId": "cus_7c9e667974254de0944be07fc1f90ae7"}
MAX_CONNECTIONS = 100
TIMEOUT = 120
"""Seconds for a request. No client may give up while 10,000 calls wait for connections."""
SECRET = "whsec_YmVuY2g="
EVENT = (
    b'{"id":"evt_1","type":"ticket.created","created_at":"2026-03-27T03:43:30.044Z","team_id":"3f2b8c1e-6d4a-4e0b-9a77-5c1d2e3f4a5b",'
    b'"data":{"ticket":{"id":"tkt_1","title":"Cannot log in","status":"new","priority":"urgent","channel":"api"}}}'
)


class Client(ABC):
    """A client library, in the way that its documentation shows. It is created in a running event loop.

    Args:
        url: Origin of the server.
    """

    @abstractmethod
    def __init__(self, url: str) -> None: ...

    @abstractmethod
    async def close(self) -> None:
        """Close all connections."""

    @abstractmethod
    async def get(self, number: int) -> object:
        """Get the object with this number."""

    @abstractmethod
    async def post(self) -> object:
        """Create an object."""

    @abstractmethod
    async def page(self, number: int) -> object:
        """Get the page of 100 objects with this number, from 1."""

    @abstractmethod
    async def rows(self) -> int:
        """Read all pages of the list, in the fastest way that the library has, and return the number of objects."""

    def verifier(self) -> Callable[[], object] | None:
        """Return a function that verifies and parses a webhook delivery, or `None` if the library has none."""
        return None


def ticket_id(number: int) -> str:
    """Return the ID of a ticket."""
    return f"tkt_{number:08}"


def hmac_header(body: bytes, secret: str = SECRET) -> str:
    """Sign a delivery as cStar and Stripe do: `t=<seconds>,v1=<hex>`."""
    now = int(time.time())
    return f"t={now},v1={hmac.new(secret.encode(), f'{now}.'.encode() + body, hashlib.sha256).hexdigest()}"
