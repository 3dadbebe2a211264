"""Clients and calls made wrongly: every one is refused with an error of this package, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cstar_async import ConfigurationError, CStarClient, InvalidArgumentError, RequestOptions, models

from .conftest import MakeClient, Server


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("session", object()),
        ("ssl", "certificates.pem"),
        ("hooks", [object()]),
        ("rate_limiter", object()),
        ("proxy", "socks5://127.0.0.1:1080"),
    ],
)
def test_a_client_of_things_that_do_not_fit_is_refused(name: str, value: Any) -> None:
    """When it is made, with the name of the argument."""
    with pytest.raises(ConfigurationError, match=name):
        CStarClient(**{"api_key": "sk_test_abcdef", name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["timeout", "max_retries", "priority", "max_connections"])
def test_a_client_without_a_setting_is_refused(name: str) -> None:
    """None is no setting but where it is said to be one."""
    with pytest.raises(InvalidArgumentError, match=name):
        CStarClient(**{"api_key": "sk_test_abcdef", name: None})  # type: ignore[arg-type]


async def test_credentials_that_the_session_finds_are_refused(
    server: Server, make_client: MakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's session may read a .netrc, whose credentials for the host must not replace the key."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password hush\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with aiohttp.ClientSession(trust_env=True) as session:
        with pytest.raises(ConfigurationError, match="netrc"):
            await make_client(session=session).tickets.get("tkt_1")
    assert [] == server.requests


async def test_a_coroutine_has_no_response(server: Server, client: CStarClient) -> None:
    """`with_response` takes the method itself, and the error says so when it was already called."""
    with pytest.raises(InvalidArgumentError, match="must be a method"):
        await client.with_response(client.tickets.get("tkt_1"))  # type: ignore[arg-type]
    assert [] == server.requests


async def test_a_list_has_no_response(client: CStarClient) -> None:
    """Nor does what a method that lists has given."""
    with pytest.raises(InvalidArgumentError, match="must be a method"):
        await client.with_response(client.tickets.list())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": None},
        {"method": "HEAD"},
        {"path": None},
        {"params": "status=open"},
        {"params": {5: "a"}},
        {"params": {"status": None}},
        {"options": {"timeout": 5}},
        {"options": RequestOptions(extra_query={5: "a"})},  # type: ignore[dict-item]
        {"options": RequestOptions(headers={5: "a"})},  # type: ignore[dict-item]
        {"options": RequestOptions(headers={"X-A": 5})},  # type: ignore[dict-item]
        {"options": RequestOptions(headers="X-A: 5")},  # type: ignore[arg-type]
        {"options": RequestOptions(extra_query="a=5")},  # type: ignore[arg-type]
        {"options": RequestOptions(extra_body="a=5")},  # type: ignore[arg-type]
        {"options": RequestOptions(priority="high")},  # type: ignore[arg-type]
        {"options": RequestOptions(total_timeout=0)},
    ],
    ids=str,
)
async def test_a_request_of_things_that_do_not_fit_is_refused(
    server: Server, client: CStarClient, arguments: Mapping[str, Any]
) -> None:
    """Whatever is wrong with it is an InvalidArgumentError."""
    given = {"method": "GET", "path": "/activity", **arguments}
    with pytest.raises(InvalidArgumentError):
        await client.request(given.pop("method"), given.pop("path"), **given)
    assert [] == server.requests


def test_a_list_with_wrong_options_is_refused(client: CStarClient) -> None:
    """At once, not when the iteration starts."""
    with pytest.raises(InvalidArgumentError, match="RequestOptions"):
        client.tickets.list(options={"timeout": 5})  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [models.TicketStatus, dict, models.AutomationAction, 5], ids=str)
def test_what_is_no_model_is_not_read(kind: Any) -> None:
    """`from_dict` reads models only."""
    from cstar_async import from_dict

    with pytest.raises(InvalidArgumentError, match="model must be a class of"):
        from_dict(kind, {"type": "add_tags"})
