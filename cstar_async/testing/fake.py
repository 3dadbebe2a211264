"""`FakeCStar`: builds the server from the parts of this package. No rule of the API is implemented here."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType, TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self, TypeVar, Unpack, overload

from cstar_async._types import is_int, is_str
from cstar_async._values.repr import PublicDir, short_repr
from cstar_async._values.validation import (
    MAX_INT_BITS,
    check_choice,
    check_instance,
    check_str,
    invalid,
    is_number,
    validate_count,
    validate_seconds,
)
from cstar_async.errors import CStarError, InvalidArgumentError
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
from cstar_async.testing._http.auth import APIKeys, Environment, Key, KeyType, new_key_text
from cstar_async.testing._http.faults import FaultRegistry
from cstar_async.testing._http.idempotency import IdempotencyCache
from cstar_async.testing._http.rate_limits import DOCUMENTED_WINDOW_S, new_rate_limits
from cstar_async.testing._http.request_log import MAX_REQUESTS, RequestLog
from cstar_async.testing._http.responses import Envelopes
from cstar_async.testing._http.routing import Routes
from cstar_async.testing._http.validation import Validation
from cstar_async.testing._page.site import Site
from cstar_async.testing._page.state import FakeParts
from cstar_async.testing._seed import add_members, add_seed_data
from cstar_async.testing._server.app import LoopbackServer
from cstar_async.testing._server.pipeline import RequestPipeline
from cstar_async.testing._server.thread import LoopThread
from cstar_async.testing.clock import FakeClock

if TYPE_CHECKING:
    from cstar_async.client import ClientOptions, CStarClient
    from cstar_async.library import CStarLibrary, LibraryOptions

ClientT = TypeVar("ClientT", bound="CStarClient")


class FakeCStar(PublicDir):
    """A cStar server on loopback, with state in memory, for tests and local work.

    It behaves as the API document says and validates every request against it::

        async with FakeCStar() as fake, fake.client() as cstar:
            ticket = await cstar.tickets.create(title="Cannot log in")
            assert fake.requests[-1].json == {"title": "Cannot log in"}

    It sends events as cStar does: signed deliveries to webhooks on this machine, which `deliveries` logs, and the event stream,
    whose open connections are in `streams`. It never connects to another machine.

    `url` in a browser shows requests, tickets, deliveries with a button to resend, the rate limit, faults and the clock.

    `with` instead of `async with` runs it in a thread, for programs without an event loop.

    Several fakes can run at once; each has its own port, keys and data.

    Args:
        seed: None (default): the team has only its members, an owner and two agents. An int: the team also has customers, articles,
            categories, tags, tickets and a boss. Ids depend only on *seed* and the order of the calls; it also seeds the faults.
        rows: Customers and tickets of that data, from 0; default 12 and 30. It needs a *seed*.
        clock: The clock of the server; default a new `FakeClock` that runs with real time.
        limits: Whether rate limits apply; default True. False reports a limit that is never reached.
        rate_limit: Calls per window for every key, from 0; default the documented limits: 1,000 for secret keys, 100 for
            publishable keys, 200 for each address that reads the public library.
        rate_window: Length of a window in whole seconds, from 1; default 3,600.
        pagination: Location of `pagination` in the response of a list: `"top"` (default) or `"meta"`.
        pagination_shape: The field that says whether more pages follow: `"hasMore"` (default) or `"totalPages"`.
        delivery_retries: Seconds, by the fake's clock, before each retry of a webhook delivery. Default: the documented 30 s, 2
            min, 10 min, 1 h, 6 h and 24 h.
        max_requests: Entries that `requests` and `deliveries` keep, from 1; default 100,000. The oldest are dropped first.
        package: The package whose document is served; default `cstar_async`. Another one extends it by an overlay, as
            `cstar-async codegen --overlay` writes it. An operation without a description of its behaviour returns a sample of its
            schema; `fake.requests` marks that with `is_sample`.
        host: The address to listen on; default 127.0.0.1, which other machines cannot reach.
        port: The port to listen on; default 0, a free one.

    Raises:
        ImportError: `jsonschema` is not installed; the extra `testing` installs it.
        InvalidArgumentError: An argument is of another type, or out of its range.
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        rows: int | None = None,
        clock: FakeClock | None = None,
        limits: bool = True,
        rate_limit: int | None = None,
        rate_window: int = DOCUMENTED_WINDOW_S,
        pagination: Literal["top", "meta"] = "top",
        pagination_shape: Literal["hasMore", "totalPages"] = "hasMore",
        delivery_retries: Sequence[float] = DOCUMENTED_RETRIES,
        max_requests: int = MAX_REQUESTS,
        package: str = "cstar_async",
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        if seed is not None and not (is_int(seed) and seed.bit_length() <= MAX_INT_BITS):
            raise invalid("seed", f"an int of at most {MAX_INT_BITS} bits", seed)
        if rows is not None and seed is None:
            raise InvalidArgumentError(f"rows must be None without a seed, got {short_repr(rows)}; pass seed=1")
        self._rows = None if rows is None else validate_count("rows", rows, 0)
        check_instance("clock", clock, (FakeClock, NoneType), "a FakeClock")
        check_choice("pagination", pagination, ("top", "meta"))
        check_choice("pagination_shape", pagination_shape, ("hasMore", "totalPages"))
        check_instance("delivery_retries", delivery_retries, (list, tuple), "a list of seconds")
        for seconds in delivery_retries:
            validate_seconds("delivery_retries", seconds)
        if not (is_str(host) and host.isascii() and host.isprintable() and host):
            raise invalid("host", "an address or the name of one", host)
        validate_count("port", port, 0)
        self.clock: Final = FakeClock() if clock is None else clock
        self.requests: Final = RequestLog(max_requests)
        self.faults: Final = FaultRegistry(seeded_random("faults", seed))
        self._thread: LoopThread | None = None
        self._seed = seed
        self._key_ids = seeded_random("keys", seed)
        self._request_ids = seeded_random("requests", seed)
        check_str("package", package)  # what the cache cannot hash would raise a TypeError
        self._document = generated_document(package)
        self._schemas = load_collections(self._document)
        self._databases: dict[tuple[str, Environment], Database] = {}
        self._keys = APIKeys()
        self._limits = new_rate_limits(limits=limits, rate_limit=rate_limit, rate_window=rate_window)
        self._team = self._new_team("Acme Corp", "acme")
        self._secret = self._new_key(self._team, "secret", "test", None)
        self._publishable = self._new_key(self._team, "publishable", "test", None)
        self._dispatcher = DeliveryDispatcher(
            DeliveryFaults(seeded_random("delivery faults", seed)), self.clock, retries=delivery_retries, max_entries=max_requests
        )
        self.deliveries: Final = DeliveryLog(self._dispatcher)
        self.streams: Final = EventStreams(self.clock, seeded_random("streams", seed))
        events = seeded_random("events", seed)
        publisher = EventPublisher(
            factory=EventFactory(self._document, events),
            dispatcher=self._dispatcher,
            streams=self.streams,
            random=events,
            now_s=self.clock.time,
        )
        pipeline = RequestPipeline(
            routes=Routes([*self._document.operations.values(), LISTEN_OPERATION]),
            keys=self._keys,
            limits=self._limits,
            idempotency=IdempotencyCache(),
            validation=Validation(self._document),
            envelopes=Envelopes(pagination, pagination_shape),
            publisher=publisher,
            database_for=lambda key: self._database_for(key.team, key.environment),
            library_for=self._library_for,
            new_request_id=lambda: new_request_id(self._request_ids),
            now_s=self.clock.time,
        )
        site = Site(
            FakeParts(
                team=self._team.name,
                clock=self.clock,
                requests=self.requests,
                faults=self.faults,
                deliveries=self.deliveries,
                streams=self.streams,
                publisher=publisher,
                keys=self._keys,
                limits=self._limits,
                operations=sorted(self._document.operations),
                database=lambda: self._database_for(self._team, "test"),
                databases=self._databases.values,
            )
        )
        self._server = LoopbackServer(pipeline, self.requests, self.faults, site, self.clock, host=host, port=port)

    @property
    def url(self) -> str:
        """The base URL, such as `http://127.0.0.1:41234`.

        Raises:
            CStarError: The fake is not started, or closed.
        """
        if self._server.url is None:
            raise CStarError("the fake has no URL before it is started: use 'async with' or call start()")
        return self._server.url

    @property
    def secret_key(self) -> str:
        """A secret key of the team in the test environment: it can read and write."""
        return self._secret.text

    @property
    def publishable_key(self) -> str:
        """A publishable key of the team in the test environment: it can only read."""
        return self._publishable.text

    @property
    def team_id(self) -> str:
        """The team of both keys."""
        return self._team.id

    @overload
    def client(self, /, **options: Unpack[ClientOptions]) -> CStarClient: ...

    @overload
    def client(self, client_class: type[ClientT], /, **options: Unpack[ClientOptions]) -> ClientT: ...

    def client(self, client_class: object = None, /, **options: Unpack[ClientOptions]) -> CStarClient:
        """Return a client of this fake, not yet entered, that uses the fake's clock: `clock.advance()` ends its waits.

        Args:
            client_class: The class of the client; default `CStarClient`.
            options: Arguments of `CStarClient`; they override *api_key*, *team_id* and *base_url* of this fake.

        Raises:
            CStarError: The fake is not started, or closed.
            InvalidArgumentError: *client_class* is no such class.
        """
        from cstar_async.client import ClientOptions, CStarClient

        chosen = CStarClient if client_class is None else client_class
        if not (isinstance(chosen, type) and issubclass(chosen, CStarClient)):
            raise invalid("client_class", "a subclass of CStarClient", client_class)
        defaults = ClientOptions(api_key=self.secret_key, team_id=self.team_id, base_url=self.url)
        return chosen(**(defaults | options), _clock=self.clock)

    def library(self, **options: Unpack[LibraryOptions]) -> CStarLibrary:
        """Return a client of the team's public library, not yet entered, that uses the fake's clock.

        The library has the published public articles and the public categories of the test environment.

        Args:
            options: Arguments of `CStarLibrary`; they override *team* and *base_url* of this fake.

        Raises:
            CStarError: The fake is not started, or closed.
        """
        from cstar_async.library import CStarLibrary, LibraryOptions

        defaults = LibraryOptions(team=self._team.slug, base_url=self.url)
        return CStarLibrary(**(defaults | options), _clock=self.clock)

    def add_key(
        self,
        key_type: Literal["secret", "publishable"] = "secret",
        *,
        environment: Literal["test", "live"] = "test",
        team: str | None = None,
        expires_in: float | None = None,
    ) -> str:
        """Create another API key.

        Args:
            key_type: `"secret"` (default) or `"publishable"`.
            environment: `"test"` (default) or `"live"`, where a team has only its members.
            team: The slug of another team, which is created if it is new; default the team of the fake.
            expires_in: Seconds until the key expires, by the fake's clock; default never.

        Returns:
            The key. `team_of()` returns its team.

        Raises:
            InvalidArgumentError: An argument is none of these.
        """
        check_choice("key_type", key_type, ("secret", "publishable"))
        check_choice("environment", environment, ("test", "live"))
        if team is not None:
            check_str("team", team)
        if expires_in is not None and not is_number(expires_in):
            raise invalid("expires_in", "a number of seconds", expires_in)
        expires_at = None if expires_in is None else self.clock.time() + expires_in
        teams = {key.team.slug: key.team for key in self._keys}
        owner = self._team if team is None else teams.get(team) or self._new_team(team.replace("-", " ").title(), team)
        return self._new_key(owner, key_type, environment, expires_at).text

    def revoke_key(self, key: str) -> None:
        """Revoke a key.

        Raises:
            InvalidArgumentError: There is no such key.
        """
        self._keys.revoke(key)

    def team_of(self, key: str) -> Team:
        """Return the team of a key.

        Raises:
            InvalidArgumentError: There is no such key.
        """
        return self._keys.get(key).team

    def use_calls(self, calls: int, *, key: str | None = None) -> None:
        """Use up calls of the current window, as another process with the same key would.

        Args:
            calls: How many.
            key: The key; default the secret key.

        Raises:
            InvalidArgumentError: *calls* is no int from 0, or there is no such key.
        """
        validate_count("calls", calls, 0)
        self._limits.use(self._secret if key is None else self._keys.get(key), calls, self.clock.time())

    async def start(self) -> None:
        """Start listening; a second call does nothing.

        A closed fake can be started again, on the same port and with its data; pending deliveries continue.

        Raises:
            ConfigurationError: Nothing can listen at *host* and *port*.
        """
        await self._server.start()
        self._dispatcher.start()

    async def aclose(self) -> None:
        """Stop listening and close all connections. May be called twice, and before `start()`. The logs can still be read."""
        self.streams.end()
        await self._server.aclose()
        self.streams.end()  # streams that were opened during the shutdown
        await self._dispatcher.aclose()

    def __enter__(self) -> Self:
        """Start in a thread, for programs without an event loop.

        Raises:
            CStarError: An event loop runs in this thread, or the fake is in a thread already.
        """
        if self._thread is not None:
            raise CStarError("the fake is in a thread already; make another one")
        self._thread = LoopThread()
        try:
            self._thread.run(self.start())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.close(self.aclose())

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _library_for(self, name: str) -> Database:
        """Return the data that a public library shows: that of the test environment, which tests fill.

        Raises:
            APIFailure: 404: no team has this slug or id.
        """
        for team in (self._team, *(key.team for key in self._keys)):
            if name in (team.id, team.slug):
                return self._database_for(team, "test")
        raise APIFailure(404, "resource_missing", "Team not found")

    def _database_for(self, team: Team, environment: Environment) -> Database:
        """Return the data of a team in an environment, created on first use."""
        key = (team.id, environment)
        if key not in self._databases:
            random = seeded_random("world", self._seed, team.slug, environment)
            database = Database(team, self._document, self._schemas, random)
            self._databases[key] = database
            add_members(database, now_s=self.clock.time())
            if self._seed is not None and key == (self._team.id, "test"):
                add_seed_data(database, now_s=self.clock.time(), rows=self._rows)
            database.pop_changes()  # the initial data is no event
        return self._databases[key]

    def _new_team(self, name: str, slug: str) -> Team:
        return Team(new_id("", self._key_ids), name, slug)

    def _new_key(self, team: Team, key_type: KeyType, environment: Environment, expires_at: float | None) -> Key:
        text = new_key_text(key_type, environment, self._key_ids)
        key = Key(text=text, type=key_type, environment=environment, team=team, expires_at=expires_at)
        self._keys.add(key)
        return key
