"""A storm: many creates through a proxy that injects faults, and their outcome."""

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

MAX_CONNECTIONS = 24
"""Concurrent requests of one client."""


class FastClock:
    """A clock that is a hundred times too fast: back-offs are short, and still longer than concurrent requests."""

    FACTOR = 100

    def monotonic(self) -> float:
        """Return the fast monotonic time."""
        return time.monotonic() * self.FACTOR

    def time(self) -> float:
        """Return the fast time since an epoch."""
        return 1_800_000_000.0 + self.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep for a hundredth of the time."""
        await asyncio.sleep(seconds / self.FACTOR)


class Service(Protocol):
    """A fake server, in this process or in another."""

    url: str
    secret_key: str
    team_id: str


@attrs.define
class Outcome:
    """The outcome of a storm."""

    returned: int = 0
    """Creates that returned their ticket."""
    failed: Counter[str] = attrs.field(factory=Counter)
    """Creates that raised, by class of the error."""
    cancelled: int = 0
    wrong: list[tuple[str, object]] = attrs.field(factory=list)
    """Pairs of a requested and a returned title that differ."""
    duplicated: list[str] = attrs.field(factory=list)
    """Titles that are on the server more than once."""
    lost: list[str] = attrs.field(factory=list)
    """Titles that were returned and are not on the server under the id returned."""
    leaked: list[str] = attrs.field(factory=list)
    """Slots and permits that were not released."""
    requests: int = 0
    faults: Counter[str] = attrs.field(factory=Counter)
    """Injected faults by kind."""

    def __str__(self) -> str:
        return (
            f"{self.returned} returned, {self.failed.total()} raised {dict(self.failed)}, {self.cancelled} cancelled,"
            f" {self.requests} requests, {self.faults.total()} faults, {len(self.duplicated)} duplicated"
        )

    @property
    def violations(self) -> tuple[list[object], ...]:
        """Everything that must be empty."""
        return (list(self.wrong), list(self.duplicated), list(self.lost), list(self.leaked))


async def storm(
    service: Service,
    *,
    creates: int,
    kinds: Iterable[str] = (),
    chance: float = 0.3,
    clients: int = 1,
    workers: int = 2 * MAX_CONNECTIONS,
    cancelling: float = 0.0,
    timeout: float = 5.0,
    session: aiohttp.ClientSession | None = None,
    seed: int = 1,
) -> Outcome:
    """Create tickets through a proxy.

    Args:
        service: The fake behind the proxy.
        creates: The number of creates, each with its own title.
        kinds: The kinds of faults; default all.
        chance: The probability of a fault.
        clients: The number of clients.
        workers: Concurrent calls of each client; more than its slots.
        cancelling: The probability that a create is cancelled, at a random time.
        timeout: Seconds for one attempt.
        session: A session of the user; default None: each client creates one.
        seed: The seed of all random choices.
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
            # In half of the cases, the event loop handles the connections before the next call.
            if random.random() < 0.5:
                await asyncio.sleep(0)

    async with Proxy(service.url, chance=chance, kinds=kinds, seed=seed) as proxy:
        made = [client_of(service, proxy.url, timeout=timeout, session=session) for _ in range(clients)]
        await asyncio.gather(*(work(client, proxy) for client in made for _ in range(workers)))
        for client in made:
            outcome.leaked += leaked_by(client)
            await client.aclose()
        outcome.requests, outcome.faults = proxy.requests, proxy.injected
    await compare(service, outcome, ids)
    return outcome


def client_of(service: Service, url: str, *, timeout: float = 30.0, session: aiohttp.ClientSession | None = None) -> CStarClient:
    """Create a client with a fast clock and without a retry budget."""
    return CStarClient(
        api_key=service.secret_key,
        team_id=service.team_id,
        base_url=url,
        timeout=timeout,
        max_connections=MAX_CONNECTIONS,
        retry_budget=None,
        session=session,
        _clock=FastClock(),
    )


def leaked_by(client: CStarClient, slots: int = MAX_CONNECTIONS) -> list[str]:
    """List the slots and permits that an idle client has not released."""
    context = client._executor.context
    in_flight = context.limiter._window.in_flight
    leaked = [f"{slots - context.semaphore.free} slots"] if context.semaphore.free != slots else []
    return leaked + ([f"{in_flight} permits"] if in_flight else [])


async def compare(service: Service, outcome: Outcome, ids: dict[str, str]) -> None:
    """Compare the returned tickets with those on the server."""
    async with client_of(service, service.url) as client:
        stored = [(ticket.title, ticket.id) async for ticket in client.tickets.list()]
    counts = Counter(title for title, _ in stored)
    outcome.duplicated = sorted(title for title, count in counts.items() if count > 1)
    outcome.lost = sorted(set(ids.items()) - set(stored))[:10]
