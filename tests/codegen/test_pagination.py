"""The pages of lists are recognised by the names of parameters and fields."""

from __future__ import annotations

from typing import Any

import pytest

from codegen.spec.document import Node
from tests.codegen.lists import BOOLEAN, INTEGER, STRING, THINGS, body, listing, page_number, parsed_list, query

SIZE = page_number("per_page", maximum=100)
BARE = {"items": (), "size_parameter": "per_page"}

CASES: dict[str, tuple[list[Node], Node, Node]] = {
    "envelope and pages of cStar": (
        [page_number(), page_number("pageSize", maximum=50)],
        body(data=THINGS, pagination={"page": INTEGER, "hasMore": BOOLEAN}),
        {"size": 50, "max_size": 50},
    ),
    "envelope with another field": (
        [page_number(), page_number("pageSize", maximum=100)],
        body(data=THINGS, pagination={"page": INTEGER, "has_more": BOOLEAN}),
        {"items": ("data",), "has_more": ("pagination", "has_more"), "page": ("pagination", "page")},
    ),
    "envelope that states no page": (
        [page_number(), page_number("pageSize", maximum=100)],
        body(data=THINGS, meta={"requestId": STRING}),
        {"items": ("data",)},
    ),
    "page from 1 of a bare array": ([page_number(), SIZE], THINGS, BARE),
    "page from 0": ([page_number(minimum=0), SIZE], THINGS, BARE | {"first": 0}),
    "page from 0 by default": (
        [page_number("pageNumber", default=0), SIZE],
        THINGS,
        BARE | {"first": 0, "parameter": "pageNumber"},
    ),
    "page from 0 by words": ([page_number() | {"description": "Zero-based."}, SIZE], THINGS, BARE | {"first": 0}),
    "page from 1 by default": ([page_number(minimum=0, default=1), SIZE], THINGS, BARE),
    "page as a string": ([query("page"), SIZE], THINGS, BARE),
    "small pages": ([page_number(), page_number("per_page", maximum=50)], THINGS, BARE | {"size": 50, "max_size": 50}),
    "large pages": ([page_number(), page_number("per_page", maximum=500)], THINGS, BARE | {"max_size": 500}),
    "least size": ([page_number(), page_number("per_page", minimum=5, maximum=100)], THINGS, BARE | {"min_size": 5}),
    "limit in words": (
        [page_number(), page_number("per_page") | {"description": "How many, maximum 30."}],
        THINGS,
        BARE | {"size": 30, "max_size": 30},
    ),
    "sizes of an enum": (
        [page_number(), page_number("per_page", enum=[10, 50, 200])],
        THINGS,
        BARE | {"size": 50, "min_size": 10, "max_size": 200},
    ),
    "sizes of an enum of strings": (
        [page_number(), query("per_page", {"type": "string", "enum": ["200", "500"]})],
        THINGS,
        BARE | {"size": 200, "min_size": 200, "max_size": 500},
    ),
    "numbers of JSON:API": (
        [page_number("page[number]"), page_number("page[size]")],
        body(data=THINGS, links={"next": STRING}),
        {
            "items": ("data",),
            "size_parameter": "page[size]",
            "max_size": None,
            "parameter": "page[number]",
            "next": ("links", "next"),
        },
    ),
    "totals of several names": (
        [page_number(), SIZE],
        body(items=THINGS, total_count=INTEGER, total_pages=INTEGER, current_page=INTEGER),
        {
            "items": ("items",),
            "size_parameter": "per_page",
            "total": ("total_count",),
            "total_pages": ("total_pages",),
            "page": ("current_page",),
        },
    ),
    "cursor": (
        [query("cursor"), page_number("limit", maximum=100)],
        body(data=THINGS, pagination={"nextCursor": STRING, "has_more": BOOLEAN}),
        {
            "items": ("data",),
            "size_parameter": "limit",
            "kind": "cursor",
            "parameter": "cursor",
            "next": ("pagination", "nextCursor"),
            "has_more": ("pagination", "has_more"),
        },
    ),
    "cursor under next": (
        [query("starting_after"), SIZE],
        body(data=THINGS, pages={"next": {"starting_after": STRING}}, total_count=INTEGER),
        {
            "items": ("data",),
            "size_parameter": "per_page",
            "kind": "cursor",
            "parameter": "starting_after",
            "next": ("pages", "next", "starting_after"),
            "total": ("total_count",),
        },
    ),
    "cursor that only responses name": (
        [],
        body(data=THINGS, pages={"next": {"starting_after": STRING}}),
        {
            "items": ("data",),
            "size_parameter": None,
            "max_size": None,
            "kind": "cursor",
            "parameter": "starting_after",
            "next": ("pages", "next", "starting_after"),
        },
    ),
    "token": (
        [query("pagination_token"), query("page_token")],
        body(data=THINGS, meta={"next_token": STRING}),
        {
            "items": ("data",),
            "size_parameter": None,
            "max_size": None,
            "kind": "cursor",
            "parameter": "page_token",
            "next": ("meta", "next_token"),
        },
    ),
    "number and token with a URL": (
        [page_number("Page", minimum=0), query("PageToken"), page_number("PageSize", maximum=100)],
        body(things=THINGS, meta={"next_page_url": STRING, "page": INTEGER}),
        {
            "items": ("things",),
            "size_parameter": "PageSize",
            "kind": "cursor",
            "parameter": "PageToken",
            "next": ("meta", "next_page_url"),
        },
    ),
    "id of the last item": (
        [query("starting_after"), page_number("limit", maximum=100)],
        body(data=THINGS, has_more=BOOLEAN),
        {
            "items": ("data",),
            "size_parameter": "limit",
            "kind": "cursor",
            "parameter": "starting_after",
            "last_item": ("id",),
            "has_more": ("has_more",),
        },
    ),
    "URL of the next page": (
        [],
        body(_results=THINGS, _pagination={"next": STRING}),
        {
            "items": ("_results",),
            "size_parameter": None,
            "max_size": None,
            "kind": "cursor",
            "parameter": None,
            "next": ("_pagination", "next"),
        },
    ),
    "offset": (
        [page_number("offset"), page_number("limit", maximum=200)],
        body(results=THINGS, total=INTEGER),
        {
            "items": ("results",),
            "size_parameter": "limit",
            "max_size": 200,
            "kind": "offset",
            "parameter": "offset",
            "total": ("total",),
        },
    ),
    "offset of the next page": (
        [page_number("offset"), page_number("limit", maximum=100)],
        body(results=THINGS, next_offset=INTEGER),
        {
            "items": ("results",),
            "size_parameter": "limit",
            "kind": "cursor",
            "parameter": "offset",
            "next": ("next_offset",),
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_pages_are_recognised(name: str) -> None:
    """The arguments are those of `Paging` that differ from the pages of cStar."""
    parameters, schema, expected = CASES[name]

    result, _ = parsed_list(listing(parameters, schema))

    assert ("page", expected) == (result.shape, result.paging)


def test_link_header_is_recognised() -> None:
    """If the document has it."""
    headers = {"Link": {"schema": STRING}}
    result, _ = parsed_list(listing([SIZE], THINGS, headers=headers))
    assert {**BARE, "kind": "cursor", "parameter": None} == result.paging


NO_PAGES: dict[str, tuple[list[Node], Node, str]] = {
    "nothing": ([], THINGS, "array"),
    "a filter": ([query("status")], THINGS, "array"),
    "the end of a time range": ([page_number("start"), page_number("end")], THINGS, "array"),
    "a time": ([query("after", {"type": "string", "format": "date-time"})], THINGS, "array"),
    "an object with an array": ([], body(name=STRING, parts=THINGS), "object"),
    "a page of a document": ([page_number()], body(name=STRING, words=THINGS), "object"),
}


@pytest.mark.parametrize("name", NO_PAGES)
def test_other_operations_have_no_pages(name: str) -> None:
    """A word that can mean something else is not enough."""
    parameters, schema, shape = NO_PAGES[name]
    assert (shape, None) == ((found := parsed_list(listing(parameters, schema))[0]).shape, found.paging)


@pytest.mark.parametrize(
    ("parameters", "schema"),
    [([query("cursor")], THINGS), ([page_number("limit")], THINGS), ([query("cursor")], body(data=THINGS, name=STRING))],
)
def test_unknown_way_to_other_pages_is_noted(parameters: list[Node], schema: Node) -> None:
    """The client does not claim that one page is the whole list."""
    result, notes = parsed_list(listing(parameters, schema))
    assert result.is_part
    assert any("the way to the other pages of this list is not known" in note for note in notes)


def test_fields_of_a_page_that_are_not_read_are_noted() -> None:
    """Nothing is lost in silence."""
    _, notes = parsed_list(listing([page_number(), SIZE], body(data=THINGS, total=INTEGER, mood=STRING)))
    assert ["note: #/paths/~1things/get/responses/200/content/application~1json/schema/properties/data: "] == [
        note.partition("the client does not read `mood` of a page.")[0] for note in notes if "mood" in note
    ]


@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        ("none", None),
        ("page", BARE),
        ({"kind": "cursor", "parameter": "page", "next": "meta.more", "items": "data"}, {"next": ("meta", "more")}),
        ({"first": 0}, {"first": 0}),
    ],
)
def test_extension_says_it_instead(extension: Any, expected: Node | None) -> None:
    """By the kind, or by the arguments of `Paging`, as an overlay can add it."""
    schema = THINGS if extension in ("none", "page") else body(data=THINGS, meta={"more": STRING})
    result, _ = parsed_list(listing([page_number(), SIZE], schema, **{"x-cstar-pagination": extension}))
    assert expected is None if result.paging is None else (expected or {}).items() <= result.paging.items()
