"""Strings of the server that no log can take: they reach no error, hook value or log as they came."""

from __future__ import annotations

import json
import logging
import time

import pytest

from cstar_async import APIError, CStarClient, DecodeError, Hooks
from cstar_async.hooks import CallEndInfo, DriftInfo, ResponseInfo
from tests.client.conftest import MakeClient, ScriptedResponse, Server, ok, raw
from tests.client.event_server import next_ids, sending, serve_events
from tests.client.inboxes import BrokenStore, body_of, deliver, inbox_of

FORGED = "r1\nERROR:root:forged\x1b[2J\udce9"
CLEAN = "r1 ERROR:root:forged\ufffd[2J\ufffd"


class Recorder(Hooks):
    """Keeps the hook values with strings of the server."""

    def __init__(self) -> None:
        self.request_ids: list[str | None] = []
        self.drifts: list[DriftInfo] = []

    def on_response(self, info: ResponseInfo) -> None:
        """Keep the request id."""
        self.request_ids.append(info.request_id)

    def on_call_end(self, info: CallEndInfo) -> None:
        """Keep the request id."""
        self.request_ids.append(info.request_id)

    def on_drift(self, info: DriftInfo) -> None:
        """Keep the difference."""
        self.drifts.append(info)


def response_with_header(value: bytes, body: bytes, status: int) -> ScriptedResponse:
    """Return a response whose request id has any bytes."""
    head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nx-cstar-request-id: %s\r\n\r\n" % (status, len(body), value)
    return ScriptedResponse((head + body,))


@pytest.mark.parametrize("status", [400, 500])
async def test_an_error_has_clean_attributes(server: Server, make_client: MakeClient, status: int) -> None:
    """Each of them can be printed and encoded."""
    names = ("message", "type", "code", "param", "doc_url", "request_id")
    server.script(raw(json.dumps({"error": dict.fromkeys(names, FORGED)}).encode(), status))
    with pytest.raises(APIError) as caught:
        await make_client(max_retries=0).tickets.get("tkt_1")
    assert [getattr(caught.value, name) for name in names] == [CLEAN] * len(names)
    assert (caught.value.report().isascii(), "\nERROR" in caught.value.report()) == (False, False)


@pytest.mark.parametrize(
    ("header", "shown"), [(b"caf\xe9", "caf\ufffd"), (b"caf\xc3\xa9", "café"), (b"a\tb", "a b"), (b"\xff", "\ufffd")]
)
async def test_a_header_with_any_bytes_gives_a_clean_request_id(
    server: Server, make_client: MakeClient, caplog: pytest.LogCaptureFixture, header: bytes, shown: str
) -> None:
    """In errors, responses, hooks and the log."""
    caplog.set_level(logging.DEBUG)
    recorder = Recorder()
    client = make_client(hooks=[recorder], max_retries=0)
    for body, status in ((b"", 500), (b"{}", 200), (b'{"data": {}}', 200)):
        server.script(response_with_header(header, body, status))
    with pytest.raises(APIError) as failed:
        await client.tickets.get("tkt_1")
    with pytest.raises(DecodeError) as malformed:
        await client.tickets.get("tkt_1")
    response = await client.with_response(client.tickets.get, "tkt_1")
    assert {failed.value.request_id, malformed.value.request_id, response.request_id, *recorder.request_ids} == {shown}
    assert all(record.getMessage().isprintable() for record in caplog.records)


async def test_a_request_id_in_meta_is_clean(server: Server, make_client: MakeClient) -> None:
    """Half of a surrogate pair in it too."""
    recorder = Recorder()
    client = make_client(hooks=[recorder])
    server.script(raw(b'{"data": {}, "meta": {"requestId": "r\\nb\\u0000\\ud83c"}}'))
    response = await client.with_response(client.tickets.get, "tkt_1")
    assert {response.request_id, *recorder.request_ids} == {"r b\ufffd\ufffd"}


async def test_drift_has_clean_strings(server: Server, make_client: MakeClient) -> None:
    """The name of an unknown field, and an unknown value."""
    recorder = Recorder()
    server.script(ok({"id": "tkt_1", "a\nb": 1, "status": "x\n" * 2000}))
    await make_client(hooks=[recorder]).tickets.get("tkt_1")
    found = {drift.kind: drift for drift in recorder.drifts}
    assert found["unknown_field"].where == "$.data.a b"
    assert (found["unknown_value"].actual.isprintable(), len(found["unknown_value"].actual) <= 2000) == (True, True)


async def test_a_redirect_has_a_clean_location(server: Server, client: CStarClient) -> None:
    """It comes from a header with any bytes."""
    server.script(ScriptedResponse((b"HTTP/1.1 302 X\r\nContent-Length: 0\r\nLocation: /\xe9\x80\r\n\r\n",)))
    with pytest.raises(APIError, match="redirects to /\ufffd\ufffd, but"):
        await client.tickets.get("tkt_1")


async def test_a_long_message_costs_no_time(server: Server, client: CStarClient) -> None:
    """A picture in it, or a long path of a caller."""
    message = "data:image/png;base64," + "A" * 1_000_000
    server.script(raw(json.dumps({"error": {"message": message, "code": message}}).encode(), 400))
    started = time.thread_time()
    with pytest.raises(APIError) as caught:
        await client.request("GET", "/" + "a" * 60_000)
    assert (len(str(caught.value)) < 2000, len(caught.value.message), len(caught.value.report()) < 4000) == (True, 2000, True)
    assert time.thread_time() - started < 0.5


async def test_an_event_id_cannot_forge_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Of a webhook whose store fails, and of a message of the stream."""
    store = BrokenStore()
    store.broken.add("add")
    inbox = inbox_of(store=store)
    assert await deliver(inbox, body_of(1, id="evt\nERROR:root:forged")) == [503]
    await inbox.aclose()
    stream_id = b"id: evt\x1b[2J\xe2\x80\xa8ERROR\ndata: x\n\n"
    async with (
        serve_events(sending(stream_id, b'data: {"id": "evt_2", "type": "a.b"}\n\n')) as server,
        server.client() as cstar,
        cstar.events() as stream,
    ):
        assert await next_ids(stream, 1) == ["evt_2"]
    messages = [record.getMessage() for record in caplog.records]
    assert (len(messages), all(message.isprintable() for message in messages)) == (2, True)
