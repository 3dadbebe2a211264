"""Ctrl-C while the program starts: it ends at once, without a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cstar_async.testing import FakeCStar

from .conftest import environment

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")

# Python imports it before the program. It interrupts the process when a module is looked for the first time.
SITE = """
import os, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["INTERRUPTED_IMPORT"]:
            os.kill(os.getpid(), 2)

sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("signal", ["--version"]),
        ("cstar_async.cli", ["--version"]),
        ("cstar_async.cli._errors", ["--version"]),
        ("cstar_async.cli._serve", ["serve", "--port", "0"]),
        ("cstar_async.testing", ["serve", "--port", "0"]),
        ("codegen.__main__", ["codegen", "--help"]),
        ("typer", ["--help"]),
        ("rich", ["--help"]),
        ("asyncio", ["tickets", "list"]),
        ("aiohttp", ["tickets", "list"]),
    ],
)
def test_interrupt_during_an_import_prints_nothing(
    module: str, arguments: list[str], tmp_path: Path, fake_server: FakeCStar
) -> None:
    """A shell sees the exit code 130, or the signal, which it shows as 130."""
    (tmp_path / "sitecustomize.py").write_text(SITE, encoding="utf-8")
    variables = {**os.environ, **environment(fake_server), "PYTHONPATH": str(tmp_path), "INTERRUPTED_IMPORT": module}
    program = Path(sys.executable).with_name("cstar-async")
    done = subprocess.run([program, *arguments], env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("", "")
    assert done.returncode in {130, -signal.SIGINT}
