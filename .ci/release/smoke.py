"""Use an installed package, in a folder without the tree: a client, the fake, and a copy."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import cstar_async
from cstar_async.models import Ticket
from cstar_async.sync import LocalCopy
from cstar_async.testing import FakeCStar


async def main(folder: str) -> None:
    """Copy the tickets of the fake."""
    async with FakeCStar(seed=1) as fake, fake.client() as cstar:
        copy = LocalCopy(Path(folder) / "copy.sqlite")
        report = await copy.refresh(cstar)
        assert report.is_complete
        assert len(list(copy.rows(Ticket))) == report.changed["tickets"] > 0


assert Path(cstar_async.__file__).is_relative_to(sys.prefix), cstar_async.__file__
with tempfile.TemporaryDirectory() as name:
    asyncio.run(main(name))
