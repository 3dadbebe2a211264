"""The files of the Compose example, without Docker."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from cstar_async.cli._serve import new_parser
from cstar_async.testing import FakeCStar

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "workers"
SERVICES: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))["services"]


def test_services_fit_together() -> None:
    """The workers have the key of the served fake, and reach it and Redis under the names and ports of their services."""
    worker = SERVICES["worker"]
    command = SERVICES["cstar"]["command"].split()
    served = new_parser().parse_args(command[2:])
    assert command[:2] == ["cstar-async", "serve"]
    assert worker["environment"]["CSTAR_API_KEY"] == f"${{CSTAR_API_KEY:-{FakeCStar(seed=served.seed).secret_key}}}"
    assert worker["environment"]["CSTAR_BASE_URL"] == f"http://cstar:{served.port}"
    assert worker["environment"]["REDIS_URL"] == "redis://redis:6379"
    assert set(worker["depends_on"]) == set(SERVICES) - {"worker"}
    assert worker["environment"]["WORKERS"] == worker["deploy"]["replicas"]


def test_only_this_machine_reaches_the_fake() -> None:
    """The port of the fake, whose page needs no key, is published on loopback."""
    assert SERVICES["cstar"]["ports"] == ["127.0.0.1:8787:8787"]
    assert "ports" not in SERVICES["redis"]


def test_image_has_what_it_copies() -> None:
    """The paths of the Dockerfile and of the build exist in the tree."""
    for name in ("worker", "cstar"):
        build = SERVICES[name]["build"]
        assert (FOLDER / build["context"] / build["dockerfile"]).samefile(FOLDER / "Dockerfile")
    copies = re.findall(r"^COPY (.+) \S+$", (FOLDER / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    sources = " ".join(copies).split()
    assert {"pyproject.toml", "cstar_async", "examples/workers/worker.py"} <= set(sources)
    assert all((ROOT / source).exists() for source in sources)
