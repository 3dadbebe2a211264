"""Node tools that check the OpenAPI document. A missing one is an error, not a skip."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "openapi" / "cstar.yaml"


def node_tool(name: str) -> str:
    """Return the path of an installed tool."""
    tool = ROOT / "build" / "node" / "node_modules" / ".bin" / name
    if not tool.exists():
        raise FileNotFoundError(f"{name} is not installed; run `make setup-external`")
    return str(tool)
