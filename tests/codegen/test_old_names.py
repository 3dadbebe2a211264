"""What has a new name works under its old one for a release: arguments, fields, classes, enums and constants."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from codegen.spec.document import Node
from cstar_async import InvalidArgumentError
from tests.codegen.packages import Stub, generate_package, imported
from tests.codegen.pets import pets


def _renamed() -> Node:
    """Return the document with other names for classes, a constant, a field, arguments and an id; one argument is gone."""
    raw: Node = json.loads(json.dumps(pets()).replace('/Pet"', '/Animal"').replace('/PetStatus"', '/AnimalState"'))
    schemas = raw["components"]["schemas"]
    schemas["Animal"], schemas["AnimalState"] = schemas.pop("Pet"), schemas.pop("PetStatus")
    schemas["AnimalState"]["x-enum-varnames"] = ["FREE", "GONE"]
    schemas["Animal"]["properties"]["years"] = schemas["Animal"]["properties"].pop("age")
    schemas["PetCreate"]["properties"]["years"] = schemas["PetCreate"]["properties"].pop("age")
    schemas["PetCreate"]["properties"]["title"] = schemas["PetCreate"]["properties"].pop("name")
    schemas["PetCreate"]["required"] = ["title"]
    raw["paths"]["/pets"]["get"]["parameters"][0]["name"] = "state"
    raw["paths"]["/pets/{animalId}"] = item = raw["paths"].pop("/pets/{petId}")
    for operation in item.values():
        operation["parameters"][0]["name"] = "animalId"
    del item["delete"]["parameters"][1]
    return raw


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the package of the new document, with what the old one had."""
    path = tmp_path_factory.mktemp("renamed")
    (path / "old.json").write_text(json.dumps(pets()), encoding="utf-8")
    return generate_package(path, "aged", _renamed(), "--deprecate", str(path / "old.json"))


@pytest.fixture(scope="module")
def package(folder: Path) -> Iterator[ModuleType]:
    """Return the package. Importing all of it warns of nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with imported(folder) as found:
            importlib.import_module("aged.models.pets")
            importlib.import_module("aged.api.pets")
            yield found


def test_nothing_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """But for the arguments of the class of a body."""
    (tmp_path / "old.json").write_text(json.dumps(pets()), encoding="utf-8")
    generate_package(tmp_path, "aged", _renamed(), "--deprecate", str(tmp_path / "old.json"))

    lost = [line.partition(": `")[2] for line in capsys.readouterr().err.splitlines() if "is not kept" in line]
    assert [
        "PetCreate.age` is not kept: the field is now `years`.",
        "PetCreate.name` is not kept: the field is now `title`.",
    ] == sorted(lost)


async def test_arguments_have_both_names(package: ModuleType) -> None:
    """An old one is sent under the new name, and warns at the line of the call."""
    async with Stub() as stub, package.ZooClient(base_url=stub.url) as client:
        stub.set({"id": "1", "title": "Rex", "years": 3})
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            await client.pets.create_pet(name="Rex", age=3)
            await client.pets.get_pet(pet_id="7")
            stub.set([])
            await client.pets.list_pets(status="free")
            await client.pets.delete_pet("7", reason="sold")
        assert {__file__} == {one.filename for one in found}
        assert [
            "the argument name of create_pet is now title",
            "the argument age of create_pet is now years",
            "the argument pet_id of get_pet is now animal_id",
            "the argument status of list_pets is now state",
            "the argument reason of delete_pet is deprecated",
        ] == [str(one.message) for one in found]
        assert {"title": "Rex", "years": 3} == json.loads(stub.requests[0][2])
        targets = ["POST /pets", "GET /pets/7", "GET /pets?state=free", "DELETE /pets/7?reason=sold"]
        assert targets == [target for target, _, _ in stub.requests]
        with pytest.raises(InvalidArgumentError, match="age is the old name of years; leave it out"):
            await client.pets.create_pet(title="Rex", years=3, age=3)


def test_field_has_both_names(package: ModuleType) -> None:
    """The old one is read as the new one, and warns at the line that reads it."""
    animal: Any = importlib.import_module("aged.models").Animal(id="1", name="Rex", years=3)

    with pytest.warns(DeprecationWarning, match="Animal.age is now years") as found:
        assert 3 == animal.age
    assert __file__ == found[0].filename


def test_classes_and_constants_have_both_names(package: ModuleType) -> None:
    """An old class is the new one, and warns where it is imported; an old constant is the same value."""
    models = importlib.import_module("aged.models")

    with pytest.warns(DeprecationWarning, match="is now") as found:
        assert (models.Pet, models.PetStatus, models.PetStatusLike) == (models.Animal, models.AnimalState, models.AnimalStateLike)
    assert {__file__} == {one.filename for one in found}
    assert ["aged.models.Pet is now Animal", "aged.models.PetStatus is now AnimalState"] == [str(one.message) for one in found][:2]
    assert models.AnimalState.SOLD is models.AnimalState.GONE
    assert ("free", "sold") == models.AnimalState.known_values()
    assert "Pet" not in models.__all__


USE = """from aged import ZooClient
from aged.models import Animal, AnimalState, Pet, PetStatus, PetStatusLike


async def use(client: ZooClient, like: PetStatusLike) -> None:
    pet: Pet = await client.pets.get_pet("7")
    animal: Animal = pet
    state: PetStatus | None = animal.status
    print(state, AnimalState.SOLD, AnimalState.GONE, like)
    print(await client.pets.create_pet(title="Rex", years=3))
    print(await client.pets.create_pet(name="Rex", age=3))
    print(await client.pets.get_pet(pet_id="7"))
    print(animal.age)
"""


@pytest.mark.soak
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_type_checkers_accept_and_report_old_names(folder: Path, tmp_path: Path, checker: str) -> None:
    """The package is clean, old names have their types, and those of arguments and fields are reported."""
    root = folder.parent
    (root / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    (root / "use.py").write_text(USE)
    mypy = ["mypy", "--strict", "--enable-error-code", "deprecated", "--cache-dir", str(tmp_path / "cache"), "-p", "aged"]
    command = {"mypy": [*mypy, "-m", "use"], "pyright": ["pyright", "--pythonpath", sys.executable, "."]}[checker]

    done = subprocess.run([sys.executable, "-m", *command], cwd=root, capture_output=True, text=True, check=False)

    errors = [line for line in done.stdout.splitlines() if " error: " in line or "- error" in line]
    assert {11, 12, 13} == {int(line.partition("use.py:")[2].partition(":")[0] or 0) for line in errors}, done.stdout
    assert [] == [line for line in errors if "is now" not in line and "deprecated" not in line]
