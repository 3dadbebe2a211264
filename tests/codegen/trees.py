"""Copies of the tree, for tests that change it and import from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from codegen.__main__ import ROOT
from codegen.spec.document import Node
from tests.codegen.documents import whole

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class Tree:
    """A copy of the document, the generator and the package."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.package = root / "cstar_async"
        self.document = root / "openapi" / "cstar.yaml"
        for name in ("codegen", "cstar_async", "docs", "openapi"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", ".codegen-*"))

    def generate(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command as a user would, but without the type check of `tests/codegen/test_type_check.py`."""
        return self.python("-m", "codegen", "--no-type-check", *arguments, **environment)

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy, so that it imports from there."""
        command = [sys.executable, "-X", "utf8", *arguments]
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        return subprocess.run(
            command, cwd=self.root, env={**inherited, **environment}, capture_output=True, text=True, encoding="utf-8", check=False
        )

    def output_of(self, code: str) -> str:
        """Return the output of a script that imports the generated package."""
        done = self.python("-c", code)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, change: Callable[[Node], object], *, keep_overlay: bool = False) -> None:
        """Replace the document by a changed copy. The overlay of the fake server goes, since its targets may be missing."""
        if not keep_overlay:
            self.document.with_name("fake.yaml").unlink(missing_ok=True)
        raw = whole()
        change(raw)
        self.document.write_text(yaml.dump(raw, Dumper=_Dumper, sort_keys=False, allow_unicode=True), encoding="utf-8")

    def files(self) -> dict[str, bytes]:
        """Return all files of the package, by name."""
        found = (path for path in self.package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {path.relative_to(self.package).as_posix(): path.read_bytes() for path in found}
