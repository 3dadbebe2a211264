"""What the document marks as deprecated warns when it is used."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.codegen.packages import Stub, document, generate_package, imported, ref, returns, takes

PET = {"type": "object", "properties": {"id": {"type": "string"}, "age": {"type": "integer", "deprecated": True}}}
OLD = {"name": "old", "in": "query", "schema": {"type": "string"}, "deprecated": True}
DOCUMENT = document(
    {
        "/pets": {
            "get": {
                "operationId": "listPets",
                "tags": ["pets"],
                "parameters": [OLD],
                "responses": returns({"type": "array", "items": ref("Pet")}),
            },
            "post": {"operationId": "addPet", "tags": ["pets"], "requestBody": takes(ref("Pet")), "responses": returns(ref("Pet"))},
        },
        "/gone": {"get": {"operationId": "getGone", "tags": ["pets"], "deprecated": True, "responses": returns(ref("Pet"))}},
        "/all": {
            "get": {
                "operationId": "listAll",
                "tags": ["pets"],
                "deprecated": True,
                "responses": returns({"type": "array", "items": ref("Pet")}),
            }
        },
    },
    {
        "Pet": {**PET, "deprecated": True, "properties": {**PET["properties"], "mood": ref("Mood")}},
        "Mood": {
            "deprecated": True,
            "oneOf": [{"const": "good", "title": "It smiles"}, {"const": "bad", "description": "It bites", "deprecated": True}],
        },
    },
)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Return the package. Importing all of it warns of nothing."""
    folder = generate_package(tmp_path_factory.mktemp("deprecated"), "aging", DOCUMENT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with imported(folder) as found:
            yield found


@pytest.fixture
async def client(package: ModuleType) -> AsyncIterator[Any]:
    """Return a client for a server that returns what the method needs."""
    async with Stub() as stub, package.ZooClient(base_url=stub.url) as client:
        stub.set({"id": "1", "age": 3})
        yield client


def _lines_here(found: list[warnings.WarningMessage]) -> list[tuple[type[Warning], str, bool]]:
    return [(one.category, str(one.message), one.filename == __file__) for one in found]


async def test_operation_warns_at_the_line_of_the_call(client: Any) -> None:
    """Also if it is awaited by a task, or is a paginator."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        await client.pets.get_gone()
        await asyncio.create_task(client.pets.get_gone())
        client.pets.list_all()
    gone = (DeprecationWarning, "pets.get_gone is deprecated", True)
    assert [gone, gone, (DeprecationWarning, "pets.list_all is deprecated", True)] == _lines_here(found)


async def test_argument_warns_if_it_is_given(client: Any) -> None:
    """A parameter of the query, and a field of the body."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        client.pets.list_pets(old="x")
        await client.pets.add_pet(id="1", age=3)

    query = (DeprecationWarning, "the argument old of list_pets is deprecated", True)
    assert [query, (DeprecationWarning, "the argument age of add_pet is deprecated", True)] == _lines_here(found)


async def test_what_is_not_deprecated_does_not_warn(client: Any) -> None:
    """Not a call without the argument, nor a response with the field."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client.pets.list_pets()
        assert 3 == (await client.pets.add_pet(id="1")).age


def test_schemas_fields_and_values_are_described_as_deprecated(package: ModuleType) -> None:
    """The class, a field and a value say it where `help()` shows it."""
    models = __import__(f"{package.__name__}.models", fromlist=["_"])

    assert "Deprecated: the API may remove it." in models.Pet.__doc__
    assert "age: The field `age`. Deprecated." in models.Pet.__doc__
    assert "Deprecated: the API may remove it." in models.Mood.__doc__
    assert "GOOD: It smiles.\n        BAD: It bites. Deprecated." in models.Mood.__doc__


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_type_checkers_report_a_deprecated_function(tmp_path: Path, checker: str) -> None:
    """Only where it is used: the package itself passes."""
    package = generate_package(tmp_path, "reported", DOCUMENT)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    (tmp_path / "use.py").write_text("from reported.api.pets import get_gone, list_pets\n\nprint(get_gone, list_pets)\n")
    mypy = ["mypy", "--strict", "--enable-error-code", "deprecated", "--cache-dir", str(tmp_path / "cache"), "-p", package.name]
    command = {"mypy": [*mypy, "-m", "use"], "pyright": ["pyright", "--pythonpath", sys.executable, "."]}[checker]

    done = subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True, check=False)

    errors = [line for line in done.stdout.splitlines() if " error: " in line or "- error" in line]
    assert errors, done.stdout
    assert [] == [line for line in errors if "use.py" not in line]
    assert [] == [line for line in errors if "get_gone" not in line]
