"""Check what users import: which names there are, that they are documented, and what importing them costs."""

from __future__ import annotations

import importlib
import inspect
import pickle
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

import cstar_async
from cstar_async import CStarClient, Page, Paginator, errors, models
from cstar_async.models import Ticket

PROMISED = {
    *("CStarClient", "CStarLibrary", "RequestOptions", "Priority", "RateLimiter", "Limiter", "RateLimitState", "Response", "Page"),
    *("PageInfo", "Paginator", "Hooks", "Model", "OpenEnum", "UNSET", "Unset", "JSON", "converter", "to_dict", "from_dict"),
    *("idempotency_key", "UnknownValueWarning", "__version__"),
}
SUBMODULES = [
    "models",
    "api",
    "errors",
    "files",
    "hooks",
    "pagination",
    "webhooks",
    "identity",
    "testing",
    "redis",
    "otel",
    "prometheus",
    "sync",
]
ERRORS = {name for name, one in vars(errors).items() if inspect.isclass(one) and issubclass(one, errors.CStarError)}
MODULES = [
    *("cstar_async", "cstar_async.api", "cstar_async.client", "cstar_async.errors", "cstar_async.hooks", "cstar_async.library"),
    *("cstar_async.identity", "cstar_async.models", "cstar_async.otel", "cstar_async.pagination"),
    *("cstar_async.prometheus", "cstar_async.redis"),
    *("cstar_async.testing", "cstar_async.webhooks", "cstar_async.files", "cstar_async.sync"),
]


def test_package_exports_what_is_promised_and_nothing_else() -> None:
    """The names are those of the contract, and every error."""
    assert PROMISED | ERRORS == set(cstar_async.__all__)


@pytest.mark.parametrize("name", cstar_async.__all__)
def test_exported_name_exists(name: str) -> None:
    """Every name of `__all__` can be imported."""
    assert hasattr(cstar_async, name)


@pytest.mark.parametrize("name", SUBMODULES)
def test_submodule_needs_no_import_of_its_own(name: str) -> None:
    """`cstar_async.models.Ticket` works after `import cstar_async` alone."""
    code = f"import cstar_async; print(cstar_async.{name}.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (f"cstar_async.{name}\n", "") == (done.stdout, done.stderr)


def test_json_is_a_type_at_run_time() -> None:
    """`JSON` can be part of another type in an annotation that is evaluated."""
    assert "JSON" in str(cstar_async.JSON | bytes)


def _public(owner: object) -> set[str]:
    return {name for name in dir(owner) if not name.startswith("_")}


def test_completion_shows_a_model_s_fields() -> None:
    """A model has its fields and `extra`, and no other name without an underscore."""
    assert {*Ticket.__wire_names__, "extra"} == _public(Ticket)


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (Page, {"count", "data", "has_more", "index", "info", "next_page", "total"}),
        (Paginator, {"checkpoint", "collect", "estimate", "first", "pages", "prefetch", "resume"}),
    ],
)
def test_completion_shows_only_documented_methods(owner: type, names: set[str]) -> None:
    """A page and a paginator have no helper of the runtime among their public names."""
    assert _public(owner) <= names


def test_completion_shows_namespaces_and_methods_of_a_client() -> None:
    """A client has its namespaces and the methods of the contract."""
    methods = {"aclose", "events", "from_env", "paginate", "rate_limit", "request", "with_options", "with_response"}
    client = CStarClient(api_key="sk_test_a")
    others = _public(client) - methods

    assert set() == {name for name in others if not type(getattr(client, name)).__name__.endswith("Namespace")}


@pytest.mark.parametrize("name", sorted(ERRORS))
def test_error_prints_one_line_and_can_be_pickled(name: str) -> None:
    """An error with line breaks in its message still prints as one line, and a pickled copy prints the same."""
    kind = getattr(errors, name)
    values: dict[str, object] = {"status": 404, "retry_at": datetime(2026, 1, 1, tzinfo=UTC), "wait": 1.5}
    needed = {argument: value for argument, value in values.items() if argument in inspect.signature(kind).parameters}
    error = kind("no\nsuch\r\nticket", **needed)

    assert 1 == len(str(error).splitlines())
    assert str(error) == str(pickle.loads(pickle.dumps(error)))


def _is_ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).startswith("cstar_async")


def _undocumented(owner: Any, path: str) -> list[str]:
    """List the class, and its public methods and properties, as far as they have no docstring."""
    found = [] if inspect.getdoc(owner) else [path]
    for name, member in vars(owner).items() if inspect.isclass(owner) else ():
        is_method = isinstance(member, (property, staticmethod, classmethod)) or (callable(member) and _is_ours(member))
        if is_method and not name.startswith("_") and not inspect.getdoc(getattr(owner, name)):
            found.append(f"{path}.{name}")
    return found


@pytest.mark.parametrize("module", MODULES)
def test_everything_public_is_documented(module: str) -> None:
    """Modules, classes, functions, methods and properties have a docstring."""
    loaded = importlib.import_module(module)
    names = getattr(loaded, "__all__", None) or [name for name in vars(loaded) if not name.startswith("_")]
    things = {name: getattr(loaded, name) for name in names}
    missing = _undocumented(loaded, module)
    for name, one in things.items():
        missing += _undocumented(one, f"{module}.{name}") if _is_ours(one) and callable(one) else []

    assert [] == missing


def test_every_field_of_a_model_is_documented() -> None:
    """Editors find a docstring under each declaration of a field."""
    for name in models.__all__:
        kind = getattr(models, name)
        if inspect.isclass(kind) and hasattr(kind, "__wire_names__"):
            source = inspect.getsource(kind)
            for attribute in kind.__wire_names__:
                after = source.split(f"\n    {attribute}: ", 1)[1].split("\n", 1)[1]
                assert after.lstrip().startswith('"""'), f"{name}.{attribute}"


def _loaded_by(program: str) -> set[str]:
    """Return the modules that a program loads in a new process."""
    program += "; import sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


GENERATED = ("cstar_async.models.", "cstar_async.api.")


def test_import_alone_loads_neither_aiohttp_nor_generated_code() -> None:
    """Creating a client imports aiohttp, and the first call imports models."""
    loaded = _loaded_by("import cstar_async")

    assert not {"aiohttp", "cattrs", "opentelemetry", "redis"} & loaded
    assert [] == [name for name in loaded if name.startswith(GENERATED) and name != "cstar_async.api._namespaces"]


def test_building_a_client_makes_no_model() -> None:
    """The number of models in the document does not slow down a client."""
    loaded = _loaded_by("import cstar_async; cstar_async.CStarClient(api_key='sk_test_a')")

    assert [] == [name for name in loaded if name.startswith(GENERATED) and name != "cstar_async.api._namespaces"]


def test_pytest_plugin_costs_nothing_until_it_is_used() -> None:
    """Every run of pytest loads the plugin where the package is installed."""
    loaded = _loaded_by("import cstar_async.testing.pytest_plugin")

    assert not {"aiohttp", "attrs", "cattrs", "jsonschema"} & loaded
    assert {"cstar_async._version", "cstar_async.testing", "cstar_async.testing.pytest_plugin"} >= {
        name for name in loaded if name.startswith("cstar_async.")
    }
