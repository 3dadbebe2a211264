"""A Redis of one's own for each test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.external.redis_server import RedisServer


@pytest.fixture
def redis_server(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A redis-server, killed in the end; without memory of anything, unless a test hands it arguments for that."""
    server = RedisServer(tmp_path, *getattr(request, "param", ()))
    server.start()
    yield server
    server.kill()
