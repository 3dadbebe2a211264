"""Render the templates and format the result with ruff.

The templates only loop over values. Ruff runs without any configuration or cache, so the output depends on the document, the
templates and the pinned versions alone. It also removes imports that a module does not need.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from codegen.errors import CodegenError, Problem
from codegen.ir.build import GeneratedCode
from codegen.ir.client import ClientSpec, ServiceSpec
from codegen.ir.docstrings import escaped
from codegen.ir.extension import Extension
from codegen.output import NAMES, PAGE
from codegen.spec.queries import LIBRARY_SCOPE, TEAM_SCOPE

TEMPLATES = Path(__file__).with_name("templates")
RUFF_VERSION = "0.17.6"
ISOLATION_FLAGS = ("--quiet", "--isolated", "--no-cache", "--no-respect-gitignore")
"""Flags that make ruff ignore settings, caches and ignore lists of the folder."""
SETTINGS = ("line-length = 132", "target-version = 'py311'", "exclude = []")


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is written."""

    package: str
    """The name under which the generated modules import each other."""
    source: str
    """The document, as the header of each file names it."""
    service: ServiceSpec | None = None
    """What the clients of `cstar_async` take from the document."""
    client: ClientSpec | None = None
    """The client of a package of its own; None for `cstar_async`, whose clients are written by hand."""
    extension: Extension | None = None
    """What the package imports from `cstar_async`, if it extends that; its code is reduced already."""


def render(code: GeneratedCode, fake: dict[str, Any], folder: Path, target: Target) -> None:
    """Write all files of the output into an empty folder."""
    for name, text in _texts(code, fake, target).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    _format(folder, target.package)


def _texts(code: GeneratedCode, fake: dict[str, Any], target: Target) -> dict[str, str]:
    """Return the text of each file, by its path below the package."""
    loader = FileSystemLoader(TEMPLATES)
    env = Environment(loader=loader, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701  # Python, not HTML
    shared: dict[str, object] = {"package": target.package, "source": escaped(target.source), "is_own": target.client is not None}
    added = target.extension
    shared["is_extension"] = added is not None

    def models_module(name: str) -> str:
        return name if "." in name else f"{target.package}.models.{name}"

    env.filters["models_module"] = models_module

    def show(name: str, **values: object) -> str:
        return env.get_template(name).render(**shared, **values)

    models = {"folder": f"{target.package}.models", "modules": added.models if added else code.model_modules}
    api = {"folder": f"{target.package}.api", "modules": added.api if added else code.api_modules}
    texts = {
        "_generated/__init__.py": show("package_init.py.jinja", line="The code generated from the OpenAPI document."),
        "_generated/operations/__init__.py": show("package_init.py.jinja", line="The operations as values."),
        "_generated/all_operations.py": show("all_operations.py.jinja", operations=code.operations, modules=code.api_modules),
        "_generated/schemas.json": f"{json.dumps(code.schemas, indent=2, ensure_ascii=False)}\n",
        NAMES: _names(code),
        "models/__init__.py": show("models_init.py.jinja", **models),
        "api/__init__.py": show("api_init.py.jinja", **api),
        "api/_namespaces.py": show("client_namespaces.py.jinja", modules=code.client_namespaces),
    }
    texts |= {f"models/{module.name}.py": show("models.py.jinja", module=module) for module in code.model_modules}
    for module in code.api_modules:
        texts[f"_generated/operations/{module.name}.py"] = show("operations.py.jinja", module=module)
        texts[f"api/{module.name}.py"] = show("api.py.jinja", module=module)
    if target.client is None:
        texts["_generated/service.py"] = show("service.py.jinja", service=target.service)
        texts["_generated/events.py"] = show("events.py.jinja", events=code.events, imports=code.event_imports)
        texts[PAGE] = show("api-coverage.md.jinja", page=code.evidence, team_scope=TEAM_SCOPE, library_scope=LIBRARY_SCOPE)
    else:
        texts["client.py"] = show("extended_client.py.jinja" if added else "client.py.jinja", client=target.client)
        texts["__init__.py"] = show("own_init.py.jinja", client=target.client)
        texts["py.typed"] = ""
    if fake:
        texts["_generated/fake.json"] = f"{json.dumps(fake, indent=2, ensure_ascii=False)}\n"
    return texts


def _names(code: GeneratedCode) -> str:
    """Return the names as JSON with a line for each scope, so that a change has a small diff."""
    scopes = (f"{json.dumps(scope)}: {json.dumps(dict(chosen), ensure_ascii=False)}" for scope, chosen in code.names.items())
    return "{\n" + ",\n".join(scopes) + "\n}\n"


def _format(folder: Path, package: str) -> None:
    if version("ruff") != RUFF_VERSION:
        raise CodegenError([Problem("ruff", f"the version must be {RUFF_VERSION}, got {version('ruff')}.")])
    # Two runs: imports that are sorted while they are too long for a line would stay split.
    _ruff("check", "--fix-only", "--select", "F401", folder=folder, settings=SETTINGS)
    _ruff("check", "--fix-only", "--select", "I", folder=folder, settings=(*SETTINGS, *_import_settings(package)))
    _ruff("format", folder=folder, settings=SETTINGS)
    _ruff("check", "--select", "F,E9", "--output-format", "concise", folder=folder, settings=SETTINGS)


def _import_settings(package: str) -> tuple[str, ...]:
    third_party = ["attrs", *(["cstar_async"] if package != "cstar_async" else [])]
    return f"lint.isort.known-first-party = [{package!r}]", f"lint.isort.known-third-party = {third_party}"


def _ruff(*arguments: str, folder: Path, settings: tuple[str, ...]) -> None:
    configured = (flag for setting in settings for flag in ("--config", setting))
    command = [sys.executable, "-m", "ruff", *arguments, *ISOLATION_FLAGS, *configured, "."]
    done = subprocess.run(  # noqa: S603  # fixed arguments only
        command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        lines = f"{done.stdout}\n{done.stderr}".strip().splitlines() or ["it gave no reason"]
        raise CodegenError(Problem("ruff", f"the generated code is not clean: {line}") for line in lines)
