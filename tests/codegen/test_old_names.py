"""What has a new name works under its old one for a release: arguments, fields, classes, enums, constants and namespaces."""

from __future__ import annotations

import copy
import importlib
import json
import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest

from codegen.spec.document import Node
from cstar_async import InvalidArgumentError, from_dict, to_dict
from tests.codegen.packages import Stub, generate_package, imported
from tests.codegen.pets import pets


def _renamed() -> Node:
    """Return the document with other names for classes, a constant, a field, arguments, an id and a namespace.

    One argument is gone.
    """
    raw: Node = json.loads(json.dumps(pets()).replace('/Pet"', '/Animal"').replace('/PetStatus"', '/AnimalState"'))
    schemas = raw["components"]["schemas"]
    schemas["Animal"], schemas["AnimalState"] = schemas.pop("Pet"), schemas.pop("PetStatus")
    schemas["AnimalState"]["x-enum-varnames"] = ["FREE", "GONE"]
    schemas["Animal"]["properties"]["years"] = schemas["Animal"]["properties"].pop("age")
    schemas["PetCreate"]["properties"]["years"] = schemas["PetCreate"]["properties"].pop("age")
    schemas["PetCreate"]["properties"]["title"] = schemas["PetCreate"]["properties"].pop("name")
    schemas["PetCreate"]["properties"]["color"] = {"type": "string", "deprecated": True}
    schemas["PetCreate"]["required"] = ["title"]
    raw["paths"]["/pets"]["get"]["parameters"][0]["name"] = "state"
    raw["paths"]["/pets/{animalId}"] = item = raw["paths"].pop("/pets/{petId}")
    for operation in item.values():
        operation["parameters"][0]["name"] = "animalId"
    del item["delete"]["parameters"][1]
    for path in ("/owners", "/owners/{ownerId}"):
        for operation in raw["paths"][path].values():
            operation["tags"] = ["holders"]
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
    """The old names of everything are kept."""
    (tmp_path / "old.json").write_text(json.dumps(pets()), encoding="utf-8")
    generate_package(tmp_path, "aged", _renamed(), "--deprecate", str(tmp_path / "old.json"))

    assert [] == [line for line in capsys.readouterr().err.splitlines() if "is not kept" in line]


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
        with pytest.raises(InvalidArgumentError, match="age must be left out beside years, got both; it is the old name of years"):
            await client.pets.create_pet(title="Rex", years=3, age=3)


def test_field_has_both_names(package: ModuleType) -> None:
    """The old one is read and written as the new one, and warns at the line that uses it."""
    animal: Any = importlib.import_module("aged.models").Animal(id="1", name="Rex", years=3)

    with pytest.warns(DeprecationWarning, match=r"Animal\.age is now years") as read:
        assert 3 == animal.age
    with pytest.warns(DeprecationWarning, match=r"Animal\.age is now years") as written:
        animal.age = 4
    assert 4 == animal.years
    assert [__file__, __file__] == [one.filename for one in (*read, *written)]


def test_constructor_has_both_names(package: ModuleType) -> None:
    """An old name sets the field, and warns at the line of the call; to give both is an error."""
    models = importlib.import_module("aged.models")

    with pytest.warns(DeprecationWarning, match="of PetCreate is now") as found:
        old = models.PetCreate(name="Rex", age=3)
    assert models.PetCreate(title="Rex", years=3) == old
    assert {"title": "Rex", "years": 3} == to_dict(old)
    assert {__file__} == {one.filename for one in found}
    messages = ["the argument age of PetCreate is now years", "the argument name of PetCreate is now title"]
    assert messages == sorted(str(one.message) for one in found)
    with pytest.raises(InvalidArgumentError, match="age must be left out beside years, got both; it is the old name of years"):
        models.PetCreate(title="Rex", years=3, age=3)


def test_deprecated_field_beside_old_names_warns(package: ModuleType) -> None:
    """The constructor warns of it at the line of the call, as one without old names does."""
    models = importlib.import_module("aged.models")

    with pytest.warns(DeprecationWarning, match=r"PetCreate\.color is deprecated") as found:
        models.PetCreate(title="Rex", color="red")
    assert [__file__] == [one.filename for one in found]


def test_new_names_warn_of_nothing(package: ModuleType) -> None:
    """A model with old names is made, copied, compared, decoded and pickled as any other."""
    models = importlib.import_module("aged.models")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = models.Animal(id="1", name="Rex", years=3)
        assert one == from_dict(models.Animal, to_dict(one)) == copy.deepcopy(one) == pickle.loads(pickle.dumps(one))
        assert 4 == attrs.evolve(one, years=4).years
        assert "Animal(id='1', years=3)" == repr(one)


async def test_namespace_has_both_names(package: ModuleType) -> None:
    """Methods are called under the old namespace, and functions imported from its module; both warn with the new name."""
    module = importlib.import_module("aged.api.owners")
    async with Stub() as stub, package.ZooClient(base_url=stub.url) as client:
        stub.set({"email": "a@example.com"})
        with pytest.warns(DeprecationWarning, match="is now holders") as found:
            assert await client.holders.get_owner("7") == await client.owners.get_owner("7") == await module.get_owner(client, "7")
        assert ["owners.get_owner is now holders.get_owner"] * 2 == [str(one.message) for one in found]
        assert {__file__} == {one.filename for one in found}
        assert ["GET /owners/7"] * 3 == [target for target, _, _ in stub.requests]
    assert importlib.import_module("aged.api").get_owner is importlib.import_module("aged.api.holders").get_owner


def test_classes_and_constants_have_both_names(package: ModuleType) -> None:
    """An old class is the new one, and warns where it is imported; an old constant is the same value, and warns."""
    models = importlib.import_module("aged.models")

    with pytest.warns(DeprecationWarning, match="is now") as found:
        assert (models.Pet, models.PetStatus, models.PetStatusLike) == (models.Animal, models.AnimalState, models.AnimalStateLike)
    assert {__file__} == {one.filename for one in found}
    assert ["aged.models.Pet is now Animal", "aged.models.PetStatus is now AnimalState"] == [str(one.message) for one in found][:2]
    with pytest.warns(DeprecationWarning, match="AnimalState.SOLD is now GONE") as found:
        assert models.AnimalState.SOLD is models.AnimalState.GONE
    assert __file__ == found[0].filename
    assert ("free", "sold") == models.AnimalState.known_values()
    assert "Pet" not in models.__all__


USE = """from aged import ZooClient
from aged.api.owners import get_owner
from aged.models import Animal, AnimalState, Pet, PetCreate, PetStatus, PetStatusLike


async def use(client: ZooClient, like: PetStatusLike) -> None:
    pet: Pet = await client.pets.get_pet("7")
    animal: Animal = pet
    state: PetStatus | None = animal.status
    print(state, AnimalState.GONE, like)
    print(AnimalState.SOLD)
    print(await client.pets.create_pet(title="Rex", years=3))
    print(await client.pets.create_pet(name="Rex", age=3))
    print(await client.pets.get_pet(pet_id="7"))
    print(animal.age)
    animal.age = 3
    print(PetCreate(title="Rex", years=3), await client.holders.get_owner("7"))
    print(PetCreate(name="Rex", age=3))
    print(await client.owners.get_owner("7"))
    print(await get_owner(client, "7"))
"""
OLD_USES = {
    "from aged.api.owners import get_owner",
    "print(AnimalState.SOLD)",
    'print(await client.pets.create_pet(name="Rex", age=3))',
    'print(await client.pets.get_pet(pet_id="7"))',
    "print(animal.age)",
    "animal.age = 3",
    'print(PetCreate(name="Rex", age=3))',
}
OLD_CALLS = {'print(await client.owners.get_owner("7"))', 'print(await get_owner(client, "7"))'}
"""These are reported by pyright alone: mypy does so where a function is imported, and not for a method that is one."""


@pytest.mark.soak
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_type_checkers_accept_and_report_old_names(folder: Path, tmp_path: Path, checker: str) -> None:
    """The package is clean, old names have their types, and all but those of classes are reported."""
    root = folder.parent
    (root / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    (root / "use.py").write_text(USE)
    mypy = ["mypy", "--strict", "--enable-error-code", "deprecated", "--cache-dir", str(tmp_path / "cache"), "-p", "aged"]
    command = {"mypy": [*mypy, "-m", "use"], "pyright": ["pyright", "--pythonpath", sys.executable, "."]}[checker]

    done = subprocess.run([sys.executable, "-m", *command], cwd=root, capture_output=True, text=True, check=False)

    errors = [line for line in done.stdout.splitlines() if " error: " in line or "- error" in line]
    assert {"use.py"} == {line.strip().rpartition("/")[2].partition(":")[0] for line in errors}, done.stdout
    lines = USE.splitlines()
    reported = {lines[int(line.partition("use.py:")[2].partition(":")[0]) - 1].strip() for line in errors}
    assert reported == OLD_USES | (OLD_CALLS if checker == "pyright" else set()), done.stdout
    assert [] == [line for line in errors if "deprecated" not in line]
