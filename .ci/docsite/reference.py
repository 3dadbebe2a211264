"""Write the pages of the reference, which mkdocstrings fills with signatures and docstrings.

`python -m docsite.reference` writes `docs/reference/`; `.ci` must be on the path. The source is parsed and not imported, so this
needs no dependency.
"""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "cstar_async"
OUTPUT = ROOT / "docs/reference"

INHERITED = ["aclose", "paginate", "rate_limit", "request", "with_options", "with_response"]
"""Members of the base class that are shown for each client."""
CORE = {
    "client": ("Clients", ["client.CStarClient", "library.CStarLibrary", "client.ClientOptions", "library.LibraryOptions"]),
    "values": (
        "Options, responses and values",
        ["RequestOptions", "Priority", "Response", "RateLimitState", "idempotency_key", "UNSET", "Unset", "JSON"],
    ),
    "rate-limiters": ("Rate limiters", ["RateLimiter", "Limiter", "client.Permit", "redis.RedisRateLimiter"]),
    "pagination": (
        "Pages and paginators",
        [f"pagination.{name}" for name in ("Paginator", "Page", "PageInfo", "IterationEstimate", "Paging")],
    ),
    "model-base": ("Model, OpenEnum and conversion", ["Model", "OpenEnum", "to_dict", "from_dict", "converter"]),
    "hooks": (
        "Hooks",
        [
            f"hooks.{name}"
            for name in (
                "Hooks",
                "HookInfo",
                "CallStartInfo",
                "CallEndInfo",
                "RequestInfo",
                "ResponseInfo",
                "RetryInfo",
                "WaitInfo",
                "DriftInfo",
                "DriftCounter",
            )
        ]
        + ["otel.OpenTelemetryHooks", "otel.OpenTelemetryMetrics", "prometheus.PrometheusMetrics"],
    ),
    "files": ("Files and streams", ["files.File", "files.Stream", "files.Download"]),
    "inbox": (
        "Webhook inbox and signatures",
        [
            *(f"webhooks.{name}" for name in ("WebhookInbox", "InboxStats", "DeadLetter", "construct_event", "event_from_dict")),
            *(f"webhooks.{name}" for name in ("lifespan", "verify_signature", "sign", "EventStream")),
            *(f"webhooks.{name}" for name in ("EventStore", "MemoryStore", "SqliteStore", "StoredEvent")),
            "redis.RedisStore",
        ],
    ),
    "sync": ("Local copies", ["sync.LocalCopy", "sync.SyncReport"]),
    "identity": ("Identity signatures", ["identity.sign_identity", "identity.canonical_identity"]),
    "testing": (
        "Fake server",
        [
            *(f"testing.{name}" for name in ("FakeCStar", "FakeClock", "Fault", "ReceivedRequest", "DeliveryFault")),
            *(f"testing.{name}" for name in ("Delivery", "Team", "page_of")),
        ],
    ),
}
"""Hand-written pages: the title, and names of the package."""


def _parse(name: str) -> ast.Module:
    return ast.parse((PACKAGE / name).read_text(encoding="utf-8"))


def _aliases(module: ast.Module) -> list[str]:
    """Return the public aliases of types, such as `TicketStatusLike` of the arguments for an enum."""
    nodes = [node for node in module.body if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias"]
    return [node.target.id for node in nodes if isinstance(node.target, ast.Name) and not node.target.id.startswith("_")]


def _classes(module: ast.Module) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in module.body if isinstance(node, ast.ClassDef)}


def _summary(node: ast.ClassDef | ast.FunctionDef) -> str:
    return (ast.get_docstring(node) or "").partition("\n\n")[0]


def _directive(path: str, **options: object) -> str:
    """Return the lines that mkdocstrings replaces with an object; an option is a JSON value, which is YAML, too."""
    lines = [f"::: cstar_async.{path}"]
    if options:
        lines += ["    options:", *(f"      {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in options.items())]
    return "\n".join(lines) + "\n"


def _methods(module: str, cls: ast.ClassDef, classes: dict[str, ast.ClassDef], call: str) -> Iterator[str]:
    """Write the methods of a namespace, then those of the namespaces inside it."""
    for node in cls.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            heading = f"{call}.{node.targets[0].id}"
            yield _directive(f"api.{module}.{cls.name}.{node.targets[0].id}", heading=heading, toc_label=heading.partition(".")[2])
    for node in cls.body:
        if (
            isinstance(node, ast.FunctionDef)
            and isinstance(node.returns, ast.Subscript)
            and isinstance(node.returns.slice, ast.Name)
        ):
            yield f"{_summary(node)}\n"
            yield from _methods(module, classes[node.returns.slice.id], classes, f"{call}.{node.name}")


def _namespace_pages() -> Iterator[tuple[str, str]]:
    for path in sorted((PACKAGE / "api").glob("[a-z]*.py")):
        classes = _classes(_parse(f"api/{path.name}"))
        owner = "library" if path.stem == "library" else f"cstar.{path.stem}"
        (top,) = [cls for name, cls in classes.items() if name.lower() == f"{path.stem}namespace".replace("_", "")]
        parts = [f"# {owner}\n", f"{_summary(top)}\n", *_methods(path.stem, top, classes, owner)]
        yield f"namespaces/{path.stem}.md", "\n".join(parts)


def _model_pages() -> Iterator[tuple[str, str]]:
    for path in sorted((PACKAGE / "models").glob("[a-z]*.py")):
        parts = [f"# Models of {path.stem}\n"]
        module = _parse(f"models/{path.name}")
        names = ", ".join([*_classes(module), *_aliases(module)])
        parts.append(_python(f"from cstar_async.models import (\n    {names.replace(', ', f',{chr(10)}    ')},\n)"))
        parts += [
            _directive(f"models.{path.stem}.{name}", heading=name, toc_label=name, members=False) for name in _classes(module)
        ]
        for name in _aliases(module):
            parts.append(_directive(f"models.{path.stem}.{name}", heading=name, toc_label=name, show_attribute_values=True))
        yield f"models/{path.stem}.md", "\n".join(parts)


def _event_page() -> str:
    parts = [
        "# Events\n",
        "Import the classes from `cstar_async.webhooks`. [Event handlers](../webhooks/handlers.md) shows how they are received.\n",
        _directive("webhooks.WebhookEvent", heading="WebhookEvent"),
        _directive("webhooks.UnknownEvent", heading="UnknownEvent", members=False),
        _directive("webhooks.FieldChange", heading="FieldChange"),
    ]
    models = _classes(_parse("models/events.py"))
    for name, cls in _classes(_parse("_generated/events.py")).items():
        (data,) = (ast.unparse(node.annotation) for node in cls.body if isinstance(node, ast.AnnAssign))
        is_model = data in models
        what = f"[`{data}`][cstar_async.models.events.{data}]" if is_model else f"`{data}`"
        shown = f"event.data.{data.removesuffix('EventData').lower()}" if is_model else "event.data"
        code = f"@inbox.on({name})\nasync def handle(event: {name}) -> None:\n    print(event.id, {shown})"
        parts.append(_directive(f"_generated.events.{name}", heading=name, toc_label=name, members=False))
        parts.append(f"`data`: {what}\n\n{_python(code)}")
    return "\n".join(parts)


def _error_page() -> str:
    parts = ["# Errors\n", "Import them from `cstar_async`. [Errors](../errors.md) shows which of them to catch.\n"]
    parts.append(
        _python('try:\n    await cstar.tickets.get("tkt_missing")\nexcept CStarError as error:\n    print(error.report())')
    )
    names = _classes(_parse("errors.py"))
    parts += [_directive(f"errors.{name}", heading=name, toc_label=name, show_signature=False) for name in names]
    return "\n".join(parts)


def example_pages() -> dict[str, str]:
    """Return a page for each program in `examples/`: its docstring and its text."""
    texts: dict[str, str] = {}
    rows: list[str] = []
    for path in sorted((ROOT / "examples").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        summary = (ast.get_docstring(ast.parse(source)) or "").partition("\n\n")[0].replace("\n", " ")
        texts[f"examples/{path.stem}.md"] = f"# Example: {path.name}\n\n{summary}\n\n```py\n{source}```\n"
        rows.append(f"| [{path.name}]({path.stem}.md) | {summary} |\n")
    intro = "Whole programs, typed and tested. Copy one, set `CSTAR_API_KEY`, and run it with Python."
    texts["examples/index.md"] = f"# Examples\n\n{intro}\n\n| program | what it does |\n| --- | --- |\n{''.join(rows)}"
    return texts


def _python(code: str) -> str:
    return f"```python\n{code}\n```\n"


def pages() -> dict[str, str]:
    """Return the text of each page, by its path below `docs/reference/`."""
    texts = {"changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")}
    texts |= {"errors.md": _error_page(), "events.md": _event_page(), **dict(_namespace_pages()), **dict(_model_pages())}
    texts |= example_pages()
    for name, (title, paths) in CORE.items():
        inherited = INHERITED if name == "client" else False
        last = [path.rpartition(".")[2] for path in paths]
        parts = [
            _directive(path, heading=label, toc_label=label, inherited_members=inherited)
            for path, label in zip(paths, last, strict=True)
        ]
        texts[f"{name}.md"] = "\n".join([f"# {title}\n", *parts])
    return texts


def main() -> None:
    """Write all pages, and remove those of an earlier run."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    for name, text in pages().items():
        path = OUTPUT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
