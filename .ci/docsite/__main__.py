"""Build the documentation site into `site/`: `python -m docsite`. Each warning is an error."""

from __future__ import annotations

import re
import subprocess
import sys

from docsite import reference, search


def main() -> int:
    """Write the reference, build the site, and return the exit code."""
    reference.main()
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    built = subprocess.run(command, cwd=reference.ROOT, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = re.sub(r"\x1b\[[0-9;]*m", "", built.stdout)
    # zensical counts its own warnings only.
    warnings = [line for line in output.splitlines() if line.startswith("griffe:")]
    sys.stdout.write(output)
    if built.returncode == 0:
        search.name_results(reference.ROOT / "site/search.json")
    return built.returncode or bool(warnings)


if __name__ == "__main__":
    sys.exit(main())
