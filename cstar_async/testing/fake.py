"""`FakeCStar`: the rooms of this package put together. No rule of the API and no socket is written here."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, Unpack

from cstar_async.testing._data.collections import load_collections
from cstar_async.testing._data.ids import new_id, new_request_id, seeded_random
from cstar_async.testing._data.spec import generated_document
from cstar_async.testing._data.store import Database, Team
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._events.delivery_log import DeliveryLog
from cstar_async.testing._events.dispatcher import DOCUMENTED_RETRIES, DeliveryDispatcher
from cstar_async.testing._events.factory import EventFactory
from cstar_async.testing._events.faults import DeliveryFaults
from cstar_async.testing._events.publisher import EventPublisher
from cstar_async.testing._events.streams import EventStreams
from cstar_async.testing._handlers.webhooks import LISTEN_OPERATION
from cstar_async.testing._http.auth import APIKeys, Environment, Key, KeyKind, new_key_text
from cstar_async.testing._http.faults import FaultRegistry
from cstar_async.testing._http.idempotency import IdempotencyCache
from cstar_async.testing._http.rate_limits import DOCUMENTED_LIMITS, DOCUMENTED_WINDOW_S, UNLIMITED, RateLimits
from cstar_async.testing._http.request_log import MAX_REQUESTS, RequestLog
from cstar_async.testing._http.responses import Envelopes, PaginationLocation, PaginationShape
from cstar_async.testing._http.routing import Routes
from cstar_async.testing._http.validation import Validation
from cstar_async.testing._seed import add_members, add_seed_data
from cstar_async.testing._server.app import LoopbackServer
from cstar_async.testing._server.pipeline import RequestPipeline
from cstar_async.testing.clock import FakeClock

if TYPE_CHECKING:
    from cstar_async.client import ClientOptions, CStarClient
    from cstar_async.library import CStarLibrary, LibraryOptions


class FakeCStar:
    """A cStar on loopback, with state, for tests and local work.

    It behaves as the API document says, checks every request against it, and keeps in memory what it is told::

        async with FakeCStar() as fake, fake.client() as cstar:
            ticket = await cstar.tickets.create(title="Cannot log in")
            assert fake.requests[-1].json == {"title": "Cannot log in"}

    It tells of changes as cStar does: by signed deliveries to webhooks on this machine, of which `deliveries` shows every attempt,
    and over the event stream; `streams` are those that are open. To other machines nothing is sent.

    Several may run at once; each has a port, keys and a database of its own.

    Args:
        seed: None, the default, for a team without anything but its members, an owner and two agents; a number for one with
            customers, articles, categories, tags, tickets and a boss besides. Ids are the same in every run either way, given
            the same calls in the same order; the number also seeds the chance of faults.
        clock: The time that the fake lives in; default a new `FakeClock` that runs with real time.
        limits: Whether calls are limited as documented; default True. False announces a limit that is never reached.
        rate_limit: Calls a window for every key, from 0; default the documented ones: 1,000 for secret keys, 100 for
            publishable ones, 200 for every address that reads the public library.
        rate_window: Length of a window in whole seconds, from 1; default 3,600.
        pagination: Where `pagination` stands in the answer of a list: `"top"`, the default, or in `"meta"`.
        pagination_shape: Which form it has: with `"hasMore"`, the default, or `"totalPages"`.
        delivery_retries: Seconds, on the fake's clock, before each further attempt to deliver an event to a webhook; default the
            documented 30 s, 2 min, 10 min, 1 h, 6 h and 24 h.
        max_requests: How many requests `requests` keeps, and attempts `deliveries`, from 1; default 100,000. The oldest go first.
        host: Where to listen; default 127.0.0.1, which nobody else can reach.
        port: Which port to listen on; default 0, a free one.

    Raises:
        ImportError: `jsonschema` is not installed; the extra `testing` has it.
        ValueError: A limit, window, wait or journal out of range.
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        clock: FakeClock | None = None,
        limits: bool = True,
        rate_limit: int | None = None,
        rate_window: int = DOCUMENTED_WINDOW_S,
        pagination: PaginationLocation = "top",
        pagination_shape: PaginationShape = "hasMore",
        delivery_retries: Sequence[float] = DOCUMENTED_RETRIES,
        max_requests: int = MAX_REQUESTS,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.clock: Final = FakeClock() if clock is None else clock
        self.requests: Final = RequestLog(max_requests)
        self.faults: Final = FaultRegistry(seeded_random("faults", seed))
        self._seed = seed
        self._key_ids = seeded_random("keys", seed)
        self._request_ids = seeded_random("requests", seed)
        self._document = generated_document()
        self._schemas = load_collections(self._document)
        self._databases: dict[tuple[str, Environment], Database] = {}
        self._keys = APIKeys()
        self._limits = _rate_limits(limits=limits, rate_limit=rate_limit, rate_window=rate_window)
        self._team = self._new_team("Acme Corp", "acme")
        self._secret = self._new_key(self._team, "secret", "test", None)
        self._publishable = self._new_key(self._team, "publishable", "test", None)
        self._dispatcher = DeliveryDispatcher(
            DeliveryFaults(seeded_random("delivery faults", seed)), self.clock, retries=delivery_retries, max_entries=max_requests
        )
        self.deliveries: Final = DeliveryLog(self._dispatcher)
        self.streams: Final = EventStreams(self.clock, seeded_random("streams", seed))
        events = seeded_random("events", seed)
        pipeline = RequestPipeline(
            routes=Routes([*self._document.operations.values(), LISTEN_OPERATION]),
            keys=self._keys,
            limits=self._limits,
            idempotency=IdempotencyCache(),
            validation=Validation(self._document),
            envelopes=Envelopes(pagination, pagination_shape),
            publisher=EventPublisher(
                factory=EventFactory(self._document, events),
                dispatcher=self._dispatcher,
                streams=self.streams,
                random=events,
                now_s=self.clock.time,
            ),
            database_for=lambda key: self._database_for(key.team, key.environment),
            library_for=self._library_for,
            new_request_id=lambda: new_request_id(self._request_ids),
            now_s=self.clock.time,
        )
        self._server = LoopbackServer(pipeline, self.requests, self.faults, self.clock, host=host, port=port)

    @property
    def url(self) -> str:
        """Where it listens, such as `http://127.0.0.1:41234`.

        Raises:
            RuntimeError: It was not started, or is closed.
        """
        if self._server.url is None:
            raise RuntimeError("the fake has no address: enter it with 'async with' or call start() first")
        return self._server.url

    @property
    def secret_key(self) -> str:
        """A key of the team that may do everything, of the test environment."""
        return self._secret.text

    @property
    def publishable_key(self) -> str:
        """A key of the team that may read, of the test environment."""
        return self._publishable.text

    @property
    def team_id(self) -> str:
        """The team that both keys belong to."""
        return self._team.id

    def client(self, **options: Unpack[ClientOptions]) -> CStarClient:
        """A client of this fake, not yet entered, that lives by its clock: advancing that ends the client's waits.

        Args:
            options: Arguments of `CStarClient`, over those that lead here: *api_key*, *team_id* and *base_url*.

        Raises:
            RuntimeError: The fake was not started, or is closed.
        """
        from cstar_async.client import ClientOptions, CStarClient

        here = ClientOptions(api_key=self.secret_key, team_id=self.team_id, base_url=self.url)
        return CStarClient(**(here | options), _clock=self.clock)

    def library(self, **options: Unpack[LibraryOptions]) -> CStarLibrary:
        """The public library of the fake's team, not yet entered, that lives by the clock of the fake.

        It shows the published public articles and the public categories of the test environment.

        Args:
            options: Arguments of `CStarLibrary`, over those that lead here: *team* and *base_url*.

        Raises:
            RuntimeError: The fake was not started, or is closed.
        """
        from cstar_async.library import CStarLibrary, LibraryOptions

        here = LibraryOptions(team=self._team.slug, base_url=self.url)
        return CStarLibrary(**(here | options), _clock=self.clock)

    def add_key(
        self,
        kind: KeyKind = "secret",
        *,
        environment: Environment = "test",
        team: str | None = None,
        expires_in: float | None = None,
    ) -> str:
        """Make one more key.

        Args:
            kind: `"secret"`, the default, or `"publishable"`.
            environment: `"test"`, the default, or `"live"`, where a team has nothing but its members.
            team: The slug of another team, which is made when it is new; default the team of the fake.
            expires_in: Seconds, on the fake's clock, for which the key is good; default for ever.

        Returns:
            The text of the key. `team_of()` knows its team.
        """
        expires_at = None if expires_in is None else self.clock.time() + expires_in
        teams = {key.team.slug: key.team for key in self._keys}
        owner = self._team if team is None else teams.get(team) or self._new_team(team.replace("-", " ").title(), team)
        return self._new_key(owner, kind, environment, expires_at).text

    def revoke_key(self, key: str) -> None:
        """Make a key unknown.

        Raises:
            KeyError: It is not known.
        """
        self._keys.revoke(key)

    def team_of(self, key: str) -> Team:
        """The team of a key.

        Raises:
            KeyError: The key is not known.
        """
        return self._keys.get(key).team

    def use_calls(self, calls: int, *, key: str | None = None) -> None:
        """Use up calls of a running window, as if somebody else had called with the same key.

        Args:
            calls: How many.
            key: Whose; default the secret key.
        """
        self._limits.spend(self._secret if key is None else self._keys.get(key), calls, self.clock.time())

    async def start(self) -> None:
        """Begin to listen; a second call does nothing.

        Closed, it may be started again, in the same place, and knows what it knew: deliveries that are not done go on.

        Raises:
            OSError: The port is in use.
        """
        await self._server.start()
        self._dispatcher.start()

    async def aclose(self) -> None:
        """Stop listening and drop what is open; may be called twice, and on a fake never started. The journal can still be read."""
        self.streams.end()
        await self._server.aclose()
        self.streams.end()  # also one that was opened meanwhile
        await self._dispatcher.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _library_for(self, name: str) -> Database:
        """The database that a public library shows: that of the test environment, since tests fill that one.

        Raises:
            APIFailure: 404: no team has this slug or id.
        """
        for team in (self._team, *(key.team for key in self._keys)):
            if name in (team.id, team.slug):
                return self._database_for(team, "test")
        raise APIFailure(404, "resource_missing", "Team not found")

    def _database_for(self, team: Team, environment: Environment) -> Database:
        """The database of a team in an environment, made when it is first looked at."""
        place = (team.id, environment)
        if place not in self._databases:
            random = seeded_random("world", self._seed, team.slug, environment)
            database = Database(team, self._document, self._schemas, random)
            self._databases[place] = database
            add_members(database, now_s=self.clock.time())
            if self._seed is not None and place == (self._team.id, "test"):
                add_seed_data(database, now_s=self.clock.time())
            database.pop_changes()  # what was there before is no news
        return self._databases[place]

    def _new_team(self, name: str, slug: str) -> Team:
        return Team(new_id("", self._key_ids), name, slug)

    def _new_key(self, team: Team, kind: KeyKind, environment: Environment, expires_at: float | None) -> Key:
        text = new_key_text(kind, environment, self._key_ids)
        key = Key(text=text, kind=kind, environment=environment, team=team, expires_at=expires_at)
        self._keys.add(key)
        return key


def _rate_limits(*, limits: bool, rate_limit: int | None, rate_window: int) -> RateLimits:
    if not limits:
        return RateLimits(dict.fromkeys(DOCUMENTED_LIMITS, UNLIMITED), rate_window)
    if rate_limit is not None:
        return RateLimits(dict.fromkeys(DOCUMENTED_LIMITS, rate_limit), rate_window)
    return RateLimits(DOCUMENTED_LIMITS, rate_window)
