"""Valid arguments and objects of the public classes, for the calls of `callables`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
from prometheus_client import CollectorRegistry

from cstar_async import CStarClient, CStarLibrary, Page, PageInfo, Paginator, RequestOptions, from_dict
from cstar_async._operations.operation import Operation
from cstar_async.files import Download
from cstar_async.models import Ticket
from cstar_async.prometheus import PrometheusMetrics
from cstar_async.redis import RedisRateLimiter, RedisStore
from cstar_async.sync import LocalCopy
from cstar_async.sync._file import CopyFile
from cstar_async.testing import FakeClock, FakeCStar
from cstar_async.webhooks import EventStream, MemoryStore, SqliteStore, WebhookInbox, construct_event, sign
from tests.client.conftest import Server

KEY = "sk_test_abcdef"
SECRET = "whsec_abcdef"
BODY = b'{"id": "evt_1", "type": "ticket.created"}'
BINARY = Operation(
    id="get_file", namespace="files", name="get", method="GET", path="/api/v1/teams/{teamId}/file", scope="team",
    segments=("/file",), shape="bytes", success_status=200, result=None, evidence="inferred",
)  # fmt: skip
CLOSED_PORT = "redis://127.0.0.1:1"


@attrs.define
class Environment:
    """What the objects of one test need: a server, a folder, and a stack that closes them."""

    server: Server
    folder: Path
    stack: AsyncExitStack
    fake: FakeCStar | None = None
    """The fake that was made last."""
    _files: int = 0

    def client(self, **options: Any) -> CStarClient:
        """Make a client of the server."""
        return self.closing(CStarClient(**{**self.settings, "api_key": KEY, "team_id": "t", **options}))

    def library(self, **options: Any) -> CStarLibrary:
        """Make a library of the server."""
        return self.closing(CStarLibrary(**{**self.settings, "team": "acme", **options}))

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of clients that fail soon."""
        return {"base_url": self.server.url, "max_retries": 0, "timeout": 5.0, "max_wait": 0.0}

    @property
    def path(self) -> Path:
        """A new file."""
        self._files += 1
        return self.folder / f"{self._files}.db"

    def closing(self, made: Any) -> Any:
        """Close an object with the environment."""
        self.stack.push_async_callback(made.aclose)
        return made

    async def whoami(self, *_: object) -> object:
        """Make a call that takes anything."""
        return await self.client().auth.whoami()

    async def make(self, cls: type) -> Any:
        """Make an object of a class, with everything that it needs."""
        made = ROOTS[cls](self)
        if isinstance(made, FakeCStar):
            self.fake = made
            await made.start()
        return made


def _inbox(environment: Environment) -> WebhookInbox:
    return environment.closing(WebhookInbox(SECRET, shutdown_timeout=0.0))  # type: ignore[no-any-return]


def _copy(environment: Environment) -> LocalCopy:
    path = environment.path.with_suffix(".copy")
    with CopyFile(path).writing():
        return LocalCopy(path)


ROOTS: Mapping[type, Callable[[Environment], Any]] = {
    CStarClient: Environment.client,
    CStarLibrary: Environment.library,
    Download: lambda environment: environment.client().__executor__.download(BINARY, options=RequestOptions()),
    EventStream: lambda environment: environment.client().events(),
    FakeCStar: lambda environment: environment.closing(FakeCStar()),
    FakeClock: lambda _: FakeClock(),
    MemoryStore: lambda _: MemoryStore(),
    Page: lambda _: Page([5], PageInfo(page=1)),
    Paginator: lambda environment: environment.client().tickets.list(),
    PrometheusMetrics: lambda _: PrometheusMetrics(CollectorRegistry()),
    RedisRateLimiter: lambda environment: environment.closing(RedisRateLimiter(CLOSED_PORT, name="a")),
    RedisStore: lambda environment: environment.closing(RedisStore(CLOSED_PORT, name="a")),
    LocalCopy: _copy,
    SqliteStore: lambda environment: environment.closing(SqliteStore(environment.path)),
    WebhookInbox: _inbox,
}
"""How to make an object of a class whose constructor needs more than valid arguments, or that must be closed."""


async def do_nothing(*_: object) -> None:
    """Handle anything."""


SAMPLES: Mapping[str, Callable[[Environment], Any]] = {
    "client": lambda environment: environment.client(),
    "library.client": lambda environment: environment.library(),
    "api_key": lambda _: KEY,
    "revoke_key.key": lambda environment: environment.fake.secret_key,
    "team_of.key": lambda environment: environment.fake.secret_key,
    "idempotency_key.parts": lambda _: "a",
    "inbox": _inbox,
    "registry": lambda _: CollectorRegistry(),
    "items": lambda _: ["a"],
    "prefetch.n": lambda _: 1,
    "attempts": lambda _: 1,
    "CStarClient.base_url": lambda environment: environment.server.url,
    "CStarClient.max_retries": lambda _: 0,
    "CStarLibrary.base_url": lambda environment: environment.server.url,
    "CStarLibrary.max_retries": lambda _: 0,
    "on.types": lambda _: "*",
    "add.body": lambda _: BODY,
    "add.delay": lambda _: 1.0,
    "construct_event.body": lambda _: BODY,
    "receive.body": lambda _: BODY,
    "sign.body": lambda _: BODY,
    "verify_signature.body": lambda _: BODY,
    "calls": lambda _: 1,
    "File.content": lambda _: b"a",
    "save.path": lambda environment: environment.path,
    "checkpoint": lambda environment: environment.client().tickets.list().checkpoint,
    "client_or_url": lambda _: CLOSED_PORT,
    "data": lambda _: {},
    "executor": lambda environment: environment.client().__executor__,
    "fields": lambda _: {"email": "a@example.com", "externalId": "1", "timestamp": 1},
    "handler": lambda _: do_nothing,
    "header": lambda _: sign(BODY, SECRET),
    "headers": lambda _: {"X-Signature": sign(BODY, SECRET)},
    "ids": lambda _: ["a"],
    "records": lambda _: [{"name": "a"}],
    "limit": lambda _: 5,
    "paginate.method": lambda _: "GET",
    "request.method": lambda _: "GET",
    "with_response.method": lambda environment: environment.whoami,
    "from_dict.model": lambda _: Ticket,
    "rows.model": lambda _: Ticket,
    "row.model": lambda _: Ticket,
    "deleted.model": lambda _: Ticket,
    "to_arrow.model": lambda _: Ticket,
    "to_pandas.model": lambda _: Ticket,
    "refresh.models": lambda _: [Ticket],
    "apply.event": lambda _: construct_event(BODY, sign(BODY, SECRET), SECRET),
    "to_dict.model": lambda _: from_dict(Ticket, {}),
    "new_time": lambda _: 2e9,
    "path": lambda environment: environment.path,
    "paginate.path": lambda _: "/activity",
    "request.path": lambda _: "/activity",
    "retry_at": lambda _: datetime(2026, 1, 1, tzinfo=UTC),
    "seconds": lambda _: 0.0,
    "secret": lambda _: SECRET,
    "share": lambda _: 0.5,
    "status": lambda _: 404,
    "stream": lambda environment: environment.client().events(),
    "wait": lambda _: 1.0,
    "wire": lambda _: {"type": "ticket.created"},
}
"""Required arguments by name, or by function and name; all others are the str `a`."""
