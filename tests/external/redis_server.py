"""A real redis-server that tests start, suspend and kill. A missing one is an error, not a skip."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path


class RedisServer:
    """A redis-server with a Unix socket. It writes nothing to disk, so a restart loses its data.

    Args:
        folder: Directory for its files.
        port: Port on loopback, beside the socket; 0 for none.
        args: Further arguments of the program.
    """

    def __init__(self, folder: Path, *args: str, port: int = 0) -> None:
        self._socket = folder / "redis.sock"
        self._folder = folder
        self._port = str(port)
        self._args = args
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of the socket."""
        return f"unix://{self._socket}"

    def start(self) -> None:
        """Start it, and return when it replies."""
        program = shutil.which("redis-server")
        if program is None:
            raise FileNotFoundError("redis-server is not installed; run `apt-get install redis-server`")
        where = ("--port", self._port, "--bind", "127.0.0.1", "--unixsocket", str(self._socket), "--dir", str(self._folder))
        self._process = subprocess.Popen([program, *where, "--save", "", *self._args], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self._is_ready():
            assert time.monotonic() < deadline, "redis-server does not reply"
            time.sleep(0.01)

    def kill(self) -> None:
        """Kill the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def suspend(self) -> None:
        """Suspend the process: it accepts connections and sends no reply."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Resume the process."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _is_ready(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(self._socket))
                client.sendall(b"PING\r\n")
                return client.recv(7) == b"+PONG\r\n"
        except OSError:
            return False
