"""Requests to Prism, an independent mock server for OpenAPI.

Prism validates every request against the OpenAPI document, and responds with its examples, which the client has to decode.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cstar_async import CStarClient, CStarLibrary
from tests.every_operation import SampleCall, sample_calls
from tests.external.node_tools import DOCUMENT, node_tool
from tests.ports import free_port

pytestmark = [pytest.mark.external, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def prism_port() -> int:
    """Return a free port."""
    return free_port()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prism(prism_port: int) -> AsyncIterator[str]:
    """Prism on loopback. It refuses every request that the document does not allow."""
    process = await asyncio.create_subprocess_exec(
        *(node_tool("prism"), "mock", str(DOCUMENT), "--errors", "--port", str(prism_port), "--host", "127.0.0.1"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            while b"listening on" not in (line := await process.stdout.readline()):
                assert line, "prism ended before it listened"
        drain = asyncio.create_task(process.stdout.read())
        yield f"http://127.0.0.1:{prism_port}"
        drain.cancel()
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.parametrize("call", sample_calls(), ids=lambda call: call.operation.id)
async def test_prism_accepts_every_operation(call: SampleCall, prism: str) -> None:
    """With every parameter and body field. The client decodes the example of the document."""
    path = [f"{parameter.name} with / and ?" for parameter in call.operation.parameters if parameter.location == "path"]
    if call.operation.scope == "library":
        client: CStarClient | CStarLibrary = CStarLibrary(team="acme", base_url=prism, max_retries=0)
    else:
        client = CStarClient(api_key="sk_test_" + "a" * 32, team_id="team", base_url=prism, max_retries=0)
    async with client:
        response = await client.with_response(call.make, client, *path)
    assert response.status == call.operation.success_status
    assert "sl-violations" not in response.headers
