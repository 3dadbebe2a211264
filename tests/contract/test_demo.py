"""Check the demo, which is the first program that a newcomer runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).parents[2] / "examples" / "support_desk.py"


def run_demo(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the demo as `make demo` does, but without a terminal."""
    return subprocess.run(
        [sys.executable, str(DEMO)],
        env={**{name: value for name, value in os.environ.items() if not name.startswith("CSTAR_")}, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_demo_creates_no_duplicate_and_prints_a_summary() -> None:
    """With lost responses, the demo succeeds, has retried, and prints a typed error and a summary."""
    demo = run_demo({})
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "100 tickets on 4 pages: every ticket exists exactly once" in demo.stdout
    assert "NotFoundError: Ticket not found (404 resource_missing" in demo.stdout
    assert "Summary" in demo.stdout
    assert "retries" in demo.stdout


def test_demo_reports_an_error() -> None:
    """A service that cannot be reached gives a panel with a report and exit status 1, not a traceback."""
    demo = run_demo({"CSTAR_API_KEY": "sk_test_" + "a" * 32, "CSTAR_BASE_URL": "http://127.0.0.1:9"})
    assert (demo.returncode, "ConnectionFailedError" in demo.stdout, demo.stderr) == (1, True, "")
