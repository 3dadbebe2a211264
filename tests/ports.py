"""Ports of servers that listen later, or never."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

SYSTEM_RANDOM = random.SystemRandom()  # pytest-randomly gives all workers the same seed


def free_port() -> int:
    """Return a free port of loopback, below those that the system gives to other sockets of other tests."""
    while True:
        port = SYSTEM_RANDOM.randrange(16_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
