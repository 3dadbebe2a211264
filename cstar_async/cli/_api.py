"""The command `api`: any path of the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from cstar_async import CStarClient
from cstar_async.cli._arguments import text_or_stdin
from cstar_async.cli._calls import DryRun, MaxItems, MaxWait, Timeout, new_client, run_with
from cstar_async.cli._errors import UsageError
from cstar_async.cli._files import parse_json
from cstar_async.cli._output import print_result


def api(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="GET, POST, PATCH, PUT or DELETE.")],
    path: Annotated[str, typer.Argument(metavar="PATH", help="Under the team: /activity; or from the host: /api/v1/…")],
    *,
    query: Annotated[
        list[str] | None, typer.Option("--query", "-q", metavar="NAME=VALUE", help="A parameter of the query.")
    ] = None,
    body: Annotated[str | None, typer.Option("--body", metavar="JSON|-", help="The JSON body; '-' reads standard input.")] = None,
    paginate: Annotated[bool, typer.Option("--paginate", help="Read all pages of a list, and print one array.")] = False,
    max_items: MaxItems = None,
    idempotency_key: Annotated[str | None, typer.Option("--idempotency-key", metavar="TEXT", help="Default: a new key.")] = None,
    dry_run: DryRun = False,
    timeout: Timeout = None,
    max_wait: MaxWait = None,
) -> None:
    """Call any path, with the limits and retries of all commands, and print its data as JSON."""
    parameters = parse_pairs(query or [])
    if "?" in path or "#" in path:
        raise UsageError("PATH must have no query and no fragment; use --query NAME=VALUE")
    if paginate and (method.upper() != "GET" or body is not None):
        raise UsageError("--paginate is for GET without a body")
    if max_items is not None and not paginate:
        raise UsageError("--max-items is for --paginate")
    given = None if body is None else parse_json(text_or_stdin(body), "--body")
    if dry_run:
        print_result({"method": method.upper(), "path": path, "query": parameters, "body": given}, as_json=True)
        return

    async def work(client: CStarClient) -> object:
        if paginate:
            return await client.paginate("GET", path, params=parameters).collect(max_items)
        response = await client.request(method.upper(), path, params=parameters, json=given, idempotency_key=idempotency_key)
        return response.data

    print_result(run_with(new_client(timeout=timeout, max_wait=max_wait), work), as_json=True)


def parse_pairs(texts: Sequence[str]) -> dict[str, str]:
    """Parse parameters of a query."""
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UsageError(f"--query must be NAME=VALUE, got {name}")
        if name in pairs:
            raise UsageError(f"--query {name} must be given once; several values are separated by commas")
        pairs[name] = value
    return pairs
