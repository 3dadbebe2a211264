"""The command `sync`: a local copy in a SQLite file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cstar_async import CStarClient, Hooks, Model, Priority
from cstar_async.cli._calls import Json, LongMaxWait, Timeout, new_client, run_with
from cstar_async.cli._errors import UsageError
from cstar_async.cli._output import note, print_result
from cstar_async.cli._progress import ProgressBar
from cstar_async.errors import ConfigurationError

if TYPE_CHECKING:
    from cstar_async.hooks import RequestInfo

_CLASSES: Final = {"tickets": "Ticket", "customers": "Customer", "articles": "Article", "messages": "Message"}


class _CallCounter(Hooks):
    """Counts the requests of a run, and shows them."""

    def __init__(self, progress: ProgressBar, max_calls: int | None) -> None:
        self.client: CStarClient | None = None
        self._progress = progress
        self._max_calls = max_calls
        self._count = 0

    def on_request(self, info: RequestInfo, /) -> None:
        del info
        self._count += 1
        self._progress.update(self._count, self._max_calls, None if self.client is None else self.client.rate_limit)


def sync(
    *,
    database: Annotated[Path, typer.Option("--database", "-d", metavar="FILE", help="The SQLite file; it is created.")],
    tables: Annotated[
        list[str] | None,
        typer.Option(
            "--table",
            metavar="|".join(_CLASSES),
            help="What to copy; may be repeated. Default: all. Messages need tickets.",
            autocompletion=lambda: list(_CLASSES),
        ),
    ] = None,
    max_calls: Annotated[
        int | None, typer.Option("--max-calls", min=2, metavar="N", help="Stop after N calls; the next run continues.")
    ] = None,
    as_json: Json = False,
    timeout: Timeout = None,
    max_wait: LongMaxWait = None,
) -> None:
    """Bring a local copy of tickets, customers, articles and messages up to date, in as few calls as possible.

    Whatever stops it, the next run continues. The file has a view for each table, which any tool can read, also meanwhile. It
    leaves a tenth of the rate limit to other programs, and waits as long as the limit requires unless --max-wait is given.
    """
    from cstar_async import models
    from cstar_async.sync import LocalCopy

    wanted = tables or list(_CLASSES)
    unknown = [table for table in wanted if table not in _CLASSES]
    if unknown:
        raise UsageError(f"--table must be one of {', '.join(_CLASSES)}, got {unknown[0]}")
    if "messages" in wanted and "tickets" not in wanted:
        raise UsageError("--table messages needs --table tickets")
    chosen: list[type[Model]] = [getattr(models, _CLASSES[table]) for table in wanted]
    with ProgressBar("calls", max_calls) as progress:
        counter = _CallCounter(progress, max_calls)
        client = new_client(timeout=timeout, max_wait=max_wait or "none", priority=Priority.BACKGROUND, hooks=[counter])
        counter.client = client
        try:
            report = run_with(client, lambda client: LocalCopy(database).refresh(client, models=chosen, max_calls=max_calls))
        except ConfigurationError as error:
            raise UsageError(str(error).replace("path ", "--database ", 1)) from None
        except BaseException:
            note("Stopped; the same command continues.")
            raise
    result = {"file": str(database), "calls": report.calls, "complete": report.is_complete}
    print_result({**result, "changed": report.changed, "deleted": report.deleted}, as_json=as_json)
    if not report.is_complete:
        note("The calls did not suffice; the same command continues.")
