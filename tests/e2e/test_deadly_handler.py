"""A handler that kills its process, with real processes."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

ROOT = Path(__file__).parents[2]


async def run(path: Path, *bodies: str) -> tuple[int | None, list[str]]:
    """Run the bot. Return its exit status and what it printed."""
    command = (sys.executable, "-m", "tests.e2e.deadly_process", str(path), *bodies)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE)
    output, _ = await process.communicate()
    return process.returncode, output.decode().split("\n")[:-1]


async def test_a_handler_that_kills_its_process_is_called_twice(tmp_path: Path) -> None:
    """Then its event is a dead letter, and the next event of the ticket is handled."""
    data = {"ticket": {"id": "tkt_1"}}
    bodies = [json.dumps({"id": event_id, "type": "ticket.created", "data": data}) for event_id in ("evt_deadly", "evt_next")]
    results = [await run(tmp_path / "events.db", *bodies), *[await run(tmp_path / "events.db") for _ in range(3)]]
    killed = (-signal.SIGKILL, [])
    assert results == [killed, killed, (0, ["evt_next", "dead: evt_deadly"]), (0, ["dead: evt_deadly"])]
