"""`FakeCStar` as its users see it: start and stop, clients, data."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys

import aiohttp
import pytest

import cstar_async.testing
from cstar_async import ConfigurationError, CStarError
from cstar_async.testing import FakeClock, FakeCStar
from cstar_async.testing._data.spec import Document, generated_document
from cstar_async.testing._handlers.registry import operations_without_handler

from .conftest import Caller, calling


async def test_client_of_the_fake_reaches_it() -> None:
    """`client()` needs no arguments to create a ticket and iterate over the list."""
    async with FakeCStar() as fake, fake.client() as cstar:
        ticket = await cstar.tickets.create(title="Cannot log in", priority="high")
        await cstar.tickets.messages.create(ticket.id, content="On it.")
        assert [found.id async for found in cstar.tickets.list(priority="high")] == [ticket.id]
        assert (await cstar.tickets.get(ticket.id)).message_count == 1
    assert fake.requests[0].json == {"title": "Cannot log in", "priority": "high"}


async def test_client_takes_other_options() -> None:
    """Arguments of `client()` override those of the fake."""
    async with FakeCStar() as fake, fake.client(api_key=fake.publishable_key, max_retries=0) as cstar:
        assert (await cstar.auth.whoami()).key_type == "publishable"


async def test_client_waits_on_the_clock_of_the_fake() -> None:
    """Advancing the fake's clock ends the wait of a client."""
    async with FakeCStar() as fake, fake.client() as cstar:
        fake.faults.add(status=503, retry_after=50)
        call = asyncio.ensure_future(cstar.tags.list().collect())
        await fake.clock.wait_for_sleepers()
        fake.clock.advance(60)
        assert await asyncio.wait_for(call, 5) == []


async def test_fake_without_a_start_has_no_url() -> None:
    """`url` raises an error that says what to do before the start."""
    fake = FakeCStar()
    with pytest.raises(CStarError, match="async with"):
        _ = fake.url


async def test_start_and_close_may_be_repeated() -> None:
    """`start()` and `aclose()` can be called any number of times, in any order."""
    fake = FakeCStar()
    await fake.aclose()
    await fake.start()
    url = fake.url
    await fake.start()
    assert fake.url == url
    await fake.aclose()
    await fake.aclose()


async def test_restarted_fake_keeps_its_data() -> None:
    """Data survives a restart."""
    fake = FakeCStar()
    async with calling(fake) as call:
        await call.make("/tickets", title="a")
    async with calling(fake) as call:
        assert len((await call("GET", "/tickets")).data) == 1


async def test_fakes_run_side_by_side() -> None:
    """Two fakes share neither port nor data."""
    async with calling(FakeCStar()) as one, calling(FakeCStar()) as other:
        assert one.fake.url != other.fake.url
        await one.make("/tickets", title="a")
        assert (await other("GET", "/tickets")).data == []


async def test_fake_listens_on_loopback_only(fake: FakeCStar) -> None:
    """The default address is loopback."""
    assert fake.url.startswith("http://127.0.0.1:")


async def test_address_of_version_six_is_bracketed() -> None:
    """An IPv6 address has brackets in the URL."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with FakeCStar(host="::1") as fake:
        assert fake.url.startswith("http://[::1]:")


async def test_port_in_use_is_an_error(fake: FakeCStar) -> None:
    """A port in use is a `ConfigurationError`, after which the fake can be closed and started elsewhere."""
    second = FakeCStar(port=int(fake.url.rpartition(":")[2]))
    with pytest.raises(ConfigurationError, match="Address already in use"):
        await second.start()
    with pytest.raises(CStarError):
        _ = second.url


async def test_closing_does_not_wait_for_delayed_responses() -> None:
    """A response that a fault delays does not delay `aclose()`."""
    fake = FakeCStar()
    async with aiohttp.ClientSession() as session:
        async with fake:
            fake.faults.add(delay=3_600)
            url = f"{fake.url}/api/v1/auth/whoami"
            task = asyncio.create_task(session.get(url))
            await fake.clock.wait_for_sleepers()
        with pytest.raises(aiohttp.ClientError):
            await task
    assert fake.clock.sleeper_count == 0


async def test_fake_uses_a_given_clock() -> None:
    """A given clock is used as it is."""
    clock = FakeClock(start=4_000_000_000.0, frozen=True)
    async with calling(FakeCStar(clock=clock)) as call:
        assert (await call("GET", "/tags")).headers["X-RateLimit-Reset"] == "4000003600"


async def test_empty_fake_has_members_only(call: Caller) -> None:
    """Without a seed a team has only its members."""
    counts = {
        path: len((await call("GET", path)).data)
        for path in ("/members", "/tickets", "/customers", "/articles", "/categories", "/tags")
    }
    assert counts.pop("/members") == 3
    assert set(counts.values()) == {0}


async def test_seeded_fake_is_full() -> None:
    """With a seed there are customers, a library, and tickets of every status, some with messages."""
    async with calling(FakeCStar(seed=1)) as call:
        tickets = (await call("GET", "/tickets?pageSize=100")).data
        assert {ticket["status"] for ticket in tickets} == {"new", "open", "pending", "resolved", "closed"}
        assert any(ticket["firstResponseAt"] for ticket in tickets)
        assert all(ticket["createdAt"] <= ticket["updatedAt"] for ticket in tickets)
        assert len((await call("GET", "/customers")).data) == 12
        assert {article["status"] for article in (await call("GET", "/articles")).data} == {"draft", "published", "archived"}
        assert len((await call("GET", "/categories")).data) == 3


async def test_seed_repeats_itself() -> None:
    """The same seed gives the same ids and texts, another one different ones."""
    titles = []
    for seed in (1, 1, 2):
        async with calling(FakeCStar(seed=seed, clock=FakeClock(start=0.0, frozen=True))) as call:
            titles.append((await call("GET", "/tickets")).data)
    assert titles[0] == titles[1] != titles[2]


def test_every_operation_has_a_handler() -> None:
    """The fake can handle each operation of the document."""
    assert operations_without_handler() == []


def test_operation_without_handler_is_found() -> None:
    """An operation whose action nothing handles is reported; one without an action returns a sample."""
    known = generated_document()
    get, lost = known.operations["get_ticket"], known.operations["delete_tag"]
    import attrs

    operations = {
        "get_ticket": get,
        "bare": attrs.evolve(get, id="bare", extensions={}),
        "odd": attrs.evolve(get, id="odd", extensions={"collection": "tickets", "action": "special"}),
        "delete_tag": lost,
    }
    assert operations_without_handler(Document(operations, known.components)) == ["odd", "delete_tag"]


def test_package_lists_its_names() -> None:
    """`cstar_async.testing` imports its names on first use and has no others."""
    assert set(cstar_async.testing.__all__) <= set(dir(cstar_async.testing))
    assert [getattr(cstar_async.testing, name).__name__ for name in cstar_async.testing.__all__] == cstar_async.testing.__all__
    with pytest.raises(AttributeError, match="nothing"):
        _ = cstar_async.testing.nothing


def test_plugin_costs_nothing() -> None:
    """Importing the pytest plugin imports neither aiohttp nor the fake."""
    code = (
        "import sys, cstar_async.testing.pytest_plugin\n"
        "print([name for name in sys.modules if name == 'aiohttp' or name.startswith('cstar_async.testing.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['cstar_async.testing.pytest_plugin']"
