"""One refresh of a copy: what it requests, and what each transaction stores."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar, cast

import attrs

from cstar_async._client.executor import ClientExecutor
from cstar_async._model.model import Model
from cstar_async.errors import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    DecodeError,
    InvalidArgumentError,
    NotFoundError,
    RateLimitError,
    RequestTimeoutError,
    ResponseTooLargeError,
    ServerError,
)
from cstar_async.sync._call_budget import CallBudgetSpentError
from cstar_async.sync._file import CopyFile, Transaction, Value
from cstar_async.sync._plan import Pass, Rows, complete_tables, rows_of

if TYPE_CHECKING:
    from cstar_async.client import CStarClient
    from cstar_async.pagination import Paginator

R = TypeVar("R")

LOGGER: Final = logging.getLogger("cstar_async.sync")

_READ_AHEAD: Final = 4
"""Pages of a list under way ahead of the file."""
_CONCURRENCY: Final = 8
"""Tickets whose messages are requested at once."""


async def write(file: CopyFile, run: Callable[[Transaction], R]) -> R:
    """Run a function in a transaction, in a thread."""

    def transact() -> R:
        with file.writing() as transaction:
            return run(transaction)

    running = asyncio.ensure_future(asyncio.to_thread(transact))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])  # a thread cannot be cancelled
        raise


def check_source(transaction: Transaction, client: CStarClient) -> None:
    """Check that the rows come from the same team as those of the copy; before its first request, a client may not know its own."""
    source = cast("ClientExecutor", client.__executor__).context.source
    if source is not None:
        transaction.check_source(source)


class Refresh:
    """One refresh of a copy, with a client that has the budget of *max_calls*."""

    def __init__(self, file: CopyFile, client: CStarClient, max_calls: int | None) -> None:
        self._file = file
        self._client = client
        self._max_calls = max_calls

    async def read_rows(self, unfinished: Pass | None, tables: Sequence[str]) -> None:
        """Read all rows but messages: what an unfinished pass has left, or all tables."""
        left = await self._read_export(tables) if unfinished is None else unfinished
        while left.tables:
            left = await self._read_list(left)

    async def _read_export(self, tables: Sequence[str]) -> Pass:
        """Begin a pass: store what one export returns, and return what is left."""
        is_new = not self._file.exists
        read = 0 if is_new else await write(self._file, lambda file: file.version)
        found = await self._export(tables)
        left = Pass(read, tuple(table for table in tables if table not in found))
        if is_new and not found:
            return left  # the first list may fail, too

        def store(file: Transaction) -> None:
            file.create_views()
            for table, rows in found.items():
                file.store(table, rows, read)
                file.delete_not_read_since(table, read)
            file.unfinished = left

        await self._store(store)
        return left

    async def _export(self, tables: Sequence[str]) -> dict[str, Rows]:
        """Return the tables that one export returns in full: none if the server refuses it, or it is too large."""
        resources = [{"type": table} for table in tables]
        try:
            export = await self._client.exports.run(resources=resources, format="json")
        except (AuthenticationError, ConflictError, RateLimitError, ServerError):
            raise
        except (APIError, ConfigurationError, DecodeError, RequestTimeoutError, ResponseTooLargeError):
            return {}  # it is refused, also by a publishable key; or it is no JSON or takes too long
        return {} if isinstance(export, str) else complete_tables(export, tables)

    async def _read_list(self, left: Pass) -> Pass:
        """Store the rest of a list, and return what is left then."""
        table, following = left.tables[0], Pass(left.read, left.tables[1:])
        paginator: Paginator[Model] = getattr(self._client, table).list()
        if left.checkpoint is not None:
            with suppress(InvalidArgumentError):  # it is damaged or of another version: the list is read from its beginning
                paginator = paginator.resume(left.checkpoint)
        async for page in paginator.prefetch(_READ_AHEAD).pages():
            rows, position = rows_of(page), attrs.evolve(left, checkpoint=paginator.checkpoint)

            def store(file: Transaction, rows: Rows = rows, position: Pass = position) -> None:
                file.store(table, rows, left.read)
                file.unfinished = position

            await self._store(store)

        def finish(file: Transaction) -> None:
            file.finish_list(table, left.read)
            file.unfinished = following

        await self._store(finish)
        return following

    async def read_messages(self) -> bool:
        """Read the messages of the tickets that need it. Return whether the budget sufficed."""
        read, due = await write(self._file, lambda file: (file.version, file.due_messages()))
        limit = self._client.rate_limit
        calls = len(due) if self._max_calls is None else min(len(due), self._max_calls)
        if limit is not None and calls > limit.remaining:
            # The time is local, as that of a record.
            until = f" until {limit.reset_at.astimezone():%H:%M:%S}" if limit.reset_at is not None else ""
            message = "%d tickets have new messages; reading them takes %d calls, and %d are left%s"
            LOGGER.warning(message, len(due), calls, limit.remaining, until)
        tickets = iter(due)
        workers = [asyncio.create_task(self._read_messages(tickets, read)) for _ in due[:_CONCURRENCY]]
        try:
            return all(await asyncio.gather(*workers))
        finally:
            for worker in workers:
                worker.cancel()
            if workers:
                await asyncio.wait(workers)

    async def _read_messages(self, tickets: Iterator[tuple[str, Value]], read: int) -> bool:
        for ticket_id, count in tickets:
            rows: Rows | None = None
            try:
                rows = rows_of(await self._client.tickets.messages.list(ticket_id).collect())
            except CallBudgetSpentError:
                return False
            except NotFoundError:
                pass  # it was deleted meanwhile

            def store(file: Transaction, ticket_id: str = ticket_id, count: Value = count, rows: Rows | None = rows) -> None:
                if rows is None:
                    file.delete("tickets", [ticket_id], read)
                else:
                    file.store_messages(ticket_id, rows, read, count)

            await self._store(store)
        return True

    async def _store(self, store: Callable[[Transaction], None]) -> None:
        """Run a function in a transaction, if the rows come from the team of the copy."""

        def check_and_store(file: Transaction) -> None:
            check_source(file, self._client)
            store(file)

        await write(self._file, check_and_store)
