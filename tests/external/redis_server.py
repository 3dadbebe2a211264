"""A real redis-server that a test starts, stops, suspends and kills; a missing one is an error, not a skip."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path


class RedisServer:
    """Debian's redis-server behind a socket in a folder. It keeps nothing on disk, so that a restart is a loss of memory.

    Args:
        folder: Where it may write.
        port: A port on loopback that it listens to as well; 0 for none.
        more: Further arguments of the program.
    """

    def __init__(self, folder: Path, *more: str, port: int = 0) -> None:
        self._socket = folder / "redis.sock"
        self._folder = folder
        self._port = str(port)
        self._more = more
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What a client connects to."""
        return f"unix://{self._socket}"

    def start(self) -> None:
        """Start, and return when it answers."""
        program = shutil.which("redis-server")
        if program is None:
            raise FileNotFoundError("redis-server is not installed; run `apt-get install redis-server`")
        where = ("--port", self._port, "--bind", "127.0.0.1", "--unixsocket", str(self._socket), "--dir", str(self._folder))
        self._process = subprocess.Popen([program, *where, "--save", "", *self._more], stdout=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < until, "redis-server does not answer"
            time.sleep(0.01)

    def kill(self) -> None:
        """Kill it without a warning."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def suspend(self) -> None:
        """Let it hang: it accepts and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as door:
                door.settimeout(1)
                door.connect(str(self._socket))
                door.sendall(b"PING\r\n")
                return door.recv(7) == b"+PONG\r\n"
        except OSError:
            return False
