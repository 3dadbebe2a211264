"""Check, build and test a release: `python -m release`, from the root of the tree.

It writes to `dist/`: the wheel, the sdist, and an SBOM of the wheel with its newest dependencies. The first problem stops it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from release.facts import lowest_versions, problems

ROOT: Final = Path(__file__).parents[2]
DIST: Final = ROOT / "dist"
BIN: Final = "Scripts" if os.name == "nt" else "bin"
EXTRAS: Final = "cli,codegen,otel,redis"
"""The extras of the tested environments."""
TESTED: Final = (
    "tests/cli/test_start.py",
    "tests/client/test_inbox_handlers.py",
    "tests/client/test_inbox_stores.py",
    "tests/client/test_iteration.py",
    "tests/client/test_responses.py",
    "tests/client/test_retries.py",
    "tests/sync",
    "tests/unit/test_codec.py",
    "tests/unit/test_decoding.py",
)
"""Tests that use each dependency, and no library that restricts its version; all others are run in the tree."""
TOOLS: Final = (
    "aioresponses",
    "coverage",
    "hypothesis",
    "pytest",
    "pytest-asyncio",
    "pytest-randomly",
    "pytest-timeout",
)
"""The packages of the group `dev` that these tests import, or that the settings of pytest need."""


def main() -> None:
    """Run all steps; with `lowest` or `highest`, only build and test with these versions."""
    versions = sys.argv[1:] or ["highest", "lowest"]
    if not sys.argv[1:]:
        say("check version, changelog and metadata")
        if found := problems(ROOT):
            sys.exit("\n".join(found))
    say("build twice, and compare")
    built = build()
    run(sys.executable, "-m", "twine", "check", "--strict", *map(str, built))
    with tempfile.TemporaryDirectory() as folder:
        for archive in built:
            for one in versions:
                say(f"test {archive.name} with the {one} versions of its dependencies")
                check_installed(install(archive, Path(folder) / f"{archive.suffix[1:]}-{one}", one))
    print(f"\ndist/ is ready: {', '.join(sorted(path.name for path in DIST.iterdir()))}")


def build() -> list[Path]:
    """Build wheel and sdist twice, and return the files.

    Raises:
        SystemExit: The two builds differ.
    """
    # Without it, the archives have the time of the build. Any time that the same commit always gives will do.
    timestamp = os.environ.get("SOURCE_DATE_EPOCH") or output("git", "log", "-1", "--format=%ct")
    hashes: list[Mapping[str, str]] = []
    for _ in range(2):
        for path in DIST.glob("*") if DIST.is_dir() else ():
            path.unlink()
        run(sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT), environment={"SOURCE_DATE_EPOCH": timestamp})
        hashes.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(DIST.iterdir())})
    if hashes[0] != hashes[1]:
        sys.exit(f"two builds of the same commit differ: {hashes}")
    print(f"built with SOURCE_DATE_EPOCH={timestamp} ({datetime.fromtimestamp(int(timestamp), UTC):%Y-%m-%d %H:%M} UTC)")
    for name, digest in hashes[0].items():
        print(f"{digest}  {name}")
    return [DIST / name for name in hashes[0]]


def install(archive: Path, folder: Path, versions: str) -> Path:
    """Install an archive into a new environment, and return its interpreter."""
    run(sys.executable, "-m", "venv", str(folder))
    python = folder / BIN / "python"
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(lowest_versions(ROOT, EXTRAS.split(","))) if versions == "lowest" else "", encoding="utf-8")
    run(str(python), "-m", "pip", "install", "--quiet", "--upgrade", "pip")
    pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--constraint", str(constraints), f"{archive}[{EXTRAS}]")
    if versions == "highest" and archive.suffix == ".whl":
        run(
            sys.executable,
            "-m",
            "cyclonedx_py",
            "environment",
            str(python),
            "--output-reproducible",
            "-o",
            str(DIST / "sbom.cdx.json"),
        )
    # The tools of the tests must not raise what is tested.
    run(*pip, "--constraint", str(constraints), *test_tools())
    return python


def test_tools() -> list[str]:
    """Return the pinned versions of the tools."""
    pinned = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["dev"]
    return [one for one in pinned if one.partition("==")[0] in TOOLS]


def check_installed(python: Path) -> None:
    """Run a program and tests with an installed package, in a folder without the tree."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(str(python), "-I", str(Path(__file__).with_name("smoke.py")), folder=folder)
        (sdist,) = DIST.glob("*.tar.gz")
        shutil.unpack_archive(sdist, folder)
        (tree,) = (path for path in folder.iterdir() if path.is_dir())
        (tree / "cstar_async").rename(tree / "not-imported")
        run(str(python), "-m", "pytest", "-q", "-x", "-m", "not soak", "-p", "no:cacheprovider", *TESTED, folder=tree)


def run(*command: str, folder: Path = ROOT, environment: Mapping[str, str] | None = None) -> None:
    """Run a command, and stop if it fails."""
    if subprocess.run(command, cwd=folder, env={**os.environ, **(environment or {})}, check=False).returncode:
        sys.exit(f"failed: {' '.join(command)[:300]}")


def output(*command: str) -> str:
    """Return what a command prints."""
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def say(step: str) -> None:
    """Print the name of a step."""
    print(f"\n== {step}", flush=True)


if __name__ == "__main__":
    main()
