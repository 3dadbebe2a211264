"""Does the document please a linter that knows nothing of us?"""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.external.node_tools import DOCUMENT, ROOT, node_tool

pytestmark = pytest.mark.external


CANNOT_JUDGE = 'Example validation errored: discriminator: "properties/type" must have "const" or "enum".'
"""What it says of every example with a union in it: its validator knows no union that is open to tags of tomorrow."""


def test_the_document_has_no_lint() -> None:
    """Redocly's recommended rules find nothing in the document but what its validator cannot judge."""
    lint = subprocess.run(
        [node_tool("redocly"), "lint", str(DOCUMENT), "--format=json"],
        cwd=ROOT,
        env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(lint.stdout)
    problems = [problem for problem in found["problems"] if problem["message"] != CANNOT_JUDGE]
    assert (problems, found["totals"]["errors"]) == ([], 0)
