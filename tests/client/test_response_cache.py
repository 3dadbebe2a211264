"""Responses that are kept for some seconds, with `cache`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cstar_async import CStarClient, CStarError, CStarLibrary, DecodeError, Hooks, InvalidArgumentError, RequestOptions
from cstar_async._client.shared_responses import EVENT_NAMESPACES, MAX_KEPT, MAX_KEPT_BYTES, SharedResponses
from cstar_async._generated.all_operations import OPERATIONS
from cstar_async._generated.events import EVENTS
from cstar_async._protocol.messages import RawResponse
from cstar_async.hooks import DriftInfo
from cstar_async.testing import FakeCStar
from cstar_async.webhooks import MemoryStore, TicketUpdated, WebhookInbox, sign
from tests.client.conftest import TICKET, MakeClient, Server, SkippingClock, failed, held, ok, raw
from tests.client.inboxes import SECRET, BrokenStore, body_of, deliver, inbox_of, serve_inbox

Call = Callable[[CStarClient], Awaitable[Any]]

TAGS = ok([{"name": "login", "count": 1}])


@pytest.fixture
def caching(make_client: MakeClient, server: Server) -> CStarClient:
    """A client that keeps the tags and single tickets for a minute."""
    server.default = TAGS
    return make_client(cache={"tags.list": 60, "tickets.get": 60, "customers.list": 60})


async def test_response_is_kept_for_its_seconds(caching: CStarClient, server: Server, clock: SkippingClock) -> None:
    """Not a second longer."""
    for now, requests in ((0.0, 1), (59.9, 1), (60.1, 2), (120.0, 2), (121.0, 3)):
        clock.now = now
        assert ["login"] == [tag.name for tag in await caching.tags.list()]
        assert requests == len(server.requests), now


@pytest.mark.parametrize("options", [{"cache": {"tags.list": 60, "tickets.get": 60}}, {"coalesce": True}])
async def test_drift_of_a_response_is_reported_once(make_client: MakeClient, server: Server, options: dict[str, Any]) -> None:
    """However many callers get it, at one time or later."""
    drift: list[DriftInfo] = []

    class Collector(Hooks):
        def on_drift(self, info: DriftInfo) -> None:
            drift.append(info)

    client = make_client(hooks=[Collector()], **options)
    server.script(ok([{"name": "login", "count": "one"}]), ok({**TICKET, "title": 5}))
    if "cache" in options:
        for _ in range(3):
            await client.tags.list()
        for _ in range(3):
            await client.tickets.get("tkt_1")
    else:
        await asyncio.gather(*(client.tags.list().first() for _ in range(3)))
        await asyncio.gather(*(client.tickets.get("tkt_1") for _ in range(3)))
    assert 2 == len(server.requests)
    assert {"list_tags", "get_ticket"} == {one.operation for one in drift}
    assert len(set(drift)) == len(drift)


async def test_other_responses_are_not_kept(caching: CStarClient, server: Server) -> None:
    """Only those of the named methods."""
    for _ in range(2):
        await caching.custom_fields.list()
        await caching.request("GET", "/tags")
    assert 4 == len(server.requests)


async def test_callers_get_objects_of_their_own(caching: CStarClient, server: Server) -> None:
    """What one changes does not change for the next."""
    server.script(ok({**TICKET, "tags": ["a"]}))
    (await caching.tickets.get("tkt_1")).tags.append("b")
    (await caching.tickets.get("tkt_1")).tags.append("c")
    assert (["a"], 1) == ((await caching.tickets.get("tkt_1")).tags, len(server.requests))


async def test_views_share_what_is_kept(caching: CStarClient, server: Server) -> None:
    """Their settings make no other response."""
    await caching.tags.list()
    await caching.with_options(timeout=1, max_retries=0).tags.list()
    await caching.tags.list(options=RequestOptions(total_timeout=5))
    assert 1 == len(server.requests)


async def test_other_requests_have_other_responses(caching: CStarClient, server: Server) -> None:
    """By path, query and headers."""
    server.default = ok(TICKET)
    for _ in range(2):
        await caching.tickets.get("tkt_1")
        await caching.tickets.get("tkt_2")
        await caching.tickets.get("tkt_2", options=RequestOptions(extra_query={"expand": "customer"}))
        await caching.tickets.get("tkt_2", options=RequestOptions(headers={"X-A": "1"}))
    assert 4 == len(server.requests)


@pytest.mark.parametrize(
    ("write", "requests"),
    [
        (lambda cstar: cstar.tags.create(name="a"), 1),
        (lambda cstar: cstar.tags.delete("a"), 1),
        (lambda cstar: cstar.tickets.messages.create("tkt_1", content="Hi.", sender="agent"), 0),
        (lambda cstar: cstar.customers.create(name="a", email="a@a.example"), 0),
        (lambda cstar: cstar.bulk.run(action="close", resource="tickets", ids=["tkt_1"]), 1),
        (lambda cstar: cstar.imports.run(resource="tickets", records=[]), 1),
        (lambda cstar: cstar.request("POST", "/things"), 1),
        (lambda cstar: cstar.request("GET", "/things"), 0),
    ],
)
async def test_own_write_ends_what_is_kept(caching: CStarClient, server: Server, write: Call, requests: int) -> None:
    """Of its namespace; a bulk operation, an import or a path given by the caller, of all."""
    await caching.tags.list()
    server.script(ok({}))
    await write(caching)
    before = len(server.requests)
    await caching.tags.list()
    assert requests == len(server.requests) - before


async def test_write_of_a_nested_namespace_ends_what_is_kept(caching: CStarClient, server: Server) -> None:
    """A new message is part of its ticket."""
    server.default = ok(TICKET)
    await caching.tickets.get("tkt_1")
    await caching.tickets.messages.create("tkt_1", content="Hi.", sender="agent")
    await caching.tickets.get("tkt_1")
    assert 3 == len(server.requests)


async def test_write_whose_response_is_streamed_ends_what_is_kept(caching: CStarClient, server: Server) -> None:
    """It is a write like any other."""
    await caching.tags.list()
    async with (await caching.request("POST", "/things", stream=True)).data:
        await caching.tags.list()
    assert 3 == len(server.requests)


async def test_write_that_failed_ends_what_is_kept(caching: CStarClient, server: Server) -> None:
    """It may have changed something all the same."""
    await caching.tags.list()
    server.script(failed(409))
    with pytest.raises(CStarError):
        await caching.tags.create(name="a")
    await caching.tags.list()
    assert 3 == len(server.requests)


async def test_response_from_before_a_write_is_not_kept(caching: CStarClient, server: Server) -> None:
    """Although it arrives after the write."""
    respond = asyncio.Event()
    server.script(held(respond, TAGS), ok({"name": "a"}), ok([{"name": "a"}]))
    reading = asyncio.ensure_future(caching.tags.list().collect())
    await server.seen(1)
    await caching.tags.create(name="a")
    respond.set()
    await reading
    assert (["a"], 3) == ([tag.name for tag in await caching.tags.list()], len(server.requests))


@pytest.mark.parametrize("response", [failed(404), failed(500), raw(b"<html>"), raw(b""), ok("text"), ok(None), ok({})])
async def test_only_usable_responses_are_kept(make_client: MakeClient, server: Server, response: Any) -> None:
    """No error, and nothing that is not what it must be."""
    cstar = make_client(cache={"tags.list": 60}, max_retries=0)
    server.script(response, TAGS)
    with pytest.raises(CStarError):
        await cstar.tags.list()
    assert 1 == len(await cstar.tags.list())
    assert issubclass(DecodeError, CStarError)


async def test_list_of_one_page_is_kept(caching: CStarClient, server: Server) -> None:
    """For iterations with the same size."""
    server.default = ok([{"id": "cus_1"}], pagination={"total": 1, "page": 1, "pageSize": 100, "hasMore": False})
    for _ in range(3):
        assert 1 == len(await caching.customers.list().collect())
    assert 1 == len(server.requests)


async def test_longer_list_is_not_kept(caching: CStarClient, server: Server) -> None:
    """Pages of different times do not fit together."""
    for _ in range(2):
        for page in (1, 2):
            pagination = {"total": 2, "page": page, "pageSize": 1, "hasMore": page == 1}
            server.script(ok([{"id": f"cus_{page}"}], pagination=pagination))
        assert 2 == len(await caching.customers.list(page_size=1).collect())
    assert 4 == len(server.requests)


async def test_kept_response_was_not_sent(caching: CStarClient) -> None:
    """It took no attempt."""
    attempts = [(await caching.with_response(caching.tags.list)).attempts for _ in range(2)]
    assert [1, 0] == attempts


async def test_closed_client_returns_nothing(caching: CStarClient) -> None:
    """As without a cache."""
    await caching.tags.list()
    await caching.aclose()
    with pytest.raises(CStarError, match="closed"):
        await caching.tags.list()


async def test_concurrent_calls_can_share_and_keep(make_client: MakeClient, server: Server) -> None:
    """With both settings, one call is enough."""
    server.default = TAGS
    cstar = make_client(coalesce=True, cache={"tags.list": 60})
    await asyncio.gather(*(cstar.tags.list() for _ in range(5)))
    await asyncio.gather(*(cstar.tags.list() for _ in range(5)))
    assert 1 == len(server.requests)


async def test_event_ends_what_is_kept() -> None:
    """An event of the client's stream says that something changed; other namespaces are kept."""
    async with FakeCStar(seed=1) as fake, fake.client(cache={"tickets.get": 60, "tags.list": 60}) as cstar, fake.client() as other:
        ticket = (await other.tickets.list(page_size=1))[0]
        async with cstar.events() as stream:
            await cstar.tickets.get(ticket.id)
            await cstar.tags.list()
            await other.tickets.update(ticket.id, title="Changed")
            async for event in stream:
                if event.type == "ticket.updated":
                    break
            before = len(fake.requests)
            assert "Changed" == (await cstar.tickets.get(ticket.id)).title
            await cstar.tags.list()
            assert 1 == len(fake.requests) - before


async def test_delivery_ends_what_is_kept() -> None:
    """The handler of a webhook reads what is true after its event. What is kept of other namespaces stays."""
    titles: list[str] = []
    async with (
        FakeCStar(seed=1) as fake,
        fake.client(cache={"tickets.get": 60, "tags.list": 60}) as cstar,
        fake.client() as other,
        WebhookInbox("whsec_a", client=cstar) as inbox,
        serve_inbox(inbox) as post,
    ):
        ticket = (await other.tickets.list(page_size=1))[0]

        @inbox.on(TicketUpdated)
        async def read(_: TicketUpdated) -> None:
            titles.append((await cstar.tickets.get(ticket.id)).title)

        await cstar.tickets.get(ticket.id)
        await cstar.tags.list()
        await other.tickets.update(ticket.id, title="Changed")
        before = len(fake.requests)
        body = body_of(1, "ticket.updated", ticket.id)
        assert 200 == await post(body, sign(body, "whsec_a"))
        await inbox.wait_until_idle()
        await cstar.tags.list()
        assert (["Changed"], 1) == (titles, len(fake.requests) - before)


@pytest.mark.parametrize(("signature", "requests"), [("t=1,v1=00", 0), (None, 1)])
async def test_delivery_that_is_not_stored_ends_what_is_kept(
    caching: CStarClient, server: Server, signature: str | None, requests: int
) -> None:
    """It is known to be true. One with a wrong signature is not."""
    store = BrokenStore()
    store.broken = {"add"}
    inbox = inbox_of(store=store, client=caching)
    body = body_of(1, "ticket.updated")
    server.default = ok(TICKET)
    await caching.tickets.get("tkt_1")
    assert await inbox.receive(body, {"X-Signature": signature or sign(body, SECRET)}) in {401, 503}
    before = len(server.requests)
    await caching.tickets.get("tkt_1")
    assert requests == len(server.requests) - before
    await inbox.aclose()


async def test_stored_event_ends_what_is_kept(caching: CStarClient, server: Server) -> None:
    """It may have been delivered to another process that shares the store."""
    store = MemoryStore()
    await store.add("evt_1", body_of(1, "ticket.updated"))
    server.default = ok(TICKET)
    await caching.tickets.get("tkt_1")
    async with inbox_of(store=store, client=caching, shutdown_timeout=0):
        await caching.tickets.get("tkt_1")
    assert 2 == len(server.requests)


@pytest.mark.parametrize("client", ["cstar", object(), CStarClient])
def test_what_is_no_client_is_refused(client: Any) -> None:
    """An inbox is not made."""
    with pytest.raises(InvalidArgumentError, match="client must be a CStarClient"):
        WebhookInbox("whsec_a", client=client)


async def test_client_without_cache_has_an_inbox(make_client: MakeClient) -> None:
    """Its settings can change without a change of the inbox."""
    inbox = inbox_of(client=make_client(), shutdown_timeout=0)
    assert [200] == await deliver(inbox, body_of(1))
    await inbox.aclose()


def test_every_event_is_about_a_namespace() -> None:
    """Of those that have operations."""
    namespaces = {operation.namespace.partition(".")[0] for operation in OPERATIONS.values()}
    assert {event_type.partition(".")[0] for event_type in EVENTS} == set(EVENT_NAMESPACES)
    assert set(EVENT_NAMESPACES.values()) <= namespaces


def test_unknown_event_ends_everything() -> None:
    """It may be about anything."""
    shared = SharedResponses(coalesce=False, lifetimes={})
    shared.put("key", RawResponse(200, {}, b"{}"), shared.version("tags"), 60.0)
    shared.on_event("planet.aligned")
    assert shared.get("key", shared.version("tags"), 0.0) is None


@pytest.mark.parametrize(("size", "kept"), [(2, MAX_KEPT), (MAX_KEPT_BYTES // 10 - 100, 10), (MAX_KEPT_BYTES + 1, 0)])
def test_memory_is_bounded(size: int, kept: int) -> None:
    """By number and by size; what was used least recently goes first."""
    shared = SharedResponses(coalesce=False, lifetimes={})
    response = RawResponse(200, {}, bytes(size))
    for number in range(MAX_KEPT + 5):
        shared.put((number,), response, 0, 60.0)
        shared.get((0,), 0, 1.0)
    found = [number for number in range(MAX_KEPT + 5) if shared.get((number,), 0, 1.0) is not None]
    assert ([0, *range(MAX_KEPT + 5 - kept + 1, MAX_KEPT + 5)] if kept else []) == found


@pytest.mark.parametrize(("key", "headers"), [("q" * (MAX_KEPT_BYTES // 3), {}), ("q", {"X-Long": "a" * (MAX_KEPT_BYTES // 3)})])
def test_keys_and_headers_count(key: str, headers: dict[str, str]) -> None:
    """A response without a body takes memory, too."""
    shared = SharedResponses(coalesce=False, lifetimes={})
    for number in range(4):
        shared.put((number, key), RawResponse(200, headers, b""), 0, 60.0)
    assert [2, 3] == [number for number in range(4) if shared.get((number, key), 0, 1.0) is not None]


def test_response_that_is_too_large_to_be_kept_evicts_no_other() -> None:
    """One such list would end all that is kept, each time it is read."""
    shared = SharedResponses(coalesce=False, lifetimes={})
    shared.put(("small",), RawResponse(200, {}, b"{}"), 0, 60.0)
    shared.put(("large",), RawResponse(200, {}, bytes(MAX_KEPT_BYTES)), 0, 60.0)
    assert [True, False] == [shared.get((name,), 0, 1.0) is not None for name in ("small", "large")]


def test_client_without_the_settings_loads_nothing_for_them() -> None:
    """Its calls and its start cost what they did."""
    program = """
import sys
from cstar_async import CStarClient
CStarClient(api_key="sk_test_a")
print(sorted(name for name in sys.modules if "shar" in name and name.startswith("cstar_async")))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "[]\n" == done.stdout


async def test_library_keeps_responses(server: Server) -> None:
    """By the names of its own methods. A recorded view, which changes a counter, does not end them."""
    server.default = ok([{"name": "Billing"}])
    async with CStarLibrary(team="acme", base_url=server.url, cache={"categories": 60}) as library:
        assert 1 == len(await library.categories()) == len(await library.categories())
        server.script(ok({}))
        await library.record_view("how-to-pay")
        assert 1 == len(await library.categories())
    assert ["GET", "POST"] == [request.method for request in server.requests]


@pytest.mark.parametrize(
    ("cache", "error"),
    [
        (["tags.list"], "cache must be a dict of methods and seconds"),
        ({"tags.lst": 60}, "cache must be a dict of methods that read"),
        ({"tags.create": 60}, "cache must be a dict of methods that read"),
        ({"library.articles": 60}, "cache must be a dict of methods that read"),
        ({1: 60}, "cache must be a dict of methods that read"),
        ({10**5000: 60}, "cache must be a dict of methods that read"),
        ({"tags.list": 0}, r"cache\['tags.list'\] must be a number of seconds above 0"),
        ({"tags.list": "60"}, r"cache\['tags.list'\] must be a number of seconds above 0"),
    ],
)
def test_setting_that_cannot_be_used_is_refused(make_client: MakeClient, cache: Any, error: str) -> None:
    """A client is not made."""
    with pytest.raises(InvalidArgumentError, match=error):
        make_client(cache=cache)
