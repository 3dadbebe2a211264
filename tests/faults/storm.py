"""A storm: many creates through a proxy that spoils some of them, and what came of it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Protocol

import aiohttp
import attrs

from cstar_async import CStarClient, CStarError
from tests.faults.proxy import Proxy

PLACES = 24
"""Calls in flight at once, of one client."""


class HurriedClock:
    """A clock that runs a hundred times as fast as time: a back-off costs little, and still outlasts what others do meanwhile."""

    FASTER = 100

    def monotonic(self) -> float:
        """Seconds, a hundred for each."""
        return time.monotonic() * self.FASTER

    def time(self) -> float:
        """Seconds since some epoch."""
        return 1_800_000_000.0 + self.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait for a hundredth of it."""
        await asyncio.sleep(seconds / self.FASTER)


class Service(Protocol):
    """A fake, in this process or in another."""

    url: str
    secret_key: str
    team_id: str


@attrs.define
class Outcome:
    """What came of a storm."""

    returned: int = 0
    """Creates that gave a ticket, each the one asked for."""
    failed: Counter[str] = attrs.field(factory=Counter)
    """Creates that raised, by class."""
    cancelled: int = 0
    wrong: list[tuple[str, object]] = attrs.field(factory=list)
    """Titles asked for and got, where they differ."""
    doubled: list[str] = attrs.field(factory=list)
    """Titles that are on the server more than once."""
    lost: list[str] = attrs.field(factory=list)
    """Titles that were returned and are not on the server under the id returned."""
    kept: list[str] = attrs.field(factory=list)
    """What did not come back: places, permits."""
    requests: int = 0
    met: Counter[str] = attrs.field(factory=Counter)
    """Requests that met a fault, by kind."""

    def __str__(self) -> str:
        return (
            f"{self.returned} returned, {self.failed.total()} raised {dict(self.failed)}, {self.cancelled} cancelled,"
            f" {self.requests} requests, {self.met.total()} faults, {len(self.doubled)} doubled"
        )

    @property
    def faultless(self) -> tuple[list[object], ...]:
        """All that must be empty."""
        return (list(self.wrong), list(self.doubled), list(self.lost), list(self.kept))


async def storm(
    service: Service,
    *,
    creates: int,
    kinds: Iterable[str] = (),
    chance: float = 0.3,
    clients: int = 1,
    workers: int = 2 * PLACES,
    cancelling: float = 0.0,
    timeout: float = 5.0,
    session: aiohttp.ClientSession | None = None,
    seed: int = 1,
) -> Outcome:
    """Create tickets through a proxy.

    Args:
        service: The fake behind the proxy.
        creates: How many, each with a title of its own.
        kinds: Of faults; default all.
        chance: That a request meets one.
        clients: How many clients share the work.
        workers: How many calls each has open at once; more than it has places.
        cancelling: The chance that a create is cancelled, at a random moment of its life.
        timeout: Seconds for one attempt.
        session: Of the user's own; default None, each client makes one.
        seed: Of all that is random here.
    """
    outcome = Outcome()
    ids: dict[str, str] = {}
    titles = iter([f"{seed}-{number}" for number in range(creates)])
    random = Random(seed)

    async def create(client: CStarClient, title: str) -> None:
        try:
            ticket = await client.tickets.create(title=title)
        except CStarError as error:
            outcome.failed[type(error).__name__] += 1
            return
        outcome.returned += 1
        ids[title] = ticket.id
        if ticket.title != title:
            outcome.wrong.append((title, ticket.title))

    async def work(client: CStarClient, proxy: Proxy) -> None:
        for title in titles:
            if random.random() < cancelling:
                task = asyncio.ensure_future(create(client, title))
                asyncio.get_running_loop().call_later(random.random() ** 2 * 0.05, task.cancel)
                try:
                    await task
                except asyncio.CancelledError:
                    outcome.cancelled += 1
            else:
                await create(client, title)
            proxy.repeat()
            # Half of the time the loop looks at the connections before the next call, half of the time it does not.
            if random.random() < 0.5:
                await asyncio.sleep(0)

    async with Proxy(service.url, chance=chance, kinds=kinds, seed=seed) as proxy:
        made = [client_of(service, proxy.url, timeout=timeout, session=session) for _ in range(clients)]
        await asyncio.gather(*(work(client, proxy) for client in made for _ in range(workers)))
        for client in made:
            outcome.kept += kept_by(client)
            await client.aclose()
        outcome.requests, outcome.met = proxy.requests, proxy.met
    await judge(service, outcome, ids)
    return outcome


def client_of(service: Service, url: str, *, timeout: float = 30.0, session: aiohttp.ClientSession | None = None) -> CStarClient:
    """A client of a fake behind a proxy, whose waits take a hundredth of their time and whose retries are not budgeted."""
    return CStarClient(
        api_key=service.secret_key,
        team_id=service.team_id,
        base_url=url,
        timeout=timeout,
        max_connections=PLACES,
        retry_budget=None,
        session=session,
        _clock=HurriedClock(),
    )


def kept_by(client: CStarClient, places: int = PLACES) -> list[str]:
    """What a client without calls has not been given back."""
    context = client._executor.context
    in_flight = context.limiter._window.in_flight
    kept = [f"{places - context.semaphore.free} places"] if context.semaphore.free != places else []
    return kept + ([f"{in_flight} permits"] if in_flight else [])


async def judge(service: Service, outcome: Outcome, ids: dict[str, str]) -> None:
    """Compare what was returned with what the server has, asked directly."""
    async with client_of(service, service.url) as client:
        stored = [(ticket.title, ticket.id) async for ticket in client.tickets.list()]
    counts = Counter(title for title, _ in stored)
    outcome.doubled = sorted(title for title, count in counts.items() if count > 1)
    outcome.lost = sorted(set(ids.items()) - set(stored))[:10]
