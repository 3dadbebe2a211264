"""Look for known vulnerabilities in the dependencies, all extras included: `make audit`.

pip-audit reports success if it can reach no database. This says then that nothing was checked, and fails, so that a workflow which
checks nothing for weeks is seen.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from release.facts import read_project

ROOT: Final = Path(__file__).parents[2]


def requirements(root: Path) -> list[str]:
    """Return the dependencies of the package and of its extras."""
    project = read_project(root)
    extras = [one for extra in project["optional-dependencies"].values() for one in extra]
    return sorted({one for one in (*project["dependencies"], *extras) if not one.startswith(f"{project['name']}[")})


def conclusion(dependencies: list[dict[str, Any]]) -> tuple[int, str]:
    """Return the exit code and what to print for the dependencies that pip-audit lists."""
    found = [
        f"{one['name']} {one['version']}: {issue['id']}, fixed in {', '.join(issue['fix_versions']) or 'no version'}"
        for one in dependencies
        for issue in one.get("vulns", [])
    ]
    skipped = [one["name"] for one in dependencies if "skip_reason" in one]
    if found:
        return 1, "\n".join(found)
    if not dependencies:
        return 1, "nothing was checked: the dependencies cannot be resolved, or no package index can be reached"
    if len(skipped) == len(dependencies):
        return 1, "nothing was checked: the database of vulnerabilities cannot be reached"
    text = f"no known vulnerabilities in {len(dependencies) - len(skipped)} dependencies"
    return 0, f"{text}; not checked: {', '.join(skipped)}" if skipped else text


def main() -> int:
    """Run pip-audit, print the conclusion, and return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requirements.txt"
        path.write_text("\n".join(requirements(ROOT)), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--format", "json", "-r", str(path)]
        audited = subprocess.run(command, check=False, capture_output=True, text=True)
    try:
        dependencies = json.loads(audited.stdout)["dependencies"]
    except ValueError:  # it ends without a report, such as after a failed request
        print(audited.stderr.strip().rpartition("\n")[2], file=sys.stderr)
        dependencies = []
    code, text = conclusion(dependencies)
    print(text)
    return code


if __name__ == "__main__":
    sys.exit(main())
