"""A document of another API gives a package of its own, which works."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from cstar_async import Page, Paginator
from cstar_async.errors import ConfigurationError, InvalidArgumentError, RateLimitWaitError, UnknownValueWarning
from cstar_async.sync._call_budget import with_budget
from tests.codegen.packages import Stub, generate_package, imported
from tests.codegen.zoo import ZOO


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Return the package of the zoo."""
    with imported(generate_package(tmp_path_factory.mktemp("zoo"), "zoo", ZOO)) as package:
        yield package


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    """Return a server."""
    async with Stub() as stub:
        yield stub


@pytest.fixture
async def client(zoo: ModuleType, stub: Stub) -> AsyncIterator[Any]:
    """Return a client of the package for the server."""
    async with zoo.ZooClient(api_key="k1", base_url=f"{stub.url}/v2") as client:
        yield client


def test_client_is_named_after_the_title_and_has_the_server(zoo: ModuleType) -> None:
    """The URL has the defaults of its variables."""
    assert "base_url='https://eu.example.com/v2'" in repr(zoo.ZooClient(api_key="k1"))


def test_name_of_the_client_can_be_given(tmp_path: Path) -> None:
    """`--client` overrides the title."""
    with imported(generate_package(tmp_path, "named", ZOO, "--client", "Zookeeping")) as package:
        assert ["Zookeeping"] == package.__all__


def test_package_offers_its_models_and_functions(tmp_path: Path) -> None:
    """Without another import, and before the client has used them."""
    with imported(generate_package(tmp_path, "offering", ZOO)) as package:
        assert "Dog" in package.models.__all__
        assert callable(package.api.list_pets)


def test_key_that_cannot_be_sent_is_refused(zoo: ModuleType) -> None:
    """The error does not contain it."""
    with pytest.raises(ConfigurationError, match=r"^api_key must be printable ASCII") as caught:
        zoo.ZooClient(api_key="se cret")
    assert "cret" not in str(caught.value)


def test_options_are_those_of_the_client_of_cstar(zoo: ModuleType) -> None:
    """With the same ranges. A misspelt one is refused as by any function."""
    assert "timeout=5.0, max_retries=0, max_wait=None" in repr(
        zoo.ZooClient(api_key="k1", timeout=5.0, max_retries=0, max_wait=None, max_connections=2)
    )
    with pytest.raises(InvalidArgumentError, match=r"^max_connections must be an int from 1, got 0$"):
        zoo.ZooClient(api_key="k1", max_connections=0)
    with pytest.raises(TypeError, match="max_connection"):
        zoo.ZooClient(api_key="k1", max_connection=2)


async def test_credential_is_sent_as_the_document_says(client: Any, stub: Stub) -> None:
    """The key is in the header of the security scheme, and there is no `Authorization`."""
    stub.set({"a": 1})

    assert {"a": 1} == await client.stock.stock()
    assert ("GET /v2/stock", "k1") == (stub.last, stub.requests[-1][1]["X-Token"])
    assert "Authorization" not in stub.requests[-1][1]


async def test_responses_can_be_kept(zoo: ModuleType, stub: Stub) -> None:
    """By the names of the client's own methods."""
    stub.set({"a": 1})
    async with zoo.ZooClient(api_key="k1", base_url=stub.url, coalesce=True, cache={"stock.stock": 60}) as client:
        assert [{"a": 1}] * 2 == [await client.stock.stock() for _ in range(2)]
    assert 1 == len(stub.requests)
    with pytest.raises(InvalidArgumentError, match="cache must be a dict of methods that read"):
        zoo.ZooClient(api_key="k1", cache={"tags.list": 60})


async def test_model_has_its_inline_objects_and_enums(client: Any, zoo: ModuleType, stub: Stub) -> None:
    """They are classes named after their owner, and containers in containers are decoded."""
    stub.set(
        {
            "id": 1,
            "name": "Rex",
            "owner": {"externalIPs": ["::1"]},
            "mood": "very-bad",
            "born": "2026-03-01",
            "list": [1],
            "self": "s",
            "2fa": True,
            "_id": "x",
            "tags": {"a": [{"text": "t"}]},
            "friend": {"id": 2, "name": "Max"},
            "choice": {"text": "c"},
            "grid": [[{"text": "g"}]],
            "new": 1,
        },
        201,
    )

    pet = await client.pet_store.add_pet(id=1, name="Rex", born=date(2026, 3, 1), friend=None)

    from zoo.models import Label, PetRecordMood, PetRecordOwner  # type: ignore[import-not-found]

    assert (PetRecordOwner(external_ips=["::1"]), PetRecordMood.VERY_BAD) == (pet.owner, pet.mood)
    assert (date(2026, 3, 1), [1], "s", True, "x") == (pet.born, pet.list_, pet.self_, pet.field_2fa, pet.id_2)
    assert ({"a": [Label(text="t")]}, "Max", Label(text="c"), [[Label(text="g")]]) == (
        pet.tags,
        pet.friend.name,
        pet.choice,
        pet.grid,
    )
    assert {"new": 1} == pet.extra
    assert {"id": 1, "name": "Rex", "born": "2026-03-01", "friend": None} == json.loads(stub.requests[-1][2])


async def test_list_of_another_api_is_a_paginator(client: Any, stub: Stub) -> None:
    """A GET of an array without any parameter for pages gives one page."""
    stub.set([{"id": 1, "name": "Rex", "barks": True}])

    listed = client.pet_store.list_pets()

    assert isinstance(listed, Paginator)
    assert [True] == [dog.barks async for dog in listed]


async def test_estimate_has_no_limit_that_nobody_stated(client: Any, stub: Stub) -> None:
    """Until a response states one; a budget of calls is a limit, too."""
    stub.set([])
    listed = client.pet_store.list_pets()

    before = await listed.estimate()
    limited, _ = with_budget(client, 5)
    within = await limited.pet_store.list_pets().estimate()
    stub.headers = {"RateLimit-Limit": "10", "RateLimit-Remaining": "7", "RateLimit-Reset": "30"}
    await client.pet_store.list_pets().collect()
    after = await listed.estimate()

    assert [None, 5, 7] == [before.remaining, within.remaining, after.remaining]
    assert [None, True, True] == [before.fits, within.fits, after.fits]


async def test_list_with_unknown_pages_is_a_list(client: Any, stub: Stub) -> None:
    """The client does not claim that one page is the whole list."""
    stub.set([{"text": "a"}])

    found = await client.items.list_items(cursor="c")

    assert (list, "GET /v2/items?cursor=c") == (type(found), stub.last)
    assert not isinstance(found, Page)


async def test_body_can_be_an_array(client: Any, zoo: ModuleType, stub: Stub) -> None:
    """It is the argument `body`; a response without content is None."""
    stub.set(b"", 204)

    from zoo.models import PetRecord

    assert None is await client.pet_store.replace_pets(body=[PetRecord(id=1, name="Rex"), {"id": 2}])
    assert [{"id": 1, "name": "Rex"}, {"id": 2}] == json.loads(stub.requests[-1][2])


async def test_delete_without_an_id_returns_none(client: Any, stub: Stub) -> None:
    """An empty response needs no id in the path."""
    stub.set(b"", 202)

    assert None is await client.pet_store.clear()


async def test_operation_without_a_name_is_named_after_its_path(client: Any, stub: Stub) -> None:
    """The path has a number and a date; the tag selects the member of the union."""
    stub.set({"kind": "square", "a": 2})

    shape = await client.pets.get_pets_by_pet_id_by_day(7, date(2026, 3, 1), page=2)

    assert ("Square", 2, "GET /v2/pets/7/2026-03-01?page=2") == (type(shape).__name__, shape.a, stub.last)


async def test_unknown_tag_leaves_the_object_as_it_is(client: Any, stub: Stub) -> None:
    """A union without a member for unknown tags gives a dict."""
    stub.set({"kind": "star"})

    assert {"kind": "star"} == await client.pets.get_pets_by_pet_id_by_day(7, date(2026, 3, 1))


async def test_path_parameter_cannot_be_none(client: Any) -> None:
    """The text None is never sent."""
    with pytest.raises(InvalidArgumentError, match=r"^pet_id must be a value, got None"):
        await client.pets.get_pets_by_pet_id_by_day(None, date(2026, 3, 1))


async def test_parameters_have_the_styles_of_the_document(client: Any, stub: Stub) -> None:
    """Exploded, joined, piped, deep and JSON parameters, headers and cookies."""
    stub.set([])

    await client.search.search(
        exploded=["a", "b&"],
        joined=[1, 2],
        piped=["x", "y"],
        deep={"from": 1},
        filter={"a": [1]},
        since=date(2026, 3, 1),
        x_trace=5,
        session="s 1",
    )

    query = "exploded=a&exploded=b%26&joined=1,2&piped=x%7Cy&deep%5Bfrom%5D=1&filter=%7B%22a%22%3A%5B1%5D%7D&since=2026-03-01"
    assert f"GET /v2/search?{query}" == stub.last
    assert ("5", "session=s%201") == (stub.requests[-1][1]["X-Trace"], stub.requests[-1][1]["Cookie"])


async def test_form_is_sent_as_one(client: Any, stub: Stub) -> None:
    """An optional body with a required field needs no arguments; a second status without content gives None."""
    stub.set({"text": "t"})

    assert "t" == (await client.form.send_form(to="a b", tags=[{"text": "x"}])).text
    headers, body = stub.requests[-1][1:]
    assert ("application/x-www-form-urlencoded", b"to=a+b&tags=%7B%22text%22%3A%22x%22%7D") == (headers["Content-Type"], body)
    stub.set(b"", 204)
    assert None is await client.form.send_form()
    assert b"" == stub.requests[-1][2]


async def test_request_without_a_body_states_no_type(client: Any, stub: Stub) -> None:
    """An optional body that is not given leaves nothing behind."""
    stub.set(b"", 204)

    await client.form.send_form()

    assert "Content-Type" not in stub.requests[-1][1]


async def test_rate_limit_of_other_headers_is_known(client: Any, stub: Stub) -> None:
    """The limiter obeys what the API states under its own names."""
    stub.set({"a": 1})
    stub.headers = {"RateLimit-Limit": "2", "RateLimit-Remaining": "0", "RateLimit-Reset": "500"}
    await client.stock.stock()

    assert (2, 0) == (client.rate_limit.limit, client.rate_limit.remaining)
    with pytest.raises(RateLimitWaitError):
        await client.stock.stock()


async def test_misspelt_value_warns_at_the_line_of_the_call(client: Any, stub: Stub) -> None:
    """Generated code is not where the user looks."""
    stub.set({"id": 1, "name": "Rex"}, 201)

    with pytest.warns(UnknownValueWarning) as found:
        await client.pet_store.add_pet(id=1, name="Rex", mood="godo")

    assert [__file__] == [one.filename for one in found]


async def test_result_can_be_text_or_bytes(client: Any, stub: Stub) -> None:
    """The request asks for the type of the document, and the result is a str or bytes."""
    stub.set("é".encode(), media="text/plain")
    assert "é" == await client.text.text()
    assert "text/plain" == stub.requests[-1][1]["Accept"]
    stub.set(b"\xff", media="application/pdf")
    assert b"\xff" == await client.file.file()


def test_what_is_left_out_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the reason."""
    generate_package(tmp_path, "noted", ZOO)

    assert "note: #/paths/~1upload/post: left out: its form has no fields." in capsys.readouterr().err


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_package_passes_the_type_checkers(tmp_path: Path, checker: str) -> None:
    """Both in their strict mode."""
    package = generate_package(tmp_path, "checked", ZOO)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    command = {
        "mypy": ["mypy", "--strict", "--no-error-summary", "-p", package.name],
        "pyright": ["pyright", "--pythonpath", sys.executable, "checked"],
    }[checker]

    done = subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout
