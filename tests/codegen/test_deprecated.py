"""What the document marks as deprecated warns when it is used."""

from __future__ import annotations

import asyncio
import copy
import importlib
import inspect
import pickle
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest

from codegen.spec.document import Node
from cstar_async import to_dict
from tests.codegen.packages import Stub, document, generate_package, imported, ref, returns, takes

PET: Node = {"type": "object", "properties": {"id": {"type": "string"}, "age": {"type": "integer", "deprecated": True}}}
OLD = {"name": "old", "in": "query", "schema": {"type": "string"}, "deprecated": True}
IN_PATH = {"name": "mood", "in": "path", "required": True, "schema": ref("Mood")}
IN_HEADER = {"name": "X-Mood", "in": "header", "schema": ref("Mood")}
SIZES = {"oneOf": [{"const": 1}, {"const": 2, "deprecated": True}]}
IN_QUERY = {"name": "moods", "in": "query", "schema": {"type": "array", "items": ref("Mood")}}
FORM = "application/x-www-form-urlencoded"
TOY: Node = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "color": {"type": "string", "deprecated": True},
        "mood": ref("Mood"),
        "size": ref("Size"),
    },
}
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
        "/moods/{mood}": {
            "get": {
                "operationId": "getMood",
                "tags": ["pets"],
                "parameters": [IN_PATH, IN_QUERY, IN_HEADER, {"name": "size", "in": "query", "schema": SIZES}],
                "responses": returns(),
            },
            "post": {
                "operationId": "setMood",
                "tags": ["pets"],
                "parameters": [{"name": "mood", "in": "path", "required": True, "schema": {"type": "string"}}],
                "requestBody": takes({"type": "object", "properties": {"mood": ref("Mood")}}, FORM),
                "responses": returns(),
            },
        },
        "/toys": {
            "post": {"operationId": "addToys", "tags": ["pets"], "requestBody": takes(ref("Toys")), "responses": returns()},
            "put": {
                "operationId": "putToys",
                "tags": ["pets"],
                "requestBody": takes({"type": "array", "items": ref("Toy")}),
                "responses": returns(),
            },
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
        "Toy": TOY,
        "Size": SIZES,
        "Toys": {"type": "object", "properties": {"all": {"type": "array", "items": ref("Toy")}, "mood": ref("Mood")}},
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
def models(package: ModuleType) -> ModuleType:
    """Return the module with the models of the package."""
    return importlib.import_module(f"{package.__name__}.models.pets")


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


async def test_what_is_not_deprecated_does_not_warn(client: Any, models: Any) -> None:
    """Not a call without the argument, nor a response with the field, nor what this package does with an object."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        client.pets.list_pets()
        await client.pets.get_mood("good", moods=["good"], x_mood="good", size=1)
        pet, toy = await client.pets.add_pet(id="1"), models.Toy(id="1")
        assert [pet, toy] == [copy.deepcopy(pet), pickle.loads(pickle.dumps(toy))]
        assert {"id": "1", "age": 3} == to_dict(attrs.evolve(pet, id="1"))
        await client.pets.add_toys(all=[toy, {"id": "2"}], mood=models.Mood.GOOD)


CALLS: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "path": (lambda pets, _: pets.get_mood("bad"), "the value 'bad' of the argument mood of get_mood"),
    "query": (lambda pets, _: pets.get_mood("good", moods=["good", "bad"]), "the value 'bad' of the argument moods of get_mood"),
    "header": (lambda pets, _: pets.get_mood("good", x_mood="bad"), "the value 'bad' of the argument x_mood of get_mood"),
    "number": (lambda pets, _: pets.get_mood("good", size=2), "the value 2 of the argument size of get_mood"),
    "form": (lambda pets, _: pets.set_mood("1", mood_="bad"), "the value 'bad' of the argument mood_ of set_mood"),
    "body": (lambda pets, _: pets.add_toys(mood="bad"), "the value 'bad' of the argument mood of add_toys"),
    "value in a model": (
        lambda pets, models: pets.add_toys(all=[models.Toy(id="1", mood="bad")]),
        "the value 'bad' of all[0].mood",
    ),
    "value in a mapping": (lambda pets, _: pets.add_toys(all=[{"id": "1", "mood": "bad"}]), "the value 'bad' of all[0].mood"),
    "number in a model": (lambda pets, models: pets.add_toys(all=[models.Toy(id="1", size=2)]), "the value 2 of all[0].size"),
    "number in a mapping": (lambda pets, _: pets.add_toys(all=[{"id": "1", "size": 2}]), "the value 2 of all[0].size"),
    "value in an array": (
        lambda pets, models: pets.put_toys(body=[models.Toy(id="1", mood="bad")]),
        "the value 'bad' of body[0].mood",
    ),
    "number in an array": (lambda pets, models: pets.put_toys(body=[models.Toy(id="1", size=2)]), "the value 2 of body[0].size"),
    "field of a mapping": (lambda pets, _: pets.add_toys(all=[{"id": "1", "color": "red"}]), "all[0].color"),
    "field of a model": (lambda pets, models: pets.add_toys(all=[models.Toy(id="1", color="red")]), "Toy.color"),
}


@pytest.mark.parametrize("where", CALLS)
async def test_deprecated_value_or_nested_field_warns_once(client: Any, models: Any, where: str) -> None:
    """At the line of the caller, wherever it is sent."""
    call, what = CALLS[where]
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        await call(client.pets, models)

    assert [(DeprecationWarning, f"{what} is deprecated", True)] == _lines_here(found)


async def test_use_of_a_deprecated_constant_warns(models: Any) -> None:
    """It is the member that the other ways give."""
    mood = models.Mood
    with pytest.warns(DeprecationWarning, match=r"^Mood\.BAD is deprecated$") as found:
        bad = mood.BAD

    assert [__file__] == [one.filename for one in found]
    assert (mood("bad"), "bad", True) == (bad, bad, bad.is_known)


def test_import_of_a_deprecated_class_warns_each_time(package: ModuleType) -> None:
    """From the package of all models; the others do not warn."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        for name in ("Pet", "Pet", "Toy"):
            getattr(importlib.import_module(f"{package.__name__}.models"), name)

    pet = (DeprecationWarning, f"{package.__name__}.models.Pet is deprecated", True)
    assert [pet, pet] == _lines_here(found)


async def test_reading_and_setting_a_deprecated_field_warns(client: Any) -> None:
    """At the line that does it, and with the value that arrived."""
    pet = await client.pets.add_pet(id="1")
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        assert 3 == pet.age
        pet.age = 4

    assert [(DeprecationWarning, "Pet.age is deprecated", True)] * 2 == _lines_here(found)
    assert {"id": "1", "age": 4} == to_dict(pet)


def test_schemas_fields_and_values_are_described_as_deprecated(models: Any) -> None:
    """The class, a field and a value say it where `help()` shows it."""
    assert "Deprecated: the API may remove it." in models.Pet.__doc__
    assert "age: The field `age`. Deprecated." in models.Pet.__doc__
    assert "Deprecated: the API may remove it." in models.Mood.__doc__
    assert "GOOD: It smiles.\n    BAD: It bites. Deprecated." in inspect.getdoc(models.Mood)


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_type_checkers_report_functions_and_constants(tmp_path: Path, checker: str) -> None:
    """Only where it is used: the package itself passes."""
    package = generate_package(tmp_path, "reported", DOCUMENT)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    (tmp_path / "use.py").write_text(
        "from reported.api.pets import get_gone, list_pets\n\nprint(get_gone, list_pets)\n"
        "from reported.models import Mood\n\nprint(Mood.GOOD)\nbad: Mood = Mood.BAD\n"
    )
    mypy = ["mypy", "--strict", "--enable-error-code", "deprecated", "--cache-dir", str(tmp_path / "cache"), "-p", package.name]
    command = {"mypy": [*mypy, "-m", "use"], "pyright": ["pyright", "--pythonpath", sys.executable, "."]}[checker]

    done = subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True, check=False)

    errors = [line for line in done.stdout.splitlines() if " error: " in line or "- error" in line]
    assert errors, done.stdout
    assert [] == [line for line in errors if "use.py" not in line]
    assert [True, True] == [any(word in line for line in errors) for word in ("get_gone", "__get__")]
    assert [] == [line for line in errors if "get_gone" not in line and "use.py:7:" not in line]
