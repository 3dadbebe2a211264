"""A document that the hand-written client could not read is refused when it becomes the code of this package."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from codegen.errors import CodegenError
from codegen.ir.client import service_spec
from codegen.spec.document import Node
from tests.codegen.documents import TICKETS, inside, notes_on, operation, parsed, schema, small
from tests.codegen.edits import GET_DATA_KEYS


def _move(raw: Node, old: str, new: str) -> None:
    raw["paths"] = {path.replace(old, new): item for path, item in raw["paths"].items()}


def _rename_data(raw: Node) -> None:
    for envelope in (schema(raw, "Envelope")["properties"], inside(raw, *GET_DATA_KEYS[:-1])):
        envelope["result"] = envelope.pop("data", {})


CASES: dict[str, tuple[Callable[[Node], object], str]] = {
    "another security scheme": (
        lambda raw: inside(raw, "components", "securitySchemes", "bearerKey").update(type="apiKey", name="k", **{"in": "header"}),
        "sends its key as a bearer token, got `apiKey`.",
    ),
    "no whoami": (lambda raw: raw["paths"].pop("/api/v1/auth/whoami"), "finds its team by `auth.whoami`"),
    "whoami without the team": (
        lambda raw: schema(raw, "Whoami")["properties"].update(team=schema(raw, "Whoami")["properties"].pop("teamId")),
        "finds its team by `auth.whoami`",
    ),
    "another name in the envelope": (_rename_data, "reads a result from `data`"),
    "another name in the error": (
        lambda raw: schema(raw, "Error")["properties"].update(slug=schema(raw, "Error")["properties"].pop("code")),
        "reads `code` of a `Error`, which the schema does not have.",
    ),
    "another limit header": (
        lambda raw: inside(raw, "components", "responses", "RateLimited", "headers").update({"RateLimit-Limit": {"schema": {}}}),
        "reads the limit from X-RateLimit-* headers, not from `RateLimit-Limit`.",
    ),
    "another header of the client": (
        lambda raw: inside(raw, "components", "parameters", "ApiVersion").update(name="X-Version"),
        "sends no header `X-Version`; it sends CStar-Version and Idempotency-Key.",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_difference_from_the_client_is_refused(name: str) -> None:
    """It would be a fault at run time."""
    change, message = CASES[name]
    raw = small()
    change(raw)

    with pytest.raises(CodegenError) as caught:
        parsed(raw)

    assert any(message in problem.message for problem in caught.value.problems), caught.value


def test_parameter_under_another_path_is_an_argument() -> None:
    """The client sets the team in the paths under its own prefix alone."""
    raw = small()
    _move(raw, "/api/v1/teams/", "/api/v2/teams/")

    (found,) = [one for one in parsed(raw).operations if one.id == "list_tickets"]

    assert ["teamId"] == [one.name for one in found.parameters if one.location == "path" and not one.is_supplied_by_client]


def test_field_that_the_client_does_not_read_is_noted() -> None:
    """New fields of an error or of the envelope stop nothing."""
    raw = small()
    schema(raw, "Error")["properties"]["hint"] = schema(raw, "Error")["properties"]["message"]
    schema(raw, "Envelope")["properties"]["warnings"] = {}

    notes = "\n".join(notes_on(raw))

    assert "does not read `hint` of a `Error`." in notes
    assert "does not read `warnings` of the envelope." in notes


def test_server_and_version_are_those_of_the_document() -> None:
    """The defaults of clients are generated."""
    raw = small()
    raw["servers"] = [{"url": "https://api.example.com/"}]
    inside(raw, "components", "parameters", "ApiVersion", "schema")["examples"] = ["2027-01-01"]

    assert ("'https://api.example.com'", "'2027-01-01'") == (
        (found := service_spec(parsed(raw))).base_url,
        found.api_version,
    )


def test_server_without_a_host_is_refused() -> None:
    """Clients need a default."""
    raw = small()
    raw["servers"] = [{"url": "/api"}]

    with pytest.raises(CodegenError, match="the first server must have a URL with a host"):
        service_spec(parsed(raw))


def test_paged_list_needs_no_extension() -> None:
    """`page` and `pageSize` say that the list has pages."""
    raw = small()
    operation(raw, TICKETS, "get").pop("x-cstar-pagination")

    assert ["page"] == [one.result.shape for one in parsed(raw).operations if one.id == "list_tickets"]


CHANGED_PAGES: dict[str, tuple[Callable[[Node], object], Node]] = {
    "pages from 0": (
        lambda raw: inside(raw, "components", "parameters", "Page", "schema").update(minimum=0, default=0),
        {"first": 0},
    ),
    "small pages": (
        lambda raw: inside(raw, "components", "parameters", "PageSize", "schema").update(maximum=50),
        {"size": 50, "max_size": 50},
    ),
    "another name of the size": (
        lambda raw: inside(raw, "components", "parameters", "PageSize").update(name="limit"),
        {"size_parameter": "limit"},
    ),
    "another name in the pagination": (
        lambda raw: schema(raw, "Pagination")["properties"].update(has_more=schema(raw, "Pagination")["properties"].pop("hasMore")),
        {"items": ("data",), "has_more": ("pagination", "has_more")},
    ),
}


@pytest.mark.parametrize("name", CHANGED_PAGES)
def test_pages_are_those_of_the_document(name: str) -> None:
    """The client takes them as they are."""
    change, expected = CHANGED_PAGES[name]
    raw = small()
    change(raw)

    (found,) = [one.result for one in parsed(raw).operations if one.id == "list_tickets"]

    assert ("page", expected) == (found.shape, {key: (found.paging or {}).get(key) for key in expected})


def test_pages_of_the_documented_api_are_the_default() -> None:
    """Nothing is generated for them."""
    assert [{}] == [one.result.paging for one in parsed(small()).operations if one.id == "list_tickets"]
