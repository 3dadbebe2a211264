"""The page of the fake over HTTP: who may see it, what it shows, and what each button does."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import attrs
import pytest
from aiohttp import web

from cstar_async.testing import FakeCStar

from .conftest import Caller
from .receiving import receiving

OWN_NAMES = ["localhost", "127.0.0.1", "[::1]", "LocalHost:8787", "127.0.0.1:1", "[::1]:65535"]
OTHER_NAMES = [
    "evil.example",
    "evil.example:80",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil.example@localhost",
    "localhost:evil",
    "0.0.0.0",
    "127.0.0.2",
    "2130706433",
    "[::1",
    "localhost:8787:8787",
    "localhost, evil.example",
]
PATHS = ["/", "/_fake/state", "/_fake/page.css", "/_fake/page.js"]


@attrs.frozen
class Page:
    """A browser's view of the page of a fake, without a browser."""

    call: Caller

    async def get(self, path: str = "/", **headers: str) -> tuple[int, str]:
        """Return the status and the body."""
        async with self.call.session.get(self.call.fake.url + path, headers=headers) as response:
            return response.status, await response.text()

    async def state(self) -> Any:
        """Return what the page shows."""
        async with self.call.session.get(self.call.fake.url + "/_fake/state") as response:
            return await response.json()

    async def token(self) -> str:
        """Return the token in the page."""
        found = re.search(r'name="page-token" content="([^"]+)"', (await self.get())[1])
        assert found is not None
        return found[1]

    async def press(self, action: object, *, headers: dict[str, str] | None = None, **arguments: object) -> tuple[int, str]:
        """Send what a button of the page sends."""
        own = {"Origin": self.call.fake.url, "X-Page-Token": await self.token()}
        body = {"action": action, **arguments}
        sent = {name: value for name, value in {**own, **(headers or {})}.items() if value}
        async with self.call.session.post(f"{self.call.fake.url}/_fake/actions", json=body, headers=sent) as response:
            return response.status, await response.text()


@pytest.fixture
def page(call: Caller) -> Page:
    """Return the page of an empty fake."""
    return Page(call)


@pytest.mark.parametrize("name", OWN_NAMES)
async def test_page_is_served_to_loopback_names(page: Page, name: str) -> None:
    """The page and its parts need no key under the names of this machine."""
    assert [(await page.get(path, Host=name))[0] for path in PATHS] == [200] * 4


@pytest.mark.parametrize("name", OTHER_NAMES)
async def test_page_is_refused_to_other_names(page: Page, name: str) -> None:
    """A name that another site can point at this machine gets nothing, with or without the token."""
    responses = [await page.get(path, Host=name) for path in PATHS]
    assert {status for status, _ in responses} == {403}
    assert await page.token() not in "".join(text for _, text in responses)
    own = {"Host": name, "Origin": f"http://{name}"}
    assert (await page.press("advance_clock", headers=own, seconds=5))[0] in (400, 403)


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 200),
        ("127.9.9.9", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("192.0.2.7", 403),
        ("10.0.0.1", 403),
        ("0.0.0.0", 403),
        ("::ffff:192.0.2.7", 403),
        ("fe80::1%eth0", 403),
        ("", 403),
    ],
)
async def test_page_is_served_to_loopback_addresses(page: Page, monkeypatch: pytest.MonkeyPatch, address: str, status: int) -> None:
    """A client on another machine gets nothing of the page, whatever host name it sends; the API answers it."""
    token = await page.token()
    monkeypatch.setattr(web.BaseRequest, "remote", address)

    responses = [await page.get(path, Host="localhost", **{"X-Forwarded-For": "127.0.0.1"}) for path in PATHS]
    assert {found for found, _ in responses} == {status}
    assert (token in "".join(text for _, text in responses)) is (status == 200)
    authorization = {"Authorization": f"Bearer {page.call.fake.secret_key}"}
    assert (await page.get("/api/v1/auth/whoami", **authorization))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Page-Token": ""},
        {"X-Page-Token": "guess"},
        {"X-Page-Token": "schlüssel"},
        {"Origin": ""},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
async def test_buttons_need_token_and_origin(page: Page, headers: dict[str, str]) -> None:
    """A request without the token of the page, or from another origin, changes nothing."""
    page.call.fake.faults.add(status=500)
    assert (await page.press("advance_clock", headers=headers, seconds=10**6))[0] == 403
    assert (await page.press("remove_fault", headers=headers, fault=(await page.state())["faults"][0]["id"]))[0] == 403
    assert len(page.call.fake.faults) == 1
    assert page.call.fake.clock.monotonic() < 10**6


async def test_token_that_is_no_text_is_refused(page: Page) -> None:
    """Bytes that are not UTF-8 are no failure of the server."""
    host = page.call.fake.url.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    headers = f"Host: {host}\r\nOrigin: http://{host}\r\nContent-Length: 2\r\nConnection: close\r\nX-Page-Token: ".encode()
    writer.write(b"POST /_fake/actions HTTP/1.1\r\n" + headers + b"\xff\r\n\r\n{}")
    assert b"403" in await reader.readline()
    writer.close()


async def test_two_fakes_have_two_tokens(page: Page) -> None:
    """The token of one fake does not open another."""
    async with FakeCStar() as other:
        assert await page.token() != await Page(Caller(other, page.call.session)).token()


async def test_headers_forbid_markup_frames_and_other_sites(page: Page) -> None:
    """The policy permits the page's own files alone, no inline code, no frames and no reading by other origins."""
    for path in PATHS:
        async with page.call.session.get(page.call.fake.url + path) as response:
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert "Access-Control-Allow-Origin" not in response.headers


async def test_page_needs_no_other_host(page: Page) -> None:
    """Neither the page nor its files name another host, an inline handler or an inline style, or write markup."""
    text = "".join([(await page.get(path))[1] for path in ("/", "/_fake/page.css", "/_fake/page.js")])
    assert not re.search(
        r"https?://|//[a-z]+\.|\son\w+=|\sstyle=|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text
    )


async def test_page_leaves_no_trace(page: Page) -> None:
    """Looking at the page adds no request, uses no call and meets no fault."""
    page.call.fake.faults.add(status=500)
    assert [(await page.get(path))[0] for path in PATHS] == [200] * 4
    assert len(page.call.fake.requests) == 0
    state = await page.state()
    assert [limit["remaining"] for limit in state["limits"]] == [1000, 100]
    assert state["faults"][0]["triggered"] == 0


async def test_state_has_no_key_and_no_secret(page: Page) -> None:
    """What the page shows has neither the API keys nor the secret of a webhook."""
    webhook = await page.call.make("/webhooks", name="a", url="http://127.0.0.1:9/", events=["ticket.*"])
    await page.call.make("/tickets", title="a")
    await page.call.fake.deliveries.wait_until_idle()
    text = (await page.get("/_fake/state"))[1]
    for secret in (page.call.fake.secret_key, page.call.fake.publishable_key, webhook["secret"]):
        assert secret not in text


async def test_state_has_requests_tickets_and_limits(page: Page) -> None:
    """A call shows as a request with its status and body, its ticket with the message, and one call less."""
    ticket = await page.call.make("/tickets", title="<b>Cannot log in</b>")
    await page.call.make(f"/tickets/{ticket['id']}/messages", content="On it.", sender="agent")
    await page.call("GET", "/nothing?a=b")
    state = await page.state()
    assert [(one["method"], one["status"], one["operation"]) for one in state["requests"]] == [
        ("GET", 404, None),
        ("POST", 201, "create_ticket_message"),
        ("POST", 201, "create_ticket"),
    ]
    assert state["requests"][0]["query"] == "a=b"
    assert state["requests"][2]["body"] == '{"title": "<b>Cannot log in</b>"}'
    [shown] = state["tickets"]
    assert (shown["title"], shown["messages"][0]["content"]) == ("<b>Cannot log in</b>", "On it.")
    assert [limit["remaining"] for limit in state["limits"]] == [997, 100]


async def test_bytes_that_are_no_text_are_shown(page: Page) -> None:
    """A path, a query and a body that are not UTF-8 do not break the page, and a long body is cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(page.call.fake.url.rpartition(":")[2]))
    writer.write(b"POST /a\xff?b=\xfe HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n" + b"\xff" * 20_000)
    await reader.readline()
    writer.close()
    assert (await page.state())["requestCount"] <= 1
    await page.call("POST", "/tickets", data=b"\xff" * 20_000)
    assert len((await page.state())["requests"][0]["body"]) < 5_000


async def test_long_texts_are_shortened(page: Page) -> None:
    """The size of the page stays bounded, however long titles, names and messages are."""
    ticket = await page.call.make("/tickets", title="ä" * 50_000)
    await page.call.make(f"/tickets/{ticket['id']}/messages", content="x" * 50_000, sender="agent")
    assert len(json.dumps(await page.state())) < 60_000


async def test_row_of_a_request_stays_the_same(page: Page) -> None:
    """A row keeps its id when the log drops older requests, so that a body that is open stays open."""
    async with FakeCStar(max_requests=2) as fake:
        full = Page(Caller(fake, page.call.session))
        for path in ("/a", "/b"):
            await full.call("GET", path)
        before = {one["path"]: one["id"] for one in (await full.state())["requests"]}
        await full.call("GET", "/c")
        after = {one["path"]: one["id"] for one in (await full.state())["requests"]}
    assert len(after) == len(set(after.values())) == 2
    assert [after[path] for path in after if path.endswith("/b")] == [before[path] for path in before if path.endswith("/b")]


async def test_clock_button_advances(page: Page) -> None:
    """The button moves the clock of the fake by its seconds."""
    assert await page.press("advance_clock", seconds=86_400) == (204, "")
    assert 86_400 <= page.call.fake.clock.monotonic() < 90_000


async def test_resend_button_delivers_again(page: Page) -> None:
    """The receiver gets the same event with a new signature, as a delivery of its own."""
    async with receiving() as at:
        await page.call.make("/webhooks", name="a", url=at.url, events=["ticket.created"])
        await page.call.make("/tickets", title="a")
        await page.call.fake.deliveries.wait_until_idle()
        [first] = (await page.state())["deliveries"]
        assert await page.press("resend", delivery=first["id"]) == (204, "")
        await page.call.fake.deliveries.wait_until_idle()
        again, same = (await page.state())["deliveries"]
    assert same == first
    assert (again["event"], again["delivered"], again["id"] != first["id"]) == (first["event"], True, True)
    assert at.bodies[0] == at.bodies[1]


async def test_attempts_of_a_delivery_are_one_row(page: Page) -> None:
    """A delivery shows its attempts, and when the next one is due."""
    async with receiving() as at:
        at.statuses = [500]
        await page.call.make("/webhooks", name="a", url=at.url, events=["ticket.created"])
        await page.call.make("/tickets", title="a")
        await page.call.fake.deliveries.wait_until_idle()
        await page.press("advance_clock", seconds=31)
        await page.call.fake.deliveries.wait_until_idle()
        state = await page.state()
    [shown] = state["deliveries"]
    assert [(one["number"], one["status"]) for one in shown["attempts"]] == [(1, 500), (2, 500)]
    assert shown["attempts"][1]["next"] > state["now"]
    assert (shown["delivered"], state["pendingDeliveries"]) == (False, 1)


async def test_use_up_button_ends_the_window(page: Page) -> None:
    """The next call of the key is refused, and that of the other key is not."""
    [secret, _] = (await page.state())["limits"]
    assert await page.press("use_calls", key=secret["id"]) == (204, "")
    assert (await page.call("GET", "/tickets")).status == 429
    assert (await page.call("GET", "/articles", key=page.call.fake.publishable_key)).status == 200


async def test_fault_buttons_add_and_remove(page: Page) -> None:
    """A fault that was added triggers and shows its count; removed, it triggers no more."""
    assert await page.press("add_fault", of="requests", status=503, operation="list_tickets", max_triggers=None) == (204, "")
    assert (await page.call("GET", "/tickets")).status == 503
    assert (await page.call("GET", "/customers")).status == 200
    await page.press("add_fault", of="deliveries", repeat=1, event="ticket.*")
    first, second = (await page.state())["faults"]
    assert (first["details"], first["triggered"], first["left"]) == ("status 503, operation list_tickets", 1, None)
    assert (second["of"], second["details"]) == ("deliveries", "repeat 1, event ticket.*")
    for fault in (first, second):
        assert await page.press("remove_fault", fault=fault["id"]) == (204, "")
    assert (await page.state())["faults"] == []
    assert (await page.call("GET", "/tickets")).status == 200


async def test_every_fault_of_the_form_is_accepted(page: Page) -> None:
    """Each choice of the form, with each choice of how often, adds a fault."""
    values = [json.loads(text) for text in re.findall(r"<option value='([^']+)'", (await page.get())[1])]
    faults = [value for value in values if "of" in value]
    often = [value for value in values if "of" not in value]
    assert (len(faults), len(often)) == (12, 5)
    for fault in faults:
        assert await page.press("add_fault", **fault) == (204, "")
    for choice in often:
        assert await page.press("add_fault", of="requests", status=500, **choice) == (204, "")
    assert len((await page.state())["faults"]) == 17


async def test_other_buttons(page: Page) -> None:
    """Clearing empties both logs, and disconnecting ends the open streams."""
    await page.call.make("/tickets", title="a")
    async with page.call.fake.client() as cstar, cstar.events() as stream:
        waiting = asyncio.ensure_future(anext(aiter(stream)))
        while not (await page.state())["streams"]:  # noqa: ASYNC110  # the state is what the page shows
            await asyncio.sleep(0.01)
        assert await page.press("disconnect_streams") == (204, "")
        waiting.cancel()
    assert await page.press("clear_logs") == (204, "")
    assert len(page.call.fake.requests) == 0


@pytest.mark.parametrize(
    ("action", "arguments", "reason"),
    [
        (None, {}, "action must be one of"),
        (["advance_clock"], {}, "action must be one of"),
        ("advance_clock", {}, "seconds must be a number"),
        ("advance_clock", {"seconds": "5"}, "seconds must be a number"),
        ("advance_clock", {"seconds": -1}, "seconds"),
        ("advance_clock", {"seconds": 1e300}, "9999"),
        ("resend", {"delivery": "whd_1"}, "must be in the log"),
        ("use_calls", {"key": "sk_test_…aaaa"}, "must be a key of this fake"),
        ("add_fault", {}, "of must be"),
        ("add_fault", {"of": "requests"}, "at least one of"),
        ("add_fault", {"of": "requests", "status": "x"}, "status must be"),
        ("add_fault", {"of": "requests", "status": 500, "match": "x"}, ", got match"),
        ("add_fault", {"of": "requests", "delay": [1]}, "delay must be"),
        ("add_fault", {"of": "deliveries", "repeat": 1, "webhook": {}}, ", got webhook"),
        ("add_fault", {"of": "deliveries", "repeat": 1, "event": 5}, "event must be"),
    ],
)
async def test_wrong_arguments_are_a_sentence(page: Page, action: object, arguments: dict[str, Any], reason: str) -> None:
    """What a button cannot do is a 400 with a sentence that the page shows."""
    status, text = await page.press(action, **arguments)
    assert status == 400
    assert reason in text
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"5", b"{", b"\xff"])
async def test_body_that_is_no_object_is_refused(page: Page, body: bytes) -> None:
    """A body that is no JSON object is a 400."""
    headers = {"Origin": page.call.fake.url, "X-Page-Token": await page.token()}
    async with page.call.session.post(f"{page.call.fake.url}/_fake/actions", data=body, headers=headers) as response:
        assert response.status == 400


async def test_deleted_webhook_gets_no_resend(page: Page) -> None:
    """The button says that the webhook is gone instead of doing nothing."""
    webhook = await page.call.make("/webhooks", name="a", url="http://127.0.0.1:9/", events=["ticket.*"])
    await page.call.make("/tickets", title="a")
    await page.call.fake.deliveries.wait_until_idle()
    [shown] = (await page.state())["deliveries"]
    await page.call("PATCH", f"/webhooks/{webhook['id']}", {"isActive": False})
    status, text = await page.press("resend", delivery=shown["id"])
    assert (status, "switched off" in text) == (400, True)


async def test_page_takes_its_own_methods_only(page: Page) -> None:
    """Another method on a path of the page is a 405, and no request of the API."""
    for method, path in (("POST", "/"), ("PUT", "/_fake/state"), ("GET", "/_fake/actions")):
        async with page.call.session.request(method, page.call.fake.url + path) as response:
            assert response.status == 405
    assert len(page.call.fake.requests) == 0
