"""The inbox under real servers: uvicorn, hypercorn and gunicorn run it in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from cstar_async.webhooks import SqliteStore, sign
from tests.client.inboxes import SECRET, body_of

MODULE = "tests.client.served_inbox"
GUNICORN = ("gunicorn", "--no-control-socket", "--bind", "fd://{fd}", "--worker-class")
COMMANDS = {
    "uvicorn": ("uvicorn", f"{MODULE}:inbox.asgi_app", "--fd", "{fd}"),
    "hypercorn": ("hypercorn", f"{MODULE}:inbox.asgi_app", "--bind", "fd://{fd}"),
    "gunicorn, worker of uvicorn": (*GUNICORN, "uvicorn.workers.UvicornWorker", f"{MODULE}:application"),
    "gunicorn, uvicorn_worker": (*GUNICORN, "uvicorn_worker.UvicornWorker", f"{MODULE}:application"),
    "gunicorn, own worker": (*GUNICORN, "asgi", f"{MODULE}:application"),
    "gunicorn, worker of aiohttp": (*GUNICORN, "aiohttp.GunicornWebWorker", f"{MODULE}:aiohttp_application"),
}


@pytest.mark.parametrize("server", COMMANDS)
async def test_server_starts_the_inbox_delivers_events_and_closes_it(server: str, tmp_path: Path) -> None:
    """A stored event is handled at the start, a delivery gets 200, and SIGTERM ends the server after the handlers."""
    log, database = tmp_path / "log", tmp_path / "events.db"
    log.touch()
    store = SqliteStore(database)
    await store.add("evt_0", body_of(0, about="tkt_0"))
    await store.aclose()
    # The server gets a listening socket: no port can be taken by another process, and requests wait until it is ready.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        descriptor = listening.fileno()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *(part.format(fd=descriptor) for part in COMMANDS[server])),
            env={**os.environ, "INBOX_LOG": str(log), "INBOX_DATABASE": str(database)},
            pass_fds=[descriptor],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    try:
        async with asyncio.timeout(100):
            body = body_of(1, about="tkt_1")
            async with aiohttp.ClientSession() as session:
                statuses = [
                    (await session.post(url, data=body, headers={"X-Signature": signature})).status
                    for signature in (sign(body, SECRET), "wrong", sign(body, SECRET))
                ]
            while log.read_text().count("started") < 2:  # noqa: ASYNC110  # another process writes it
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert [200, 401, 200] == statuses, output.decode()
    lines = log.read_text().splitlines()
    assert ["finished evt_0", "finished evt_1", "started evt_0", "started evt_1"] == sorted(lines), output.decode()
    assert process.returncode in {0, -signal.SIGTERM}, output.decode()
    assert "Traceback" not in output.decode()
