"""What `make mutants` found: the share of mutants that some test kills, room by room, and the mutants that live.

Exit status 1 if a room is below its target or was not tested at all.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from mutmut.stats import status_by_exit_code
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

RESULTS = Path("mutants/cstar_async")
TARGET = 0.85
KILLED = {"killed", "timeout"}
"""A mutant that never ends is noticed, too."""


def verdicts(room: Path) -> dict[str, str]:
    """What became of each mutant of a room that was tested."""
    codes: dict[str, int | None] = json.loads(room.read_text())["exit_code_by_key"]
    return {name: status_by_exit_code[code] for name, code in codes.items() if code is not None}


def difference(mutant: str) -> str:
    """The lines in which a mutant differs from the code."""
    shown = subprocess.run([sys.executable, "-m", "mutmut", "show", mutant], capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in shown.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"})


def main() -> int:
    """Show it, and say by the exit status whether it is enough."""
    console = Console()
    table = Table("room", "mutants", "killed", "share")
    found = {room.name.removesuffix(".py.meta"): verdicts(room) for room in sorted(RESULTS.rglob("*.meta"))}
    found = {room: of_room for room, of_room in found.items() if of_room}
    shares: list[float] = []
    for room, of_room in found.items():
        killed = sum(verdict in KILLED for verdict in of_room.values())
        shares.append(killed / len(of_room))
        for mutant, verdict in of_room.items():
            if verdict not in KILLED:
                console.print(f"{verdict}: {mutant}", style="bold")
                console.print(Syntax(difference(mutant), "diff", background_color="default"))
        table.add_row(room, str(len(of_room)), str(killed), f"{shares[-1]:.1%}")
    console.print(table)
    return 0 if shares and min(shares) >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
