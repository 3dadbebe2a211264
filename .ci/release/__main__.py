"""Check, build and test a release: `python -m release`, from the root of the tree.

It writes to `dist/`: the wheel, the sdist, and an SBOM of the wheel with the newest dependencies of all extras. The first step that
fails stops it. If the tree is not ready, such as its changelog, the steps are run all the same, and it fails in the end.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from release.facts import lowest_versions, problems, read_version

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
    is_release = not sys.argv[1:]
    versions = sys.argv[1:] or ["highest", "lowest"]
    found: list[str] = []
    if is_release:
        print_step("check version, changelog, metadata and tree")
        found = [*problems(ROOT), *uncommitted()]
        print("\n".join([*found, "the archives are built and tested, but must not be published"] if found else ["all are in step"]))
    print_step("build twice, and compare")
    built = build()
    run(sys.executable, "-m", "twine", "check", "--strict", *map(str, built))
    with tempfile.TemporaryDirectory() as folder:
        if is_release:
            print_step("write the SBOM")
            write_sbom(Path(folder) / "sbom")
        for archive in built:
            for one in versions:
                print_step(f"test {archive.name} with the {one} versions of its dependencies")
                check_installed(install(archive, Path(folder) / f"{archive.suffix[1:]}-{one}", one))
    print(f"\ndist/ has {', '.join(sorted(path.name for path in DIST.iterdir()))}")
    if found:
        sys.exit("\n".join(["do not publish them:", *found]))


def uncommitted() -> list[str]:
    """Return a problem if the tree has files or changes that its commit does not have: they would be in the archives."""
    changes = output("git", "status", "--porcelain")
    return [f"commit or remove these files:\n{changes}"] if changes else []


def build() -> list[Path]:
    """Build wheel and sdist twice, and return the files.

    Raises:
        SystemExit: The two builds differ.
    """
    hashes: list[Mapping[str, str]] = []
    for _ in range(2):
        for path in DIST.glob("*") if DIST.is_dir() else ():
            path.unlink()
        # Without isolation, so that hatchling, whose version is in the wheel, is the pinned one.
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(DIST), str(ROOT), environment=timestamp())
        hashes.append({path.name: sha256(path) for path in sorted(DIST.iterdir())})
    if hashes[0] != hashes[1]:
        sys.exit(f"two builds of the same commit differ: {hashes}")
    seconds = timestamp()["SOURCE_DATE_EPOCH"]
    print(f"built with SOURCE_DATE_EPOCH={seconds} ({datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%d %H:%M} UTC)")
    for name, digest in hashes[0].items():
        print(f"{digest}  {name}")
    return [DIST / name for name in hashes[0]]


def timestamp() -> Mapping[str, str]:
    """Return the time of the archives and of the SBOM, as a variable: that of the build would make two builds differ."""
    return {"SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH") or output("git", "log", "-1", "--format=%ct")}


def sha256(path: Path) -> str:
    """Return the hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def install(archive: Path, folder: Path, versions: str) -> Path:
    """Install an archive into a new environment, and return its interpreter."""
    constraints = lowest_versions(ROOT, EXTRAS.split(",")) if versions == "lowest" else []
    python = create(folder, f"{archive}[{EXTRAS}]", constraints=constraints)
    # The tools of the tests must not raise what is tested.
    add(python, *test_tools(), constraints=constraints)
    return python


def write_sbom(folder: Path) -> None:
    """Write the SBOM: the wheel with the newest versions of all that it can require."""
    (wheel,) = DIST.glob("*.whl")
    path = DIST / "sbom.cdx.json"
    python = create(folder, f"{wheel}[all]")
    # With the project as main component, it does not have the path of the wheel on this machine.
    options = ("--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "library", "--output-reproducible", "-o", str(path))
    run(sys.executable, "-m", "cyclonedx_py", "environment", *options, str(python), environment=timestamp())
    # The version is not in pyproject.toml.
    bom = json.loads(path.read_text(encoding="utf-8"))
    main = bom["metadata"]["component"]
    main["version"] = read_version(ROOT)
    main["purl"] = f"pkg:pypi/{main['name']}@{main['version']}"
    main["hashes"] = [{"alg": "SHA-256", "content": sha256(wheel)}]
    path.write_text(json.dumps(bom, indent=2) + "\n", encoding="utf-8")


def create(folder: Path, *requirements: str, constraints: Sequence[str] = ()) -> Path:
    """Create an environment that has only the requirements, and return its interpreter."""
    run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    python = folder / BIN / "python"
    add(python, *requirements, constraints=constraints)
    return python


def add(python: Path, *requirements: str, constraints: Sequence[str] = ()) -> None:
    """Install requirements into an environment."""
    path = python.parents[1] / "constraints.txt"
    path.write_text("\n".join(constraints), encoding="utf-8")
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--constraint", str(path), *requirements)


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


def print_step(step: str) -> None:
    """Print the name of a step."""
    print(f"\n== {step}", flush=True)


if __name__ == "__main__":
    main()
