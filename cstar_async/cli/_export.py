"""The command `export`: a list of the API as a file."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast, get_args, get_type_hints

import attrs
import typer

from cstar_async import CStarClient, Model, Paginator, Priority
from cstar_async.api._namespaces import ClientNamespaces
from cstar_async.cli._arguments import find_argument, read_arguments
from cstar_async.cli._calls import DryRun, Json, LongMaxWait, Timeout, new_client, run_with
from cstar_async.cli._errors import UsageError
from cstar_async.cli._output import as_plain, note, print_result
from cstar_async.cli._progress import ProgressBar
from cstar_async.cli._writers import Format, State, Writer, open_writer, writing_alone

if TYPE_CHECKING:
    from cstar_async._client.executor import ClientExecutor

_FORMATS: Final[Mapping[str, Format]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".sqlite": "sqlite",
    ".db": "sqlite",
    ".parquet": "parquet",
}
_READ_AHEAD: Final = 4
"""Pages under way ahead of the file."""


def _list_names() -> list[str]:
    return sorted(name.replace("_", "-") for name, _ in _lists(ClientNamespaces, ""))


def _lists(owner: type, prefix: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the lists of a namespace and of those inside, without those that belong to another object."""
    for name, member in vars(owner).items():
        if name.startswith("_"):
            continue
        if not inspect.isfunction(member):
            yield from _lists(getattr(owner, name), f"{prefix}{name}.")
        elif (
            name == "list"
            and not inspect.iscoroutinefunction(member)
            and not any(one.is_positional for one in read_arguments(member))
        ):
            yield prefix.rstrip("."), member


def export(
    name: Annotated[
        str, typer.Argument(metavar="LIST", help="What to export: tickets, customers, articles …", autocompletion=_list_names)
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.")],
    file_format: Annotated[Format | None, typer.Option("--format", help="The format. Default: by the suffix of the file.")] = None,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", metavar="NAME=VALUE", help="A filter of the list, such as status=open.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue where it stopped.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    as_json: Json = False,
    dry_run: DryRun = False,
    timeout: Timeout = None,
    max_wait: LongMaxWait = None,
) -> None:
    """Write all items of a list to a file, page by page.

    It leaves a tenth of the rate limit to other programs, and waits as long as the limit requires unless --max-wait is given.
    """
    function = _find_list(name)
    values = _filters(function, filters or [])
    client = new_client(timeout=timeout, max_wait=max_wait or "none", priority=Priority.BACKGROUND)

    def listed(client: CStarClient) -> Paginator[Model]:
        return cast("Paginator[Model]", reduce(getattr, _path(name), cast("Any", client)).list(**values))

    if dry_run:
        print_result(run_with(client, lambda client: _estimate(listed(client))), as_json=as_json)
        return
    if str(output) == "-":
        raise UsageError(f"--output must be a file; 'cstar-async {name.replace('.', ' ')} list --all --json' prints all rows")
    chosen = file_format or _FORMATS.get(output.suffix.lower())
    if chosen is None:
        raise UsageError(f"--format is required, because {output} does not end with {', '.join(_FORMATS)}")
    try:
        with writing_alone(output):
            writer = open_writer(output, chosen, name, _columns(function), resume=resume, overwrite=overwrite)
            state = run_with(client, lambda client: _copy(client, listed(client), writer, name))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(output)) from None  # not the name of the checkpoint beside it
    except sqlite3.OperationalError as error:
        raise OSError(None, str(error), str(output)) from None
    except sqlite3.Error as error:
        raise UsageError(f"cannot write {output}: {error}") from None
    print_result({"file": str(output), "format": chosen, "rows": state.rows}, as_json=as_json)


async def _estimate(paginator: Paginator[Model]) -> dict[str, object]:
    """Return what an export costs. Takes one call."""
    estimate = await paginator.estimate()
    return {
        "items": estimate.items,
        "calls": estimate.calls,
        "callsLeft": estimate.remaining,
        "resetsAt": estimate.resets_at,
        "fitsNow": estimate.fits,
    }


async def _copy(client: CStarClient, paginator: Paginator[Model], writer: Writer, name: str) -> State:
    if writer.state.checkpoint is not None:
        paginator = paginator.resume(writer.state.checkpoint)
        note(f"Continuing after {writer.state.rows} rows.")
    is_open = False
    with ExitStack() as stack, ProgressBar(name, done=writer.state.rows) as progress:
        try:
            async for page in paginator.prefetch(_READ_AHEAD).pages():
                if not is_open:  # a list that cannot be read leaves every file as it was
                    _check_source(client, writer)
                    stack.enter_context(writer)
                    is_open = True
                writer.write([as_plain(item) for item in page], paginator.checkpoint)
                progress.update(writer.state.rows, page.total, client.rate_limit)
        except UsageError:
            raise
        except BaseException:
            if is_open or writer.state.checkpoint is not None:
                note(f"Stopped after {writer.state.rows} rows; the same command with --resume continues.")
            raise
        if not is_open:
            stack.enter_context(writer)
        writer.finish()
    return writer.state


def _check_source(client: CStarClient, writer: Writer) -> None:
    """Check that all rows come from one team.

    Raises:
        UsageError: The rows in the file come from another one.
    """
    source = cast("ClientExecutor", client.__executor__).context.source
    if writer.state.source not in {None, source}:
        raise UsageError("the rows in the file come from another team; use its key, or start again with --overwrite")
    writer.state = attrs.evolve(writer.state, source=source)


def _path(name: str) -> list[str]:
    return name.replace("-", "_").split(".")


def _find_list(name: str) -> Callable[..., Any]:
    """Return the function that lists something."""
    lists = dict(_lists(ClientNamespaces, ""))
    try:
        return lists[name.replace("-", "_")]
    except KeyError:
        raise UsageError(f"LIST must be one of {', '.join(_list_names())}, got {name}") from None


def _columns(function: Callable[..., Any]) -> Sequence[str]:
    """Return the wire names of the items of a list; of items whose fields are not known, that of the ID."""
    (item,) = get_args(get_type_hints(function)["return"])
    names: Mapping[str, str] = getattr(item, "__wire_names__", {"id": "id"})
    return list(names.values())


def _filters(function: Callable[..., Any], filters: Sequence[str]) -> dict[str, object]:
    """Return the arguments of a list."""
    arguments = [one for one in read_arguments(function) if one.name not in {"page", "page_size"}]
    values: dict[str, object] = {}
    for text in filters:
        key, equals, value = text.partition("=")
        argument = find_argument(arguments, key)
        if not equals or argument is None:
            raise UsageError(f"--filter must be NAME=VALUE with one of {', '.join(one.name for one in arguments)}, got {text}")
        if argument.name in values:
            raise UsageError(f"--filter {key} must be given once")
        values[argument.name] = argument.parse(value)
    return values
