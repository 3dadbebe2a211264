"""The OpenAPI document in Redocly's linter."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.external.node_tools import DOCUMENT, ROOT, node_tool

pytestmark = pytest.mark.external


UNSUPPORTED = 'Example validation errored: discriminator: "properties/type" must have "const" or "enum".'
"""Its error for every example with a union: its validator does not support unions that are open to unknown tags."""


def test_document_has_no_lint_errors() -> None:
    """By Redocly's recommended rules."""
    lint = subprocess.run(
        [node_tool("redocly"), "lint", str(DOCUMENT), "--format=json"],
        cwd=ROOT,
        env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(lint.stdout)
    problems = [problem for problem in report["problems"] if problem["message"] != UNSUPPORTED]
    assert (problems, report["totals"]["errors"]) == ([], 0)
