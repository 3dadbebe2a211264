"""The transport, and how users mock the client without a server: with aioresponses."""

from __future__ import annotations

import aiohttp
import pytest
from aioresponses import aioresponses
from yarl import URL

from cstar_async import ConnectionFailedError, CStarClient, NotFoundError, RequestTimeoutError
from cstar_async._protocol.messages import Request
from cstar_async._transport.aiohttp_transport import AiohttpTransport

TICKETS = "https://www.cstar.help/api/v1/teams/team/tickets"


def transport() -> AiohttpTransport:
    """Return the transport alone."""
    return AiohttpTransport(
        base_url=URL("https://www.cstar.help"),
        headers={},
        timeout=1.0,
        proxy=None,
        ssl=None,
        session=None,
        max_response_size=None,
        on_streams=lambda _: None,
    )


async def test_client_decodes_a_mocked_response(cstar_aioresponses: aioresponses) -> None:
    """One registered with aioresponses."""
    ticket = {"id": "tkt_1", "title": "Mocked", "status": "open", "priority": "low", "tags": []}
    cstar_aioresponses.get(f"{TICKETS}/tkt_1", payload={"success": True, "data": ticket})
    async with CStarClient(api_key="sk_test_mock", team_id="team") as cstar:
        assert (await cstar.tickets.get("tkt_1")).title == "Mocked"


async def test_client_raises_a_mocked_error(cstar_aioresponses: aioresponses) -> None:
    """As the class of its status."""
    cstar_aioresponses.get(
        f"{TICKETS}/tkt_2", status=404, payload={"error": {"code": "resource_missing", "message": "Ticket not found"}}
    )
    async with CStarClient(api_key="sk_test_mock", team_id="team") as cstar:
        with pytest.raises(NotFoundError, match="Ticket not found"):
            await cstar.tickets.get("tkt_2")


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (aiohttp.ServerDisconnectedError(), ConnectionFailedError),
        (aiohttp.ClientPayloadError("cut"), ConnectionFailedError),
        (OSError(104, "Connection reset by peer"), ConnectionFailedError),
        (TimeoutError(), RequestTimeoutError),
        (aiohttp.ConnectionTimeoutError(), RequestTimeoutError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
async def test_transport_translates_errors_of_aiohttp(
    raised: Exception, expected: type[Exception], cstar_aioresponses: aioresponses
) -> None:
    """To one of two classes of this package."""
    cstar_aioresponses.get("https://www.cstar.help/x", exception=raised)
    adapter = transport()
    try:
        with pytest.raises(expected):
            await adapter.send(Request("GET", "/x", "", None, None), 1.0)
    finally:
        await adapter.aclose()


async def test_aioresponses_still_needs_the_workaround() -> None:
    """When this fails, delete the workaround in cstar_async/testing/_aioresponses.py."""
    with aioresponses() as mock:
        mock.get("https://www.cstar.help/x", payload={})
        async with aiohttp.ClientSession() as session:
            with pytest.raises(TypeError, match="stream_writer"):
                await session.get("https://www.cstar.help/x")
