"""What users import: that it is there, that nothing else is, that it is explained, and what importing it costs."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from typing import Any

import pytest

import cstar_async
from cstar_async import errors, models

PROMISED = {
    *("CStarClient", "CStarLibrary", "RequestOptions", "Priority", "RateLimiter", "Limiter", "RateLimitState", "Response"),
    *(
        "Model",
        "OpenEnum",
        "Page",
        "PageInfo",
        "Paginator",
        "Hooks",
        "UNSET",
        "Unset",
        "JSON",
        "to_dict",
        "from_dict",
        "idempotency_key",
        "__version__",
    ),
}
ERRORS = {name for name, one in vars(errors).items() if inspect.isclass(one) and issubclass(one, errors.CStarError)}
MODULES = [
    *("cstar_async", "cstar_async.api", "cstar_async.client", "cstar_async.errors", "cstar_async.hooks", "cstar_async.library"),
    *("cstar_async.models", "cstar_async.otel", "cstar_async.pagination", "cstar_async.redis", "cstar_async.testing"),
]


def test_package_offers_what_is_promised_and_nothing_else() -> None:
    """The names of the contract, and every error."""
    assert PROMISED | ERRORS == set(cstar_async.__all__)


@pytest.mark.parametrize("name", cstar_async.__all__)
def test_offered_name_is_there(name: str) -> None:
    """By import."""
    assert hasattr(cstar_async, name)


@pytest.mark.parametrize("name", ["api", "identity", "models", "testing", "webhooks"])
def test_module_beside_the_client_needs_no_import_of_its_own(name: str) -> None:
    """`cstar_async.models.Ticket` works after `import cstar_async` alone."""
    code = f"import cstar_async; print(cstar_async.{name}.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (f"cstar_async.{name}\n", "") == (done.stdout, done.stderr)


def test_json_is_a_type_at_run_time() -> None:
    """So that it can be part of others, in annotations that are evaluated."""
    assert "JSON" in str(cstar_async.JSON | bytes)


def _is_ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).startswith("cstar_async")


def _undocumented(owner: Any, path: str) -> list[str]:
    """The public methods and properties of this package in a class that say nothing of themselves, and the class if it does not."""
    found = [] if inspect.getdoc(owner) else [path]
    for name, member in vars(owner).items() if inspect.isclass(owner) else ():
        is_method = isinstance(member, (property, staticmethod, classmethod)) or (callable(member) and _is_ours(member))
        if is_method and not name.startswith("_") and not inspect.getdoc(getattr(owner, name)):
            found.append(f"{path}.{name}")
    return found


@pytest.mark.parametrize("module", MODULES)
def test_everything_public_says_what_it_is(module: str) -> None:
    """Modules, classes, functions, methods and properties."""
    loaded = importlib.import_module(module)
    names = getattr(loaded, "__all__", None) or [name for name in vars(loaded) if not name.startswith("_")]
    things = {name: getattr(loaded, name) for name in names}
    missing = _undocumented(loaded, module)
    for name, one in things.items():
        missing += _undocumented(one, f"{module}.{name}") if _is_ours(one) and callable(one) else []

    assert [] == missing


def test_every_field_of_a_model_says_what_it_is() -> None:
    """In the source, where editors find it: a docstring under each declaration."""
    for name in models.__all__:
        kind = getattr(models, name)
        if inspect.isclass(kind) and hasattr(kind, "__wire_names__"):
            source = inspect.getsource(kind)
            for attribute in kind.__wire_names__:
                after = source.split(f"\n    {attribute}: ", 1)[1].split("\n", 1)[1]
                assert after.lstrip().startswith('"""'), f"{name}.{attribute}"


def _loaded_by(program: str) -> set[str]:
    """The modules that a program loads in a fresh process."""
    program += "; import sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


GENERATED = ("cstar_async.models.", "cstar_async.api.")


def test_import_alone_loads_neither_aiohttp_nor_generated_code() -> None:
    """That comes with the first client, and with the first call."""
    loaded = _loaded_by("import cstar_async")

    assert not {"aiohttp", "cattrs", "opentelemetry", "redis"} & loaded
    assert [] == [name for name in loaded if name.startswith(GENERATED) and name != "cstar_async.api._namespaces"]


def test_building_a_client_makes_no_model() -> None:
    """However many the document has."""
    loaded = _loaded_by("import cstar_async; cstar_async.CStarClient(api_key='sk_test_a')")

    assert [] == [name for name in loaded if name.startswith(GENERATED) and name != "cstar_async.api._namespaces"]


def test_pytest_plugin_costs_nothing_until_it_is_used() -> None:
    """It is loaded in every run of pytest where the package is installed."""
    loaded = _loaded_by("import cstar_async.testing.pytest_plugin")

    assert not {"aiohttp", "attrs", "cattrs", "jsonschema"} & loaded
    assert {"cstar_async._version", "cstar_async.testing", "cstar_async.testing.pytest_plugin"} >= {
        name for name in loaded if name.startswith("cstar_async.")
    }
