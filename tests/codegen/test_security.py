"""A call has the credentials that its operation needs, and no other."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from typing import Any

import pytest

from codegen.spec.document import Node
from cstar_async._client.settings import ApiClientOptions
from tests.codegen.packages import Stub, document, generate_package, imported, returns

KEY = {"type": "apiKey", "in": "header", "name": "X-Key"}
SCHEMES: Node = {
    "key": KEY,
    "token": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "cookie", "name": "sid"},
    "app": {"type": "apiKey", "in": "query", "name": "app id"},
    "signed": {"type": "http", "scheme": "digest"},
    "tls": {"type": "mutualTLS"},
}
ALL = {"key": "k1", "token": "t1", "session_": "s1", "app": "a&1"}
NEEDS: dict[str, list[Node] | None] = {
    "nothing": [],
    "default": None,
    "one": [{"token": ["read"]}],
    "both": [{"key": [], "app": []}],
    "first": [{"token": []}, {"key": []}],
    "optional": [{}, {"token": []}],
    "in_cookie": [{"session": []}],
    "other": [{"signed": []}, {"token": []}],
    "certificate": [{"tls": []}],
    "with_certificate": [{"tls": [], "key": []}],
}
COOKIE = {"name": "lang", "in": "cookie", "schema": {"type": "string"}}


def _document(needs: dict[str, list[Node] | None], **more: Any) -> Node:
    paths: Node = {
        f"/{name}": {
            "get": {"operationId": name, "tags": ["calls"], "parameters": [COOKIE], "responses": returns()}
            | ({} if need is None else {"security": need})
        }
        for name, need in needs.items()
    }
    return document(paths, components={"securitySchemes": SCHEMES}, **more)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Return the package of a document whose operations need several credentials."""
    raw = _document(NEEDS, security=[{"key": []}])
    with imported(generate_package(tmp_path_factory.mktemp("guarded"), "guarded", raw)) as found:
        yield found


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    """Return a server."""
    async with Stub() as stub:
        yield stub


def _sent(stub: Stub) -> dict[str, str]:
    """Return the credentials of the last request."""
    path, headers, _ = stub.requests[-1]
    names = {"X-Key": "key", "Authorization": "token", "Cookie": "session_"}
    found = {name: headers[header] for header, name in names.items() if header in headers}
    return found | ({"app": path.partition("?")[2]} if "?" in path else {})


CALLS: list[tuple[str, dict[str, str], dict[str, str]]] = [
    ("nothing", ALL, {}),
    ("default", ALL, {"key": "k1"}),
    ("one", ALL, {"token": "Bearer t1"}),
    ("one", {"key": "k1"}, {}),
    ("both", ALL, {"key": "k1", "app": "app%20id=a%261"}),
    ("both", {"key": "k1", "token": "t1"}, {"key": "k1"}),
    ("first", ALL, {"token": "Bearer t1"}),
    ("first", {"key": "k1"}, {"key": "k1"}),
    ("optional", ALL, {"token": "Bearer t1"}),
    ("optional", {"key": "k1"}, {}),
    ("in_cookie", ALL, {"session_": "sid=s1"}),
    ("other", ALL, {"token": "Bearer t1"}),
    ("certificate", ALL, {}),
    ("with_certificate", ALL, {"key": "k1"}),
]


@pytest.mark.parametrize(("name", "given", "sent"), CALLS)
async def test_call_has_what_its_operation_needs(
    package: Any, stub: Stub, name: str, given: dict[str, str], sent: dict[str, str]
) -> None:
    """The first alternative of which the caller has given all, or else the first of which there is a part."""
    async with package.ZooClient(base_url=stub.url, **given) as client:
        await getattr(client.calls, name)()
    assert sent == _sent(stub)


async def test_cookie_of_a_call_is_sent_beside_that_of_the_client(package: Any, stub: Stub) -> None:
    """Neither replaces the other."""
    async with package.ZooClient(base_url=stub.url, **ALL) as client:
        await client.calls.in_cookie(lang="de")
    assert {"session_": "sid=s1; lang=de"} == _sent(stub)


async def test_request_of_any_path_has_all_credentials(package: Any, stub: Stub) -> None:
    """The document does not say which of them it needs."""
    async with package.ZooClient(base_url=stub.url, **ALL) as client:
        await client.request("GET", "/anything")
    assert ALL.keys() == _sent(stub).keys()


@pytest.mark.parametrize("more", [{}, {"security": [{name.rstrip("_"): [] for name in ALL}]}])
async def test_document_that_says_nothing_needs_all(tmp_path: Any, stub: Stub, more: Node) -> None:
    """It declares schemes, and has no `security` anywhere; or it needs all of them."""
    with imported(generate_package(tmp_path, "open_one", _document({"default": None}, **more))) as found:
        package: Any = found
        async with package.ZooClient(base_url=stub.url, **ALL) as client:
            await client.calls.default()
    assert ALL.keys() == _sent(stub).keys()


def test_credentials_have_names_beside_the_other_arguments(tmp_path: Any) -> None:
    """Schemes that are called like those, or like one another."""
    options = ApiClientOptions.__required_keys__ | ApiClientOptions.__optional_keys__
    schemes = dict.fromkeys((*options, "base-url", "a.b", "a-b", "a_b"), KEY)
    raw = _document({"default": None}, security=[{name: []} for name in schemes])
    raw["components"]["securitySchemes"] = schemes
    with imported(generate_package(tmp_path, "crowded", raw)) as found:
        package: Any = found
        given = set(inspect.signature(package.ZooClient).parameters) - {"options", "base_url"}
    assert {*(f"{name}_" for name in options), "base_url_", "a_b", "a_b_", "a_b__"} == given
