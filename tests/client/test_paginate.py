"""Lists without a method of their own: `client.paginate("GET", "/things", model=Thing)`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from cstar_async import (
    CStarClient,
    CStarError,
    CStarLibrary,
    DecodeError,
    Hooks,
    InvalidArgumentError,
    NotFoundError,
    Page,
    PaginationError,
    Paginator,
    Priority,
    RateLimitWaitError,
    RequestOptions,
)
from cstar_async.hooks import CallEndInfo
from cstar_async.models import Tag
from cstar_async.pagination import Paging
from tests.client.conftest import KEY, MakeClient, ScriptedResponse, Server, SkippingClock, failed, ok, raw

TEAM = "/api/v1/teams/team_1"


@attrs.frozen
class Thing:
    """A class of a user."""

    id: str
    number: int = 0


THINGS = [{"id": f"thg_{number}", "number": number} for number in range(250)]


def page(number: int, *, size: int = 100, items: Sequence[object] | None = None, total: int = 250) -> ScriptedResponse:
    """Return a page of things, as cStar sends it."""
    data = THINGS[(number - 1) * size : number * size] if items is None else items
    info = {"page": number, "pageSize": size, "total": total, "totalPages": -(-total // size), "hasMore": number * size < total}
    return ok(data, pagination=info)


def targets(server: Server) -> list[str]:
    """Return what was requested, below the team."""
    return [request.target.removeprefix(TEAM) for request in server.requests]


async def test_items_of_all_pages_are_of_the_model(server: Server, client: CStarClient) -> None:
    """Each request has the filters, the key and the version; nothing is sent before the loop."""
    server.script(page(1), page(2), page(3))
    things = client.paginate("GET", "/things", model=Thing, params={"q": "a b", "tags": ["x", "y"]})
    assert [] == server.requests

    assert [Thing(f"thg_{number}", number) for number in range(250)] == [thing async for thing in things]

    query = "/things?q=a%20b&tags=x,y&page={}&pageSize=100"
    assert [query.format(number) for number in (1, 2, 3)] == targets(server)
    assert {(f"Bearer {KEY}", "2026-03-01", "GET", b"")} == {
        (one.headers["authorization"], one.headers["cstar-version"], one.method, one.body) for one in server.requests
    }


async def test_awaiting_gives_the_first_page(server: Server, client: CStarClient) -> None:
    """No page and no size are sent that were not given; the page fetches the next one."""
    server.script(page(1, size=2, total=3), page(2, size=2, total=3, items=THINGS[2:3]))

    first = await client.paginate("get", "/things", model=Thing)
    second = await first.next_page()

    assert isinstance(first, Page)
    assert (["thg_0", "thg_1"], 3, True) == ([thing.id for thing in first], first.total, first.has_more)
    assert second is not None
    assert ["thg_2"] == [thing.id for thing in second]
    assert "/things" == targets(server)[0]


async def test_without_a_model_items_are_json(server: Server, client: CStarClient) -> None:
    """As `request()` returns it; a model of the package keeps unknown fields."""
    server.script(page(1, items=[{"name": "vip", "new": [1]}], total=1), page(1, items=[{"name": "vip", "new": [1]}], total=1))

    assert [{"name": "vip", "new": [1]}] == await client.paginate("GET", "/tags").collect()
    (tag,) = await client.paginate("GET", "/tags", model=Tag).collect()
    assert (Tag, {"new": [1]}) == (type(tag), tag.extra)


async def test_every_use_of_a_paginator_works(server: Server, client: CStarClient) -> None:
    """`first`, `estimate`, `collect(limit)`, `pages` and `prefetch`, with as few requests as usual."""
    things = client.paginate("GET", "/things", model=Thing)
    server.script(page(1, size=1), page(1), page(2), page(1), page(2), page(3), page(1), page(2), page(3))

    assert Thing("thg_0") == await things.first()
    estimate = await things.estimate()
    assert (3, 250) == (estimate.calls, estimate.items)
    assert 120 == len(await things.prefetch(0).collect(limit=120))
    assert [100, 100, 50] == [len(one) async for one in things.pages()]
    assert 250 == len([thing async for thing in things.prefetch(1)])
    assert 9 == len(server.requests)


async def test_iteration_continues_in_another_client(server: Server, make_client: MakeClient) -> None:
    """The checkpoint is JSON, has nothing of the path and the filters, and belongs to this list only."""

    def listing(person: str) -> Paginator[Thing]:
        params = {"email": "ann@example.com", "pageSize": 100}
        return make_client().paginate("GET", f"/people/{person}@example.com/things", model=Thing, params=params)

    server.script(page(1), page(2), page(2), page(3))
    things, seen = listing("ann"), list[Thing]()
    async for thing in things:
        seen.append(thing)
        if len(seen) == 130:
            break
    saved = json.dumps(things.checkpoint)

    seen += [thing async for thing in listing("ann").resume(json.loads(saved))]

    assert list(range(250)) == [thing.number for thing in seen]
    assert "ann" not in f"{saved}{things!r}"
    with pytest.raises(InvalidArgumentError, match="checkpoint"):
        listing("bob").resume(json.loads(saved))


def _body(items: list[Any], **more: object) -> ScriptedResponse:
    return raw(json.dumps({"list": {"items": items}, **more}).encode())


CURSORS = Paging(kind="cursor", parameter="after", size_parameter="limit", items="list.items", next="meta.next")
OFFSETS = Paging(kind="offset", parameter="skip", size_parameter="take", size=2, items=("list", "items"), total="count")
LINKS = Paging(kind="cursor", parameter=None, size_parameter="per_page", items=())
LINK = {"Link": f'<{TEAM}/things?after=x&q=1>; rel="next", <{TEAM}/things?q=1>; rel="first"'}
LISTS = {
    "cursor": (
        CURSORS,
        [_body(THINGS[:2], meta={"next": "ä/1"}), _body([], meta={"next": 7}), _body(THINGS[2:5], meta={"next": None})],
        ["/things?q=1&limit=100", "/things?q=1&limit=100&after=%C3%A4%2F1", "/things?q=1&limit=100&after=7"],
    ),
    "offset": (
        OFFSETS,
        [_body(THINGS[at : at + 2], count=5) for at in (0, 2)] + [_body(THINGS[4:5], count=5)],
        [f"/things?q=1&skip={at}&take=2" for at in (0, 2, 4)],
    ),
    "offset with a first page 0": (
        attrs.evolve(OFFSETS, first=0),
        [_body(THINGS[at : at + 2], count=5) for at in (0, 2)] + [_body(THINGS[4:5], count=5)],
        [f"/things?q=1&skip={at}&take=2" for at in (0, 2, 4)],
    ),
    "link": (
        LINKS,
        [raw(json.dumps(THINGS[:2]).encode(), headers=LINK), raw(json.dumps(THINGS[2:5]).encode())],
        ["/things?q=1&per_page=100", "/things?after=x&q=1"],
    ),
}


@pytest.mark.parametrize("kind", LISTS)
async def test_lists_of_other_kinds_are_read(server: Server, client: CStarClient, kind: str) -> None:
    """By cursor, by offset, by the `Link` header: every item once, in the requests that such a list needs."""
    paging, responses, expected = LISTS[kind]
    server.script(*responses)

    things = await client.paginate("GET", "/things", model=Thing, params={"q": "1"}, paging=paging).prefetch(0).collect()

    assert (list(range(5)), expected) == ([thing.number for thing in things], targets(server))


async def test_list_by_cursor_continues_at_its_checkpoint(server: Server, client: CStarClient) -> None:
    """The page of the last item is requested again, by its cursor."""
    _, responses, _ = LISTS["cursor"]
    server.script(*responses, responses[2])
    things, seen = client.paginate("GET", "/things", model=Thing, paging=CURSORS), list[int]()
    async for thing in things:
        seen.append(thing.number)
        if len(seen) == 4:
            break

    seen += [thing.number async for thing in things.resume(json.loads(json.dumps(things.checkpoint)))]

    assert (list(range(5)), "/things?limit=100&after=7") == (seen, targets(server)[-1])


class Ends(Hooks):
    """Collects how calls end."""

    def __init__(self) -> None:
        self.ends: list[tuple[int, str | None]] = []

    def on_call_end(self, info: CallEndInfo) -> None:
        """Keep it."""
        self.ends.append((info.attempts, info.error))


async def test_retries_and_hooks_are_as_ever(server: Server, make_client: MakeClient, clock: SkippingClock) -> None:
    """A 503 and a 429 in the middle are retried, with the wait that was stated; hooks see each page as one call."""
    ends = Ends()
    server.script(page(1), failed(503), page(2), failed(429, headers={"Retry-After": "7"}), page(3))

    assert 250 == len(await make_client(hooks=[ends]).paginate("GET", "/things", model=Thing).prefetch(0).collect())

    assert [(1, None), (2, None), (2, None)] == ends.ends
    assert any(wait >= 7 for wait in clock.slept)


async def test_limits_hold(server: Server, client: CStarClient) -> None:
    """A list in the background stops at its reserve, and says when it can go on."""
    limits = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "10", "X-RateLimit-Reset": "1800003000"}
    server.script(ok(THINGS[:100], pagination={"page": 1, "pageSize": 100, "total": 250, "hasMore": True}, headers=limits))
    options = RequestOptions(priority=Priority.BACKGROUND, max_wait=1, headers={"X-Note": "1"})

    with pytest.raises(RateLimitWaitError):
        await client.paginate("GET", "/things", options=options).prefetch(0).collect()

    assert ["1"] == [request.headers["x-note"] for request in server.requests]


async def test_items_of_another_form_are_an_error_that_names_the_place(server: Server, make_client: MakeClient) -> None:
    """It has the request id and no value, and hooks see the call fail."""
    ends = Ends()
    server.script(page(1, items=[{"id": "thg_1"}, {"id": "thg_2", "number": "ann@example.com"}], total=2))

    with pytest.raises(DecodeError) as caught:
        await make_client(hooks=[ends]).paginate("GET", "/things", model=Thing).collect()

    assert ("$.data[1].number", "req_ok", 200) == (caught.value.where, caught.value.request_id, caught.value.status)
    assert "example" not in f"{caught.value}{caught.value.report()}"
    assert [(1, "DecodeError")] == ends.ends


@pytest.mark.parametrize(("paging", "where"), [(CURSORS, "$.list.items[0]"), (LINKS, "$[0]")])
async def test_place_is_that_of_the_list(server: Server, client: CStarClient, paging: Paging, where: str) -> None:
    """Wherever the items are."""
    server.script(_body([5]) if paging is CURSORS else raw(b"[5]"))

    with pytest.raises(DecodeError) as caught:
        await client.paginate("GET", "/things", model=Tag, paging=paging).collect()

    assert where == caught.value.where


async def test_errors_are_those_of_the_status(server: Server, client: CStarClient) -> None:
    """With the items before them."""
    server.script(page(1), failed(404))
    things = aiter(client.paginate("GET", "/things", model=Thing))
    assert list(range(100)) == [(await anext(things)).number for _ in range(100)]

    with pytest.raises(NotFoundError):
        await anext(things)


WRONG: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    (("POST", "/things"), {}, "method must be 'GET', got 'POST'"),
    ((None, "/things"), {}, "method must be 'GET', got None"),
    (("GET", 5), {}, "path must be a str, got int"),
    (("GET", "/things?q=1"), {}, "use params="),
    (("GET", "/things/../x"), {}, "path must have no empty"),
    (("GET", "/things"), {"model": 5}, "model must be a class"),
    (("GET", "/things"), {"params": 5}, "params must be a mapping"),
    (("GET", "/things"), {"params": {"a": object()}}, "a must be a type that a query can contain"),
    (("GET", "/things"), {"params": {"page": "x"}}, "page must be an int from 1, got 'x'"),
    (("GET", "/things"), {"params": {"pageSize": 0}}, "pageSize must be an int from 1, got 0"),
    (("GET", "/things"), {"paging": None}, "paging must be a Paging, got None"),
    (("GET", "/things"), {"options": 5}, "options must be a RequestOptions, got int"),
]


@pytest.mark.parametrize(("arguments", "keywords", "reason"), WRONG)
async def test_wrong_arguments_are_errors_of_ours(
    client: CStarClient, arguments: tuple[Any, ...], keywords: dict[str, Any], reason: str
) -> None:
    """At the call, before the paginator is used."""
    with pytest.raises(InvalidArgumentError, match=reason):
        client.paginate(*arguments, **keywords)


async def test_paths_outside_the_team_and_whole_responses(server: Server, client: CStarClient) -> None:
    """A path from the host, and `with_response` for the first page."""
    server.script(page(1, total=3, items=THINGS[:3]))

    response = await client.with_response(lambda: client.paginate("GET", "/api/v1/things", model=Thing))

    assert (3, 200, "req_ok", "/api/v1/things") == (
        len(response.data),
        response.status,
        response.request_id,
        server.requests[0].target,
    )


async def test_library_has_lists_of_its_own(server: Server) -> None:
    """Without a key."""
    server.script(page(1, total=2, items=THINGS[:2]))
    async with CStarLibrary(team="acme", base_url=server.url) as library:
        assert 2 == len(await library.paginate("GET", "/things", model=Thing).collect())
    assert "/api/library/acme/things?page=1&pageSize=100" == server.requests[0].target
    assert "authorization" not in server.requests[0].headers


async def test_closed_client_says_so(client: CStarClient) -> None:
    """A paginator of a closed client raises an error of ours."""
    things = client.paginate("GET", "/things")
    await client.aclose()

    with pytest.raises(CStarError, match="closed"):
        await things.collect()


@pytest.mark.parametrize(
    ("following", "reason"),
    [
        ("https://[", "the URL of the next page cannot be parsed"),
        ("x" * 70_000, "the cursor of the next page is longer than 65536"),
    ],
)
async def test_next_page_that_cannot_be_requested_is_an_error(
    server: Server, make_client: MakeClient, following: str, reason: str
) -> None:
    """It has the data of the call, and hooks see the call fail."""
    ends = Ends()
    server.script(raw(json.dumps({"data": [{"id": "thg_1"}], "next": following}).encode()))
    paging = Paging(kind="cursor", parameter="after", next="next", items="data")

    with pytest.raises(PaginationError, match=reason) as caught:
        await make_client(hooks=[ends]).paginate("GET", "/things", model=Thing, paging=paging).collect()

    assert ("request", 1) == (caught.value.operation, caught.value.attempts)
    assert [(1, "PaginationError")] == ends.ends
