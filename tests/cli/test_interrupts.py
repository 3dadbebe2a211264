"""Ctrl-C while the program starts, or while the generator runs: it ends at once, without a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cstar_async.testing import FakeCStar
from tests.codegen.documents import small

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


@pytest.mark.parametrize("program", [["cstar_async", "codegen"], ["codegen"]])
def test_interrupt_of_the_generator_leaves_no_folder(program: list[str], tmp_path: Path) -> None:
    """While it checks types, which takes seconds, Ctrl-C removes the new code and keeps the old."""
    (tmp_path / "small.yaml").write_text(json.dumps(small()), encoding="utf-8")
    package = tmp_path / "made"
    options = ["--document", str(tmp_path / "small.yaml"), "--output", str(package)]
    variables = {**os.environ, "CSTAR_CODEGEN_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", *program, *options]
    with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        while not list(package.glob(".codegen-*/new/__init__.py")):
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to mypy, too
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    assert not package.exists()
