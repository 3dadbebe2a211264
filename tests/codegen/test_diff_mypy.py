"""The comparison of two documents agrees with mypy about a caller that uses everything of the old package."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from codegen.diff.python_changes import python_changes
from codegen.diff.run import side
from codegen.diff.surface import PythonSurface
from codegen.spec.document import Node
from tests.codegen.callers import caller_of
from tests.codegen.packages import generate_package
from tests.codegen.pets import pets
from tests.codegen.random_edits import edit_at_random
from tests.codegen.shops import shops

UNSEEN = ("its positional arguments have another order", "the value is now")
"""Changes that type checkers do not see, since the types stay the same."""


def _surface(raw: Node) -> PythonSurface:
    return side(raw, is_sdk=False).surface


def _errors(folder: Path, count: int) -> dict[int, list[str]]:
    """Check the callers with mypy, and return the errors of each."""
    callers = [f"caller_{index}.py" for index in range(count)]
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", *callers]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    found: dict[int, list[str]] = {index: [] for index in range(count)}
    others: list[str] = []
    for line in done.stdout.splitlines():
        match = re.match(r"caller_(\d+)\.py:\d+: error: ", line)
        if match:
            found[int(match[1])].append(line)
        elif ": error: " in line:
            others.append(line)
    assert ([], "") == (others, done.stderr)
    return found


def _assert_agreement(folder: Path, cases: Sequence[tuple[Callable[[], Node], int]]) -> None:
    """Compare the documents with edits from some seeds, and check a caller of each old package with the new one."""
    shown: dict[int, list[str]] = {}
    for index, (make, seed) in enumerate(cases):
        old, raw = _surface(make()), make()
        edit_at_random(raw, seed)
        generate_package(folder, f"new_{index}", raw)
        (folder / f"caller_{index}.py").write_text(caller_of(old, f"new_{index}"), encoding="utf-8")
        breaking = [one for one in python_changes(old, _surface(raw)) if one.is_breaking and not one.message.startswith(UNSEEN)]
        shown[index] = [f"{one.name}: {one.message}" for one in breaking]
    errors = _errors(folder, len(cases))
    wrong = [(cases[index], shown[index], errors[index][:3]) for index in shown if bool(shown[index]) != bool(errors[index])]

    assert [] == wrong
    assert any(errors.values())
    assert not all(errors.values())


@pytest.mark.no_cover
@pytest.mark.timeout(300)
def test_what_mypy_reports_is_what_breaks(tmp_path: Path) -> None:
    """A caller has errors with the new package exactly if the comparison says that something breaks."""
    _assert_agreement(tmp_path, [(make, seed) for make in (pets, shops) for seed in range(7)])


@pytest.mark.soak
@pytest.mark.parametrize("make", [pets, shops])
@pytest.mark.parametrize("start", range(1000, 1240, 40))
def test_mypy_agrees_about_many_edits(tmp_path: Path, start: int, make: Callable[[], Node]) -> None:
    """The same for hundreds of edits."""
    _assert_agreement(tmp_path, [(make, seed) for seed in range(start, start + 40)])
