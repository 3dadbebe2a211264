"""A command for each operation, made from the generated functions: `cstar-async tickets messages create`."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, Final, cast

import attrs
import typer

from cstar_async import JSON, CStarClient, CStarLibrary, Page, RequestOptions
from cstar_async.cli._arguments import Argument, find_argument, read_arguments
from cstar_async.cli._calls import (
    DryRun,
    Json,
    MaxItems,
    MaxWait,
    Recorded,
    Timeout,
    new_client,
    new_library,
    recording_namespace,
    run_with,
)
from cstar_async.cli._docstrings import option_name, read_docstring
from cstar_async.cli._errors import UsageError
from cstar_async.cli._files import read_object
from cstar_async.cli._groups import LIBRARY, Command, new_group
from cstar_async.cli._output import note, print_result

_COMMON: Final = {
    "input_": (str | None, typer.Option(None, "--input", metavar="FILE|-", help="A JSON object with more arguments.")),
    "all_": (bool, typer.Option(False, "--all", help="All pages instead of one.")),
    "max_items": (MaxItems, None),
    "team": (str, typer.Option(..., "--team", metavar="SLUG", help="The team whose library is read.")),
    "as_json": (Json, False),
    "dry_run": (DryRun, False),
    "timeout": (Timeout, None),
    "max_wait": (MaxWait, None),
}
"""Type and default of the parameters that commands of operations have in common."""


@attrs.frozen
class _Given:
    """What the command line gave to a command: arguments of the function, and the common ones."""

    arguments: dict[str, object]
    as_json: bool
    dry_run: bool
    timeout: float | None
    max_wait: str | None
    is_open: bool
    """Whether the body may have fields that are no arguments."""
    input_: str | None = None
    all_: bool = False
    max_items: int | None = None
    team: str = ""


def add_namespace(app: typer.Typer, namespace: type, path: tuple[str, ...]) -> None:
    """Add the commands of a namespace, and of those inside. Its path are attributes of the client: `("tickets", "messages")`."""
    for name, member in vars(namespace).items():
        if name.startswith("_"):
            continue
        if inspect.isfunction(member):
            add_operation(app, member, (*path, name))
        else:
            inner = new_group(app, name, member.__doc__ or "")
            add_namespace(inner, getattr(namespace, name), (*path, name))


def add_operation(app: typer.Typer, function: Callable[..., Any], path: tuple[str, ...]) -> None:
    """Add the command of a generated function. Its path are attributes of the client: `("tickets", "get")`."""
    arguments = read_arguments(function)
    documentation = read_docstring(function, {argument.name for argument in arguments})
    parameters = [one.parameter(documentation.arguments.get(one.name, "")) for one in arguments]
    is_list = not inspect.iscoroutinefunction(function)
    left_out = set[str]() if is_list else {"all_", "max_items"}
    if path[0] != LIBRARY:
        left_out.add("team")
    if all(one.is_positional for one in arguments):
        left_out.add("input_")
    for common, (annotation, default) in _COMMON.items():
        if common not in left_out:
            parameters.append(inspect.Parameter(common, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation))

    def run(**values: Any) -> None:
        own = {one.name: values.pop(one.name) for one in arguments}
        _run(function, path, arguments, _Given(own, is_open=documentation.is_open, **values))

    vars(run)["__signature__"] = inspect.Signature(parameters)
    app.command(path[-1].replace("_", "-"), cls=Command, help=documentation.text)(run)


def _run(function: Callable[..., Any], path: tuple[str, ...], arguments: Sequence[Argument], given: _Given) -> None:
    values = _values(arguments, given)
    ids = [cast("str", values.pop(one.name)) for one in arguments if one.is_positional]
    if given.dry_run:
        print_result(first_request(function, ids, values, given.team), as_json=True)
        return

    async def work(client: CStarClient | CStarLibrary) -> object:
        names = path[1:] if isinstance(client, CStarLibrary) else path
        result: Any = reduce(getattr, names, cast("Any", client))(*ids, **values)
        # Only the commands of lists have these options.
        return await (result.collect(given.max_items) if given.all_ or given.max_items else result)

    if path[0] == LIBRARY:
        result = run_with(new_library(given.team, timeout=given.timeout, max_wait=given.max_wait), work)
    else:
        result = run_with(new_client(timeout=given.timeout, max_wait=given.max_wait), work)
    print_result(result, as_json=given.as_json)
    if isinstance(result, Page) and not given.as_json:
        page = cast("Page[object]", result)
        if page.has_more:
            note(f"{len(page)} of {page.total or 'more'}; --all prints all of them.")


def first_request(
    function: Callable[..., Any], ids: Sequence[str], values: Mapping[str, object], team: str = ""
) -> dict[str, JSON] | None:
    """Return the first request of a function, and send nothing. None: it sends none."""

    async def record() -> None:
        await function(recording_namespace(team), *ids, **values)

    try:
        asyncio.run(record())
    except Recorded as recorded:
        return recorded.request
    return None


def _values(arguments: Sequence[Argument], given: _Given) -> dict[str, object]:
    """Return the arguments of the function, from options and input."""
    values = {one.name: one.convert(given.arguments[one.name]) for one in arguments if given.arguments[one.name] not in (None, [])}
    others: dict[str, JSON] = {}
    names = set[str]()
    for key, value in read_object(given.input_).items() if given.input_ else ():
        argument = find_argument(arguments, key)
        if argument is not None and argument.name in names:
            raise UsageError(f"{argument.name} is given twice by {given.input_}, under two names")
        if argument is not None:
            names.add(argument.name)
            values.setdefault(argument.name, value)
        elif given.is_open:
            others[key] = value
        else:
            raise UsageError(f"{key} must be one of {', '.join(one.name for one in arguments)}")
    if others:
        values["options"] = RequestOptions(extra_body=others)
    missing = [option_name(one.name) for one in arguments if one.is_required and one.name not in values]
    if missing:
        raise UsageError(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} required")
    return values
