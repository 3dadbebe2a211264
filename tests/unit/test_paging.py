"""What a response states about the next page, and the request for it. Without I/O."""

from __future__ import annotations

import json
from typing import Any

import pytest
from multidict import CIMultiDict

from cstar_async import DecodeError, InvalidArgumentError, PageInfo, PaginationError
from cstar_async._protocol.messages import RawResponse
from cstar_async._protocol.paging import Origin, cursor_position, cursor_request, link_header, parse_page
from cstar_async._types import UntypedJSON
from cstar_async.pagination import Paging

CURSORS = Paging(kind="cursor", parameter="after", items="list.items", next="list.next", has_more="list.more", total="list.count")
LAST_ITEMS = Paging(kind="cursor", parameter="after", items="data", last_item="position.key")
LINKS = Paging(kind="cursor", parameter=None, items=())
OFFSETS = Paging(kind="offset", parameter="offset", items="data", total="count", max_size=None)
SHORT = Paging(kind="offset", parameter="offset", items="data", max_size=100)
NUMBERS = Paging(items="data", next="pages.next", page="pages.page", page_size="pages.size", total_pages="pages.count")


def response(body: object, link: str | None = None) -> RawResponse:
    """Return a response with a body as JSON."""
    return RawResponse(200, {} if link is None else {"Link": link}, json.dumps(body).encode())


def following(paging: Paging, body: object, link: str | None = None) -> tuple[str | None, bool]:
    """Return the next cursor or URL, and whether there is another page."""
    parsed = parse_page(paging, response(body, link), 100)
    return parsed.following, parsed.info.has_more


def listed(**values: Any) -> dict[str, Any]:
    """Return a body of a list by cursor."""
    return {"list": {"items": [1, 2], **values}}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"next": "abc"}, ("abc", True)),
        ({"next": 17}, ("17", True)),
        ({"next": "abc", "more": True}, ("abc", True)),
        ({"next": "abc", "more": False}, (None, False)),
        ({"next": None}, (None, False)),
        ({"next": ""}, (None, False)),
        ({"next": 0}, (None, False)),
        ({"next": False}, (None, False)),
        ({"next": ["abc"]}, (None, False)),
        ({}, (None, False)),
    ],
)
def test_cursor_of_the_next_page(values: dict[str, Any], expected: tuple[str | None, bool]) -> None:
    """It is a str or a number; what is empty, or of another type, is none."""
    assert expected == following(CURSORS, listed(**values))


@pytest.mark.parametrize("link", ['<https://host/a>; rel="next"', "<https://host/a>;rel=next"])
def test_link_is_used_where_the_body_has_no_cursor(link: str) -> None:
    """A cursor of the body comes first."""
    assert ("https://host/a", True) == following(CURSORS, listed(), link)
    assert ("abc", True) == following(CURSORS, listed(next="abc"), link)
    assert ("https://host/a", True) == following(LINKS, [1], link)
    assert (None, False) == following(LINKS, [1])


def test_last_item_has_the_cursor() -> None:
    """An empty page has none."""
    assert ("k2", True) == following(LAST_ITEMS, {"data": [{"position": {"key": "k1"}}, {"position": {"key": "k2"}}]})
    assert (None, False) == following(LAST_ITEMS, {"data": []})
    assert (None, False) == following(LAST_ITEMS, {"data": [{"position": {}}]})


def test_next_page_without_a_place_is_an_error() -> None:
    """The iteration would end too early."""
    with pytest.raises(PaginationError, match=r"^the server states that there is another page, but not where$"):
        parse_page(CURSORS, response(listed(more=True)), 100)


def test_page_has_its_data_and_numbers() -> None:
    """The envelope is the body, if that is an object."""
    body = listed(next="abc", count="300")
    parsed = parse_page(CURSORS, response(body), 100)
    assert ([1, 2], body, 300) == (parsed.data, parsed.envelope, parsed.info.total)
    assert ([1], {}) == ((plain := parse_page(LINKS, response([1]), 100)).data, plain.envelope)


@pytest.mark.parametrize(
    ("paging", "body", "where", "message"),
    [
        (CURSORS, {"list": {"items": {}}}, "$.list.items", "items must be an array, got an object"),
        (CURSORS, {"list": 5}, "$.list.items", "items must be an array, got null"),
        (LINKS, {}, "$", "the response must be an array, got an object"),
        (LAST_ITEMS, {"data": "x"}, "$.data", "data must be an array, got a string"),
        (Paging(), {"data": 5}, "$.data", "data must be an array, got a number"),
    ],
)
def test_what_is_no_list_is_an_error(paging: Paging, body: UntypedJSON, where: str, message: str) -> None:
    """It names the place, the status and the request."""
    body = {**body, "meta": {"requestId": "req_1"}}
    with pytest.raises(DecodeError) as caught:
        parse_page(paging, response(body), 100)
    assert (where, message, 200, "req_1") == (
        caught.value.where,
        caught.value.message,
        caught.value.status,
        caught.value.request_id,
    )


@pytest.mark.parametrize(
    ("count", "offset", "size", "has_more"),
    [
        (300, 0, 100, True),
        (102, 100, 100, False),
        (103, 100, 100, True),
        ("103", 100, 100, True),
        (None, 0, 100, True),
        (1, 0, 100, False),
    ],
)
def test_list_by_offset_ends_at_its_total(count: object, offset: int, size: int, has_more: bool) -> None:
    """Items before the page count; without a total, a page that is not empty may be followed by another."""
    parsed = parse_page(OFFSETS, response({"data": [1, 2], "count": count}), size, offset)
    assert has_more == parsed.info.has_more
    assert not parse_page(OFFSETS, response({"data": [], "count": count}), size, offset).info.has_more


@pytest.mark.parametrize(
    ("items", "size", "has_more"), [(2, 3, False), (3, 3, True), (2, 101, True), (2, None, True), (99, 100, False)]
)
def test_short_page_is_the_last(items: int, size: int | None, has_more: bool) -> None:
    """Unless more was requested than the server returns, or nothing."""
    assert has_more == parse_page(SHORT, response({"data": [1] * items}), size).info.has_more


@pytest.mark.parametrize(
    ("pages", "link", "has_more"),
    [
        ({"next": 2}, None, True),
        ({"next": None}, None, False),
        ({"next": ""}, '<a>; rel="next"', False),
        ({}, '<a>; rel="next"', True),
        ({}, '<a>; rel="last"', False),
        ({"page": 1, "count": 3}, None, True),
        ({"page": 3, "count": 3}, None, False),
    ],
)
def test_numbered_page_is_followed_by_another(pages: dict[str, Any], link: str | None, has_more: bool) -> None:
    """As its next page, the header or its numbers say, in this order."""
    assert has_more == parse_page(NUMBERS, response({"data": [1], "pages": pages}, link), 100).info.has_more


def test_numbers_of_a_page() -> None:
    """Texts are numbers, too."""
    parsed = parse_page(NUMBERS, response({"data": [1], "pages": {"page": "2", "size": 50, "count": 3}}), 100)
    assert PageInfo(page=2, page_size=50, total=None, total_pages=3, has_more=True) == parsed.info


@pytest.mark.parametrize(
    ("header", "links"),
    [
        ("", {}),
        ("<a>", {}),
        ("<a>; rel=next", {"next": "a"}),
        ("<a> ; REL = Next", {"next": "a"}),
        ('<a>; title="x, y; rel=prev"; rel="next last"', {"next": "a", "last": "a"}),
        ('<a>; rel="next", <b>; rel="next"', {"next": "a"}),
        ('<a>; rel="prev"; results="true", <b>; rel="next"; results="true"', {"prev": "a", "next": "b"}),
        ('<b>; rel="next"; results="false"', {"": ""}),
        ("<b>; rel=next; Results=FALSE", {"": ""}),
        ('<b>; rel=""; results="false"', {}),
        ('<a>; rel=""; rel=next', {}),
        ("a; rel=next", {}),
    ],
)
def test_link_header(header: str, links: dict[str, str]) -> None:
    """By relation, the first of each. One without results is none, but shows that the server uses the header."""
    assert links == link_header({"Link": header})


def test_several_link_headers() -> None:
    """They are one list."""
    assert {"next": "a", "last": "b"} == link_header(CIMultiDict([("Link", "<a>; rel=next"), ("link", "<b>; rel=last")]))
    assert {} == link_header(CIMultiDict())
    assert {} == link_header({})


ORIGIN = Origin("api.test", "/api/v1/things", "status=open&q=a%20b", frozenset({"api_key"}))


@pytest.mark.parametrize(
    ("cursor", "position"),
    [
        ("abc", "after=abc"),
        ("a&b=c d%", "after=a%26b%3Dc%20d%25"),
        ("/a=", "after=%2Fa%3D"),
        ("https://api.test/api/v1/things?after=x", "?after=x"),
        ("https://api.test/other?after=x", "/other?after=x"),
        ("https://evil.test/other?after=x", "?after=x"),
        ("//evil.test/other?after=x", "?after=x"),
        ("?after=x", "?after=x"),
        ("/other?after=x y", "/other?after=x%20y"),
        ("?after=x&status=open&q=a+b", "?after=x&#0&#1"),
        ("?after=x&api_key=sk_1&API_KEY=2", "?after=x&API_KEY=2"),
        ("?after=x&&b", "?after=x&b"),
    ],
)
def test_position_of_a_cursor(cursor: str, position: str) -> None:
    """It has no filter, no credential, and nothing of another host."""
    assert position == cursor_position(CURSORS, cursor, ORIGIN)


@pytest.mark.parametrize("cursor", ["things?after=x", "https://api.test/api/v1/things?after=x"])
def test_without_a_parameter_every_cursor_is_a_url(cursor: str) -> None:
    """A relative one, too."""
    assert "?after=x" == cursor_position(LINKS, cursor, ORIGIN)


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [
        ("https://[", "the URL of the next page cannot be parsed"),
        ("x" * 65_537, "the cursor of the next page is longer than 65536 characters"),
    ],
)
def test_cursor_that_cannot_be_requested_is_an_error(cursor: str, reason: str) -> None:
    """The longest one that is accepted is far longer than what servers take."""
    with pytest.raises(PaginationError) as caught:
        cursor_position(CURSORS, cursor, ORIGIN)
    assert reason == str(caught.value)
    assert cursor_position(CURSORS, "x" * 65_536, ORIGIN)


@pytest.mark.parametrize(
    ("position", "request_"),
    [
        ("after=abc", (None, "status=open&q=a%20b&size=5&after=abc")),
        ("?after=x", (None, "after=x")),
        ("/other?after=x&#1&#0", ("/other", "after=x&q=a%20b&status=open")),
        ("/o ther?after=x y", ("/o%20ther", "after=x%20y")),
        ("other?after=x", (None, "after=x")),
        ("?", (None, "")),
    ],
)
def test_request_at_a_position(position: str, request_: tuple[str | None, str]) -> None:
    """A cursor is sent beside the filters and the size, and a URL has what the server put into it."""
    assert request_ == cursor_request(position, ORIGIN.filters, "size=5")


@pytest.mark.parametrize("position", ["?#2", "?#x", "?#-1", "?after=x&#²"])
def test_damaged_position_is_refused(position: str) -> None:
    """A filter that the list does not have is none of its checkpoints."""
    with pytest.raises(InvalidArgumentError) as caught:
        cursor_request(position, ORIGIN.filters, "")
    assert "checkpoint must be unchanged, got a damaged one; start the iteration again" == str(caught.value)


def test_request_without_filters_and_size() -> None:
    """Nothing is added."""
    assert (None, "after=a") == cursor_request("after=a", "", "")
