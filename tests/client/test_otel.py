"""Calls as spans, seen by the real SDK of OpenTelemetry."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from cstar_async import ConnectionFailedError, CStarClient, DecodeError, NotFoundError, Priority, RateLimitWaitError
from cstar_async.otel import OpenTelemetryHooks

from .conftest import KEY, TICKET, MakeClient, ScriptedResponse, Server, cut, failed, held, ok, raw

RATE = {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "987", "X-RateLimit-Reset": "1800003600"}
GET_TICKET = "/api/v1/teams/{teamId}/tickets/{ticketId}"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """Keeps the spans that ended."""
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    """Where spans go."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


@pytest.fixture
def client(make_client: MakeClient, provider: TracerProvider) -> CStarClient:
    """A client whose calls become spans."""
    return make_client(hooks=[OpenTelemetryHooks(provider)])


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    """The one span that there is."""
    [span] = exporter.get_finished_spans()
    return span


def attributes(thing: ReadableSpan | Event) -> Mapping[str, Any]:
    """Return its attributes."""
    return dict(thing.attributes or {})


def events(span: ReadableSpan) -> list[str]:
    """What happened, in order."""
    return [event.name for event in span.events]


async def test_a_call_is_one_span_by_the_conventions(server: Server, client: CStarClient, exporter: InMemorySpanExporter) -> None:
    """Name, kind and attributes of a call that succeeds at once; its status is left unset."""
    server.script(ok(TICKET, headers=RATE))
    await client.tickets.get("tkt_1")
    span = only(exporter)
    assert (f"GET {GET_TICKET}", SpanKind.CLIENT, StatusCode.UNSET) == (span.name, span.kind, span.status.status_code)
    assert {
        "http.request.method": "GET",
        "url.template": GET_TICKET,
        "server.address": "127.0.0.1",
        "server.port": int(server.url.rpartition(":")[2]),
        "http.response.status_code": 200,
        "cstar.operation": "get_ticket",
        "cstar.request_id": "req_ok",
        "cstar.rate_limit.limit": 1000,
        "cstar.rate_limit.remaining": 987,
    } == attributes(span)


async def test_attempts_and_waits_are_events(server: Server, client: CStarClient, exporter: InMemorySpanExporter) -> None:
    """A call that succeeds at the third attempt is one span with all attempts and waits."""
    server.script(failed(503, headers={"X-CStar-Request-Id": "req_1"}), cut(b"HTTP/1.1 200 OK\r\n"), ok(TICKET))
    await client.tickets.create(title="Help")
    span = only(exporter)
    attempt, back_off = ["cstar.attempt"], ["cstar.retry", "cstar.wait"]
    assert [*attempt, "cstar.response", *back_off, *attempt, *back_off, *attempt, "cstar.response"] == events(span)
    assert (StatusCode.UNSET, 2) == (span.status.status_code, attributes(span)["http.request.resend_count"])
    found = [attributes(event) for event in span.events]
    assert ("503", "ConnectionFailedError") == (found[2]["error.type"], found[5]["error.type"])
    assert (503, "req_1") == (found[1]["http.response.status_code"], found[1]["cstar.request_id"])
    assert [1, 2, 3] == [noted["cstar.attempt"] for noted, event in zip(found, span.events, strict=True) if event.name in attempt]
    assert ("back_off", "interactive") == (found[3]["cstar.reason"], found[3]["cstar.priority"])
    assert found[2]["cstar.seconds"] == found[3]["cstar.seconds"]


async def test_a_wait_for_a_limit_says_so(server: Server, client: CStarClient, exporter: InMemorySpanExporter) -> None:
    """The span of a slow call shows what it waited for, and how long."""
    server.script(failed(429, headers={"Retry-After": "7"}), ok(TICKET))
    await client.with_options(priority=Priority.BACKGROUND).tickets.get("tkt_1")
    [wait] = [attributes(event) for event in only(exporter).events if event.name == "cstar.wait"]
    assert ("rate_limit", "background") == (wait["cstar.reason"], wait["cstar.priority"])
    assert 7 <= wait["cstar.seconds"] <= 7.7


@pytest.mark.parametrize(
    ("response", "error", "status", "kind"),
    [
        (failed(404, code="resource_missing", request_id="req_404"), NotFoundError, 404, "404"),
        (raw(b"<html>"), DecodeError, 200, "DecodeError"),
        (cut(b"HTT"), ConnectionFailedError, None, "ConnectionFailedError"),
        (failed(429, headers={"Retry-After": "900"}), RateLimitWaitError, 429, "429"),
    ],
)
async def test_a_call_that_raises_is_an_error(
    server: Server,
    make_client: MakeClient,
    provider: TracerProvider,
    exporter: InMemorySpanExporter,
    response: ScriptedResponse,
    error: type[Exception],
    status: int | None,
    kind: str,
) -> None:
    """The span ends with status ERROR and the kind of error, without a word of its message."""
    server.script(response)
    client = make_client(hooks=[OpenTelemetryHooks(provider)], max_retries=1 if status == 429 else 0)
    with pytest.raises(error):
        await client.tickets.get("tkt_1")
    span = only(exporter)
    assert (StatusCode.ERROR, None) == (span.status.status_code, span.status.description)
    assert (status, kind) == (attributes(span).get("http.response.status_code"), attributes(span)["error.type"])


async def test_the_request_id_of_a_failure_is_on_the_span(
    server: Server, client: CStarClient, exporter: InMemorySpanExporter
) -> None:
    """It leads from the trace to cStar's support."""
    server.script(failed(404, request_id="req_404"))
    with pytest.raises(NotFoundError):
        await client.tickets.get("tkt_1")
    assert "req_404" == attributes(only(exporter))["cstar.request_id"]


async def test_a_cancelled_call_ends_its_span(server: Server, client: CStarClient, exporter: InMemorySpanExporter) -> None:
    """The span ends with the cancellation, and the caller's span is current again."""
    server.script(held(asyncio.Event()))
    call = asyncio.create_task(client.tickets.get("tkt_1"))
    await server.seen(1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    span = only(exporter)
    assert (StatusCode.ERROR, "CancelledError") == (span.status.status_code, attributes(span)["error.type"])


async def test_a_call_that_is_never_sent_has_no_attempt(
    server: Server, make_client: MakeClient, provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    """Where the wait for the limit would be too long, the span says that and no status."""
    server.script(ok(TICKET, headers={**RATE, "X-RateLimit-Remaining": "0"}))
    client = make_client(hooks=[OpenTelemetryHooks(provider)], max_wait=1)
    await client.tickets.get("tkt_1")
    exporter.clear()
    with pytest.raises(RateLimitWaitError):
        await client.tickets.get("tkt_1")
    span = only(exporter)
    assert ([], "RateLimitWaitError") == (events(span), attributes(span)["error.type"])
    assert "http.response.status_code" not in attributes(span)


async def test_a_span_is_a_child_of_the_callers(
    client: CStarClient, provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    """Concurrent calls each belong to the span that was current where they were made."""
    tracer = provider.get_tracer("tests")

    async def job(name: str) -> None:
        with tracer.start_as_current_span(name):
            await asyncio.gather(client.tickets.get("tkt_1"), client.tickets.get("tkt_2"))

    await asyncio.gather(*(job(f"job {number}") for number in range(5)))
    spans = exporter.get_finished_spans()
    jobs = {span.context.span_id: span.name for span in spans if span.name.startswith("job") and span.context}
    parents = [jobs[span.parent.span_id] for span in spans if span.parent]
    assert sorted(2 * [f"job {number}" for number in range(5)]) == sorted(parents)


async def test_the_callers_span_is_current_after_a_call(server: Server, client: CStarClient, provider: TracerProvider) -> None:
    """Whether the call succeeds or raises."""
    server.script(ok(TICKET), failed(404))
    with provider.get_tracer("tests").start_as_current_span("mine") as mine:
        await client.tickets.get("tkt_1")
        after_success = trace.get_current_span()
        with pytest.raises(NotFoundError):
            await client.tickets.get("tkt_1")
        assert (mine, mine) == (after_success, trace.get_current_span())


async def test_shared_call_is_one_span(
    server: Server,
    make_client: MakeClient,
    provider: TracerProvider,
    exporter: InMemorySpanExporter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It ends in the task of a caller, whose current span stays, and OpenTelemetry logs no error."""
    client = make_client(hooks=[OpenTelemetryHooks(provider)], coalesce=True)
    before = trace.get_current_span()
    await asyncio.gather(*(client.tickets.get("tkt_1") for _ in range(3)))
    await client.tickets.get("tkt_1")
    assert 2 == len(server.requests) == len(exporter.get_finished_spans())
    assert before is trace.get_current_span()
    assert not [record for record in caplog.records if record.name.startswith("opentelemetry")]


async def test_spans_made_during_a_call_are_its_children(
    server: Server, make_client: MakeClient, provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    """The search for the team is part of the call that needs it, and so is what other instruments see of the connection."""
    server.script(ok({"teamId": "team_9"}), ok(TICKET))
    await make_client(team_id=None, hooks=[OpenTelemetryHooks(provider)]).tickets.get("tkt_1")
    whoami, get_ticket = exporter.get_finished_spans()
    assert whoami.parent
    assert get_ticket.context
    assert get_ticket.context.span_id == whoami.parent.span_id


async def test_an_iteration_has_a_span_for_every_page(server: Server, client: CStarClient, exporter: InMemorySpanExporter) -> None:
    """Each page is a call of its own."""
    for number in (1, 2):
        server.script(ok([{"id": f"tkt_{number}"}], pagination={"page": number, "pageSize": 1, "total": 2, "totalPages": 2}))
    assert 2 == len(await client.tickets.list(page_size=1).collect())
    assert 2 * ["GET /api/v1/teams/{teamId}/tickets"] == [span.name for span in exporter.get_finished_spans()]


async def _delete(client: CStarClient) -> object:
    return await client.tickets.delete("tkt_1")


async def _tags(client: CStarClient) -> object:
    return await client.tags.list()


async def _boss(client: CStarClient) -> object:
    return await client.game.boss()


async def _export(client: CStarClient) -> object:
    return await client.exports.run(resources=[{"type": "tickets"}], format="csv")


@pytest.mark.parametrize(
    ("make_call", "response", "name"),
    [
        (_delete, raw(b"", 204), "delete_ticket"),
        (_tags, ok([]), "list_tags"),
        (_boss, ok(None), "get_game_boss"),
        (_export, raw(b"id,title\n", headers={"Content-Type": "text/csv"}), "run_export"),
    ],
)
async def test_every_kind_of_call_is_a_span(
    server: Server,
    client: CStarClient,
    exporter: InMemorySpanExporter,
    make_call: Callable[[CStarClient], Any],
    response: ScriptedResponse,
    name: str,
) -> None:
    """A deleted object, a whole list, an object or null, a str."""
    server.script(response)
    await make_call(client)
    assert (name, StatusCode.UNSET) == (attributes(only(exporter))["cstar.operation"], only(exporter).status.status_code)


async def test_a_free_path_is_on_no_span(server: Server, client: CStarClient, exporter: InMemorySpanExporter) -> None:
    """What a caller writes into a path can be anything, a customer's address too."""
    server.script(ok({}))
    await client.request("POST", "/customers/ann@example.com/merge", json={"name": "Ann"}, params={"q": "Ann"})
    assert ("POST", "request") == (only(exporter).name, attributes(only(exporter))["cstar.operation"])
    assert "url.template" not in attributes(only(exporter))


async def test_a_stream_is_a_span_until_it_is_open(server: Server, client: CStarClient, exporter: InMemorySpanExporter) -> None:
    """Listening lasts for days; opening the stream is the call."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    server.script(cut(head, b'data: {"id": "evt_1", "type": "ticket.created"}\n\n', asyncio.Event()))
    async with client.events() as stream:
        event = await anext(aiter(stream))
        ended = len(exporter.get_finished_spans())
    assert ("evt_1", 1) == (event.id, ended)
    assert "listen_to_events" == attributes(only(exporter))["cstar.operation"]


async def test_spans_hold_nothing_that_is_private(
    server: Server, make_client: MakeClient, provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    """No key, no id of a path, no query, no body, no word of the server's message."""
    server.script(
        failed(500, headers={"X-CStar-Request-Id": KEY}, message="Ann Lee"), failed(422, message="Ann Lee", request_id=KEY)
    )
    client = make_client(hooks=[OpenTelemetryHooks(provider)])
    with pytest.raises(Exception, match="Ann Lee"):
        await client.customers.update("cus_ann", name="Ann Lee", idempotency_key="for-ann")
    shown = only(exporter).to_json()
    assert [] == [secret for secret in ("secretpart", "ann", "Ann") if secret in shown]


async def test_two_clients_can_share_an_instance(
    make_client: MakeClient, provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    """Calls of one are not taken for calls of the other."""
    hooks = OpenTelemetryHooks(provider)
    await asyncio.gather(*(make_client(hooks=[hooks]).tickets.get("tkt_1") for _ in range(4)))
    assert 4 == len({span.context.span_id for span in exporter.get_finished_spans() if span.context})


async def test_without_a_provider_spans_go_to_the_global_one(make_client: MakeClient) -> None:
    """Which does nothing until an application sets one."""
    assert "tkt_1" == (await make_client(hooks=[OpenTelemetryHooks()]).tickets.get("tkt_1")).id


def test_without_the_extra_the_import_names_it() -> None:
    """A user who has not installed it reads what to install."""
    program = "import sys; sys.modules['opentelemetry'] = None; import cstar_async.otel"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "ImportError: cstar_async.otel needs OpenTelemetry; install cstar-async[otel]" in done.stderr
