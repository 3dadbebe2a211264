"""A Redis of one's own for each test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.external.redis_server import RedisServer


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A redis-server without memory of anything, killed in the end."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()
