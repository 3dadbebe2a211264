"""`MemoryStore` and `SqliteStore` behave as the protocol says, whatever the order of calls."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given

from cstar_async.webhooks import MemoryStore, SqliteStore
from tests.client.store_model import CHANGES, Change, check_against_model


@given(changes=CHANGES)
def test_a_memory_store_behaves_like_the_model(changes: list[Change]) -> None:
    """Its restart is a close."""
    store = MemoryStore()
    asyncio.run(check_against_model(lambda: store, changes))


@given(changes=CHANGES)
def test_a_sqlite_store_behaves_like_the_model(changes: list[Change]) -> None:
    """It keeps everything over a restart."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(check_against_model(lambda: SqliteStore(Path(folder) / "events.db"), changes))
