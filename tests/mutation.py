"""Report the results of `make mutants`: the share of mutants that a test kills, by module, and the surviving mutants.

The exit status is 1 if the share of a module is below the target, or if no module was tested.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from mutmut.stats import status_by_exit_code
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

RESULTS = Path("mutants/cstar_async")
TARGET = 0.90
KILLED = {"killed", "timeout"}
"""A mutant that runs for ever is detected, too."""
CAST_TYPE = re.compile(r"cast\((\"[^\"]*\"|None),")


def statuses(path: Path) -> dict[str, str]:
    """Return the status of each mutant in a result file, without those that were not run."""
    codes: dict[str, int | None] = json.loads(path.read_text())["exit_code_by_key"]
    return {name: status_by_exit_code[code] for name, code in codes.items() if code is not None}


def difference(mutant: str) -> str:
    """Return the lines in which a mutant differs from the code."""
    shown = subprocess.run([sys.executable, "-m", "mutmut", "show", mutant], capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in shown.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"})


def is_equivalent(mutant: str) -> bool:
    """Return whether a mutant changes only the type of a `cast`, which nothing reads at run time."""
    removed, added = ([line[1:] for line in difference(mutant).splitlines() if line[0] == sign] for sign in "-+")
    return [CAST_TYPE.sub("", line) for line in removed] == [CAST_TYPE.sub("", line) for line in added]


def main() -> int:
    """Print the report and return the exit status."""
    console = Console()
    table = Table("module", "mutants", "killed", "share")
    shares: list[float] = []
    for path in sorted(RESULTS.rglob("*.meta")):
        mutants = {name: status for name, status in statuses(path).items() if status in KILLED or not is_equivalent(name)}
        if not mutants:
            continue
        killed = sum(status in KILLED for status in mutants.values())
        shares.append(killed / len(mutants))
        for mutant, status in mutants.items():
            if status not in KILLED:
                console.print(f"{status}: {mutant}", style="bold")
                console.print(Syntax(difference(mutant), "diff", background_color="default"))
        module = path.relative_to(RESULTS).as_posix().removesuffix(".py.meta").replace("/", ".")
        table.add_row(module, str(len(mutants)), str(killed), f"{shares[-1]:.1%}")
    console.print(table)
    return 0 if shares and min(shares) >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
