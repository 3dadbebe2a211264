"""A fake in a thread, for programs without an event loop."""

from __future__ import annotations

import asyncio
import threading
import urllib.request

import pytest

from cstar_async import ConfigurationError, CStarClient, CStarError
from cstar_async.testing import FakeCStar


def get(fake: FakeCStar, path: str) -> int:
    """Return the status of a GET request of another client library."""
    url = f"{fake.url}/api/v1/teams/{fake.team_id}{path}"
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Bearer {fake.secret_key}"})) as response:
        return int(response.status)


def test_plain_function_uses_a_fake() -> None:
    """`with` starts and stops a server that plain code can call, and leaves no thread."""
    before = threading.active_count()
    with FakeCStar(seed=1) as fake:
        assert get(fake, "/tickets") == 200
        url = fake.url
    assert fake.requests.last.operation == "list_tickets"
    assert threading.active_count() == before
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url)


def test_client_runs_in_a_loop_of_its_own() -> None:
    """`asyncio.run()` runs a client of it, whose wait ends when the plain code advances the clock."""

    async def wait_for_the_server(fake: FakeCStar) -> int:
        async with fake.client() as cstar:
            return len(await cstar.customers.list())

    with FakeCStar(seed=1) as fake:
        fake.faults.add(status=503, retry_after=50)
        timer = threading.Timer(0.01, advance, [fake])
        timer.start()
        assert asyncio.run(wait_for_the_server(fake)) == 12
        timer.join()


def advance(fake: FakeCStar) -> None:
    """Advance the clock once something waits on it."""
    while not fake.clock.sleeper_count:
        threading.Event().wait(0.001)
    fake.clock.advance(60)


def test_same_fake_starts_again() -> None:
    """The second `with` serves on the same port, with the data of the first."""
    fake = FakeCStar(seed=1)
    with fake:
        url = fake.url
    with fake:
        assert fake.url == url
        assert get(fake, "/customers") == 200


async def test_with_in_a_loop_is_an_error() -> None:
    """Where an event loop runs, `with` says that `async with` is needed."""
    with pytest.raises(CStarError, match="use 'async with'"), FakeCStar():
        pass


def test_fake_is_in_one_thread_only() -> None:
    """A fake cannot be entered again while it runs; it still ends."""
    with FakeCStar() as fake:
        with pytest.raises(CStarError, match="in a thread already"), fake:
            pass
        assert fake.url


def test_port_in_use_leaves_no_thread() -> None:
    """A fake that cannot start raises its error and ends its thread."""
    with FakeCStar() as fake:
        before = threading.active_count()
        with pytest.raises(ConfigurationError, match="cannot listen"), FakeCStar(port=int(fake.url.rpartition(":")[2])):
            pass
        assert threading.active_count() == before


def test_streams_and_deliveries_end_with_it() -> None:
    """Deliveries that are pending and streams that are open do not keep the thread."""

    async def listen(fake: FakeCStar) -> None:
        async with CStarClient(api_key=fake.secret_key, base_url=fake.url, team_id=fake.team_id) as cstar, cstar.events() as stream:
            await cstar.webhooks.create(name="a", url="http://127.0.0.1:9/", events=["*"])
            await cstar.tickets.create(title="a")
            await anext(aiter(stream))

    with FakeCStar() as fake:
        asyncio.run(asyncio.wait_for(listen(fake), 10))
        assert fake.deliveries.pending_count
