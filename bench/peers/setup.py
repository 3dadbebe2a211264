"""Prepare what `make bench-peers` compares: generate two clients from our document, and make an environment for each other Python.

A generator that cannot be run, or a Python that is not installed, is left out, and the page does not have it.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from bench.peers.processes import ENVIRONMENTS, GENERATED, ROOT

PYTHONS = ("3.11", "3.12", "3.13")
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
DOCUMENT = ROOT / "openapi" / "cstar.yaml"


def generate_clients() -> None:
    """Generate the clients into `build/peers/generated`."""
    tools = Path(sys.executable).parent
    shutil.rmtree(GENERATED, ignore_errors=True)
    GENERATED.mkdir(parents=True)
    # The YAML has more aliases than some parsers allow.
    document = GENERATED / "cstar.json"
    document.write_text(json.dumps(yaml.safe_load(DOCUMENT.read_text(encoding="utf-8")), default=str), encoding="utf-8")
    target = GENERATED / "cstar_opc"
    _run([tools / "openapi-python-client", "generate", "--path", document, "--output-path", target, "--meta", "none"])
    options = ["-g", "python", "--library", "asyncio", "--package-name", "cstar_oag"]
    target = GENERATED / "openapi-generator"
    if _run([tools / "openapi-generator-cli", "generate", "-i", document, "-o", target, *options]):
        shutil.move(target / "cstar_oag", GENERATED)


def make_environments() -> None:
    """Make an environment for each other version of Python that is installed."""
    for version in PYTHONS:
        python, target = f"python{version}", ENVIRONMENTS / f"python{version}"
        if platform.python_version().startswith(f"{version}.") or not _run([python, "--version"]):
            continue
        _run([python, "-m", "venv", target])
        _run([target / "bin" / "python", *PIP, "--upgrade", "pip>=25.1"])
        _run([target / "bin" / "python", *PIP, "--editable", ROOT, "--group", "bench"])


def _run(command: list[str | Path]) -> bool:
    """Run a command, and return whether it succeeds. Print its output if it does not."""
    try:
        done = subprocess.run(command, cwd=ROOT, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except FileNotFoundError:
        print(f"{command[0]} is not installed, and is left out", file=sys.stderr)
        return False
    if done.returncode:
        print(f"{done.stdout}\n{command[0]} failed, and is left out", file=sys.stderr)
    return not done.returncode


if __name__ == "__main__":
    generate_clients()
    make_environments()
