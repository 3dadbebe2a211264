"""The team of a client, its key, and what the log may show."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
from typing import Any, TypeVar

import pytest

from cstar_async import (
    AuthenticationError,
    ConfigurationError,
    CStarClient,
    CStarError,
    NotFoundError,
    RequestOptions,
)

from .conftest import KEY, TICKET, MakeClient, Server, failed, held, ok

T = TypeVar("T")
WHOAMI = {"teamId": "team_9"}
CLOSED = "closed"
OTHER_LOOP = "event loop"


async def test_the_team_is_found_once_for_many_callers(server: Server, make_client: MakeClient) -> None:
    """Fifty calls that need the team wait for one whoami."""
    server.script(ok(WHOAMI))
    client = make_client(team_id=None)
    await asyncio.gather(*(client.tickets.get(f"tkt_{number}") for number in range(50)))
    paths = [request.path for request in server.requests]
    assert (51, 50) == (len(paths), sum(path.startswith("/api/v1/teams/team_9/tickets/") for path in paths))


async def test_team_that_the_caller_requested_is_not_requested_again(server: Server, make_client: MakeClient) -> None:
    """A program that begins with whoami takes no second one, in any view of the client."""
    server.script(ok(WHOAMI))
    client = make_client(team_id=None)
    await client.auth.whoami()
    await client.with_options(timeout=5).tickets.get("tkt_1")
    assert ["/api/v1/auth/whoami", "/api/v1/teams/team_9/tickets/tkt_1"] == [request.path for request in server.requests]


@pytest.mark.parametrize("who", [{}, {"teamId": None}, {"teamId": ""}, {"teamId": 7}, {"teamId": ".."}], ids=repr)
async def test_whoami_returns_what_it_gets(server: Server, make_client: MakeClient, who: dict[str, Any]) -> None:
    """Also if that is no team for the paths of other calls."""
    server.script(ok(who))
    assert (await make_client(team_id=None).auth.whoami()).team_id == who.get("teamId")


async def test_cancelling_the_call_that_finds_the_team_does_not_end_the_others(server: Server, make_client: MakeClient) -> None:
    """When the first caller is cancelled, another takes over."""
    server.script(held(asyncio.Event(), ok(WHOAMI)), ok(WHOAMI))
    client = make_client(team_id=None)
    calls = [asyncio.ensure_future(client.tickets.get("tkt_1")) for _ in range(5)]
    await server.seen(1)
    calls[0].cancel()
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert 1 + 1 + 4 == len(server.requests)


async def test_a_failure_to_find_the_team_is_shared_and_not_kept(server: Server, make_client: MakeClient) -> None:
    """Waiting calls share the failure, each with an exception of its own, and the next call tries again."""
    server.script(failed(401), ok(WHOAMI))
    client = make_client(team_id=None)
    errors = await asyncio.gather(*(client.tickets.get("tkt_1") for _ in range(5)), return_exceptions=True)
    assert ([AuthenticationError] * 5, 5, 1) == ([type(error) for error in errors], len(set(map(id, errors))), len(server.requests))
    assert "tkt_1" == (await client.tickets.get("tkt_1")).id


@pytest.mark.parametrize("who", [{}, {"teamId": None}, {"teamId": ""}, {"teamId": 7}], ids=repr)
async def test_a_whoami_without_a_team_is_a_configuration_error(server: Server, make_client: MakeClient, who: Any) -> None:
    """If whoami returns no team, the error says to pass one."""
    server.script(ok(who))
    with pytest.raises(ConfigurationError, match="team_id="):
        await make_client(team_id=None).tickets.get("tkt_1")


@pytest.mark.parametrize("key", ["pk_live_abc", "pk_test_abc", "pk_abc"])
async def test_a_write_with_a_publishable_key_is_refused(server: Server, make_client: MakeClient, key: str) -> None:
    """A write is a ConfigurationError before anything is sent, in methods and in `request()`."""
    client = make_client(api_key=key)
    for write in (client.tickets.create(title="a"), client.tickets.delete("tkt_1"), client.request("POST", "/x")):
        with pytest.raises(ConfigurationError):
            await write
    assert [] == server.requests
    assert "tkt_1" == (await client.tickets.get("tkt_1")).id


async def test_the_key_is_in_no_repr_error_or_log(
    server: Server, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither key nor body nor header nor query values are shown, in DEBUG logs, reprs, errors and reports."""
    caplog.set_level(logging.DEBUG)
    client = make_client()
    options = RequestOptions(headers={"X-A": "hush-header"}, extra_query={"q": "hush-query"}, extra_body={"b": "hush-body"})
    server.script(failed(500, message=f"Bearer {KEY} is bad"), failed(403, message=f"key {KEY} is bad"))
    with pytest.raises(CStarError) as caught:
        await client.tickets.create(title="hush-title", options=options)
    seen = "\n".join([repr(client), str(caught.value), repr(caught.value), caught.value.report(), repr(options), caplog.text])
    assert [] == [secret for secret in (KEY, "secretpart", "hush") if secret in seen]
    assert "/api/v1/teams/{teamId}/tickets" in caplog.text


async def test_a_kept_error_has_no_key_in_it(server: Server, client: CStarClient) -> None:
    """A key that the server echoes is in no attribute and no pickle of the error."""
    echo = dict.fromkeys(("message", "type", "code", "param", "doc_url", "request_id"), f"has {KEY} in it")
    server.script(failed(401, **echo))
    with pytest.raises(AuthenticationError) as caught:
        await client.tickets.get("tkt_1")
    error = caught.value
    kept = [pickle.dumps(error).decode("latin-1"), repr(vars(error)), repr(error.args), repr(vars(copy.deepcopy(error)))]
    assert [] == [text for text in kept if "secretpart" in text]
    assert "has sk_test_… in it" == error.message


async def test_the_log_names_the_request(server: Server, client: CStarClient, caplog: pytest.LogCaptureFixture) -> None:
    """By its id, of a success or an error, from the body or a header."""
    caplog.set_level(logging.DEBUG)
    server.script(ok(TICKET), failed(404, request_id="req_bad"), ok(TICKET, meta={}, headers={"x-cstar-request-id": "req_head"}))
    await client.tickets.get("tkt_1")
    with pytest.raises(NotFoundError):
        await client.tickets.get("tkt_1")
    await client.tickets.get("tkt_1")
    messages = [record.getMessage() for record in caplog.records if "request req" in record.getMessage()]
    assert ["req_ok", "req_bad", "req_head"] == [line.rpartition(" ")[2] for line in messages]


async def test_a_raw_path_is_logged_without_addresses(client: CStarClient, caplog: pytest.LogCaptureFixture) -> None:
    """A path given by the caller has no template, and an id in it may be an e-mail address."""
    caplog.set_level(logging.DEBUG)
    await client.request("GET", "/customers/ann.lee@example.com")
    assert "ann.lee" not in caplog.text
    assert "GET /customers/" in caplog.text or "GET …@…" in caplog.text


async def test_from_env_reads_key_team_and_base_url(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """`from_env` reads key, team and base URL from the environment; arguments take precedence."""
    for name, value in (("API_KEY", "sk_env"), ("TEAM_ID", "team_env"), ("BASE_URL", server.url)):
        monkeypatch.setenv(f"CSTAR_{name}", value)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with CStarClient.from_env() as client, CStarClient.from_env(team_id="team_arg") as other:
        await client.tickets.get("t")
        await other.tickets.get("t")
    assert ["/api/v1/teams/team_env/tickets/t", "/api/v1/teams/team_arg/tickets/t"] == [sent.path for sent in server.requests]
    assert "Bearer sk_env" == server.requests[0].headers["authorization"]


async def test_from_env_takes_the_proxy_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only clients of `from_env` use the proxy of the environment."""
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url)
    made = {"api_key": KEY, "team_id": "team_1", "base_url": "http://nothing.invalid", "max_retries": 0}
    async with CStarClient.from_env(**made) as client, CStarClient(**made) as plain:  # type: ignore[arg-type, misc]
        await client.tickets.get("t")
        with pytest.raises(CStarError):
            await plain.tickets.get("t")
    assert ["http://nothing.invalid/api/v1/teams/team_1/tickets/t"] == [sent.target for sent in server.requests]


def test_from_env_without_a_key_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key the error names the variable."""
    monkeypatch.delenv("CSTAR_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="CSTAR_API_KEY"):
        CStarClient.from_env()
