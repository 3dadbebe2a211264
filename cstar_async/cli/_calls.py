"""Calls of commands: a client from the environment, what it waits for, and requests that are only shown."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeAlias, TypeVar, Unpack

import attrs
import orjson
import typer

from cstar_async import JSON, UNSET, ConfigurationError, CStarClient, CStarLibrary, Hooks, Priority, RequestOptions
from cstar_async._model.codec import encode_body
from cstar_async._operations.executor import CallArguments, Namespace
from cstar_async._operations.operation import Operation
from cstar_async._protocol.urls import path_segment
from cstar_async._values.redaction import redact_secrets
from cstar_async.cli._errors import UsageError
from cstar_async.cli._interrupts import run_cancellable
from cstar_async.cli._output import note

if TYPE_CHECKING:
    from cstar_async._client.base_client import BaseClient
    from cstar_async._client.settings import ConnectionOptions
    from cstar_async.hooks import RetryInfo, WaitInfo

T = TypeVar("T")
C = TypeVar("C", bound="BaseClient")

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON value, and nothing else.")]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Print the request, and send nothing.")]
MaxItems: TypeAlias = Annotated[
    int | None, typer.Option("--max-items", min=1, metavar="N", help="At most N items, from as many pages.")
]
MaxWait: TypeAlias = Annotated[
    str | None, typer.Option("--max-wait", metavar="SECONDS|none", help="The longest wait for a rate limit or a retry. Default 60.")
]
LongMaxWait: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--max-wait",
        metavar="SECONDS|none",
        help="The longest wait for a rate limit or a retry. Default none: as long as it takes.",
    ),
]
Timeout: TypeAlias = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", help="The time limit of one attempt. Default 30.")
]

_TEAMS: Final = frozenset({"teamId", "team"})
"""The parameters of a path that the client fills in."""
_LONG_WAIT: Final = 2.0
"""Seconds; a longer wait is shown."""


class _Notices(Hooks):
    """Shows long waits and retries on standard error; calls that wait for the same time are one line."""

    def __init__(self) -> None:
        self._shown_until = 0.0

    def on_wait(self, info: WaitInfo, /) -> None:
        ends = time.monotonic() + info.wait
        if info.wait >= _LONG_WAIT and ends > self._shown_until + _LONG_WAIT:
            self._shown_until = ends
            reason = "the rate limit" if info.reason == "rate_limit" else "the next attempt"
            note(f"Waiting {info.wait:.0f} s for {reason}.")

    def on_retry(self, info: RetryInfo, /) -> None:
        note(f"Attempt {info.attempt} failed ({info.status or info.error}).")


class _LogPrinter(logging.Handler):
    """Prints the records of the package, but those of waits, which `_Notices` shows."""

    def emit(self, record: logging.LogRecord) -> None:
        if not hasattr(record, "wait"):
            note(f"{record.levelname.lower()}: {redact_secrets(record.getMessage())}")


@contextmanager
def _printing_log() -> Generator[None]:
    """Print warnings of the package, unless the program that runs the command line has a handler for them."""
    logger = logging.getLogger("cstar_async")
    if logger.hasHandlers():
        yield
        return
    printer = _LogPrinter(logging.WARNING)
    logger.addHandler(printer)
    try:
        yield
    finally:
        logger.removeHandler(printer)


def _options(timeout: float | None, max_wait: str | None, hooks: Sequence[Hooks] = ()) -> ConnectionOptions:
    """Return the settings of a command for a client."""
    options: ConnectionOptions = {"hooks": [_Notices(), *hooks]}
    if timeout is not None:
        options["timeout"] = timeout
    if max_wait is not None:
        try:
            options["max_wait"] = None if max_wait.lower() == "none" else float(max_wait)
        except ValueError:
            raise UsageError(f"--max-wait must be a number of seconds or none, got {max_wait}") from None
    return options


def new_client(
    *, timeout: float | None, max_wait: str | None, priority: Priority = Priority.INTERACTIVE, hooks: Sequence[Hooks] = ()
) -> CStarClient:
    """Return a client with the settings of the environment and of the command."""
    if not os.environ.get("CSTAR_API_KEY"):
        raise ConfigurationError("CSTAR_API_KEY is not set; export it, or start a local server with 'cstar-async serve'")
    return CStarClient.from_env(priority=priority, **_options(timeout, max_wait, hooks))


def new_library(team: str, *, timeout: float | None, max_wait: str | None) -> CStarLibrary:
    """Return a client of the public library of a team."""
    options = _options(timeout, max_wait)
    base_url = os.environ.get("CSTAR_BASE_URL")
    return CStarLibrary(team=team, base_url=base_url, **options) if base_url else CStarLibrary(team=team, **options)


def run_with(client: C, work: Callable[[C], Awaitable[T]]) -> T:
    """Run *work* with a client, and close the client."""

    async def run() -> T:
        async with client:
            return await work(client)

    with _printing_log():
        return run_cancellable(run())


class Recorded(Exception):  # noqa: N818  # ends a call, and is no error
    """Ends a call before it is sent. Its argument describes the request."""

    def __init__(self, request: dict[str, JSON]) -> None:
        super().__init__()
        self.request = request


@attrs.frozen
class _Recorder:
    """An executor that sends nothing and raises `Recorded`."""

    team: str

    def execute(
        self,
        operation: Operation,
        _result: object,
        /,
        *path: str,
        query: Mapping[str, object] | None = None,
        body: object = None,
        options: RequestOptions | None = None,
        **_: object,
    ) -> NoReturn:
        ids = iter(path)
        filled = re.sub(r"\{(\w+)\}", lambda match: self.team if match[1] in _TEAMS else path_segment(next(ids)), operation.path)
        request: dict[str, JSON] = {"method": operation.method, "path": filled}
        given = {name: value for name, value in (query or {}).items() if value is not UNSET}
        if given:
            request["query"] = orjson.loads(orjson.dumps(given, default=str))
        if body is not None:
            request["body"] = orjson.loads(encode_body(body, None if options is None else options.extra_body))
        raise Recorded(request)

    paginate = stream = execute

    def download(self, operation: Operation, /, *path: str, **arguments: Unpack[CallArguments]) -> NoReturn:
        self.execute(operation, None, *path, **arguments)


def recording_namespace(team: str = "") -> Namespace:
    """Return what a generated function takes as its client: its request, with the team in its path, is raised instead of sent."""
    return Namespace(_Recorder(team or os.environ.get("CSTAR_TEAM_ID") or "{teamId}"))
