"""The command `import`: records of a file, in as few calls as possible."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Annotated, Any, Final, Literal, TypeAlias, cast

import attrs
import typer

from cstar_async import CStarClient, Priority, idempotency_key
from cstar_async.cli._arguments import Argument, find_argument, read_arguments
from cstar_async.cli._calls import DryRun, Json, LongMaxWait, Timeout, new_client, run_with
from cstar_async.cli._errors import FAILURE, UsageError
from cstar_async.cli._files import parse_json, read_text
from cstar_async.cli._output import note, print_result
from cstar_async.cli._progress import ProgressBar

Resource: TypeAlias = Literal["customers", "tickets", "articles"]
Row: TypeAlias = Sequence[tuple[str, object]]
"""The columns of a record, with their values."""

_BATCH: Final = 500
"""Records a call (documented)."""
_DELIMITERS: Final = ",;\t"
"""What can be between the cells of a table."""
_LINE: Final = re.compile(r"[^\r\n]+")
_MAX_SHOWN: Final = 20
"""Failed records that are printed."""


@attrs.define
class _Total:
    """The results of all calls."""

    total: int = 0
    created: int = 0
    updated: int = 0
    skipped: int = 0
    errors: list[dict[str, object]] = attrs.field(factory=list[dict[str, object]])


def import_(
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="CSV with a header (comma, semicolon or tab), JSON lines or a JSON array.")
    ],
    *,
    resource: Annotated[Resource | None, typer.Option("--resource", help="The type. Default: the name of the file.")] = None,
    merge_strategy: Annotated[
        str, typer.Option("--merge-strategy", help="What to do with records that exist. Default skip; no other is documented.")
    ] = "skip",
    as_json: Json = False,
    dry_run: DryRun = False,
    timeout: Timeout = None,
    max_wait: LongMaxWait = None,
) -> None:
    """Create customers, tickets or articles from a file, 500 in a call.

    Columns are fields of the create command, such as email or custom_fields. customFields.plan is one key of an object. A list is
    separated by commas. If it stops, run it again within a day with the same file: nothing is created twice.
    """
    chosen = resource or _resource_of(file)
    text = read_text(file)
    records = _read_records(file, text, chosen)
    calls = -(-len(records) // _BATCH)
    if dry_run:
        result: dict[str, object] = {"resource": chosen, "records": len(records), "calls": calls}
        if records:
            result["first"] = records[0]
        print_result(result, as_json=as_json)
        return
    key = idempotency_key("import", chosen, merge_strategy, hashlib.sha256(text.encode()).hexdigest())
    client = new_client(timeout=timeout, max_wait=max_wait or "none", priority=Priority.BACKGROUND)
    total = run_with(client, lambda client: _send(client, chosen, records, merge_strategy, key))
    if not as_json:
        for error in total.errors[:_MAX_SHOWN]:
            note(f"record {error['record']}: {error['message']}")
    print_result(attrs.asdict(total) if as_json else {**attrs.asdict(total), "errors": len(total.errors)}, as_json=as_json)
    if total.errors:
        raise typer.Exit(FAILURE)


def _resource_of(file: str) -> Resource:
    stem = PurePath(file).stem.lower()
    for name in ("customers", "tickets", "articles"):
        if stem == name:
            return name
    raise UsageError(f"--resource is required, because {file} is not called customers, tickets or articles")


async def _send(
    client: CStarClient, resource: Resource, records: Sequence[Mapping[str, object]], merge_strategy: str, key: str
) -> _Total:
    total = _Total()
    with ProgressBar(resource, len(records)) as progress:
        for start in range(0, len(records), _BATCH):
            batch = records[start : start + _BATCH]
            try:
                part = await client.imports.run(
                    resource=resource, records=batch, merge_strategy=merge_strategy, idempotency_key=idempotency_key(key, start)
                )
            except BaseException:
                note(f"Stopped after {start} records; the same command with the same file continues.")
                raise
            total.total += len(batch)
            total.created += part.created or 0
            total.updated += part.updated or 0
            total.skipped += part.skipped or 0
            for error in part.errors or []:
                position = None if error.index is None else start + error.index + 1
                total.errors.append({"record": position, "message": error.message})
            progress.update(total.total, len(records), client.rate_limit)
    return total


def _read_records(file: str, text: str, resource: Resource) -> list[dict[str, object]]:
    """Return the records as bodies of a create call."""
    from cstar_async import api, models

    functions: dict[Resource, tuple[Callable[..., Any], Mapping[str, str]]] = {
        "customers": (api.create_customer, models.CustomerCreate.__wire_names__),
        "tickets": (api.create_ticket, models.TicketCreate.__wire_names__),
        "articles": (api.create_article, models.ArticleCreate.__wire_names__),
    }
    function, wire_names = functions[resource]
    arguments = [one for one in read_arguments(function) if one.name in wire_names]
    rows = (
        _csv_rows(text)
        if file.lower().endswith((".csv", ".tsv")) or (file == "-" and not text.lstrip().startswith(("{", "[")))
        else _json_rows(text, file)
    )
    return [_record(row, number, arguments, wire_names) for number, row in enumerate(rows, 1)]


def _csv_rows(text: str) -> list[Row]:
    limit = csv.field_size_limit(len(text))  # the default, 128 KiB, is less than an article may have
    header_line = _LINE.search(text)
    delimiter = max(_DELIMITERS, key=header_line[0].count) if header_line else ","  # names of columns contain none of them
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    try:
        header, *lines = [line for line in reader if line] or [[]]
    except csv.Error as error:
        raise UsageError(f"after line {reader.line_num}: {error}") from None
    finally:
        csv.field_size_limit(limit)
    rows: list[Row] = []
    for number, cells in enumerate(lines, 1):
        if any(cells[len(header) :]):
            raise UsageError(f"record {number} has more cells than the header")
        rows.append([(name, cell) for name, cell in zip(header, cells, strict=False) if cell])
    return rows


def _json_rows(text: str, file: str) -> list[Row]:
    if text.lstrip().startswith("["):
        values = cast("list[object]", parse_json(text, file))
    else:
        # Other line ends, such as U+2028, may be inside a str.
        values = [parse_json(line, f"line {number}") for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    rows: list[Row] = []
    for number, value in enumerate(values, 1):
        if not isinstance(value, dict):
            raise UsageError(f"record {number} must be an object, got {type(value).__name__}")
        rows.append(list(cast("dict[str, object]", value).items()))
    return rows


def _record(row: Row, number: int, arguments: Sequence[Argument], wire_names: Mapping[str, str]) -> dict[str, object]:
    """Return a body by wire names. A value of a table is parsed as its field requires; others are left as they are."""
    record: dict[str, object] = {}
    objects: dict[str, dict[str, object]] = {}  # those that are given by their keys
    for column, value in row:
        name, dot, key = column.strip().partition(".")
        argument = find_argument(arguments, name)
        if argument is None:
            raise UsageError(f"column {column or '(without a name)'} must be one of {', '.join(one.name for one in arguments)}")
        wire = wire_names[argument.name]
        if dot and (argument.kind != "json" or not key):
            raise UsageError(f"column {column} must be a field, or an object and one of its keys, such as customFields.plan")
        members = objects.setdefault(wire, {})
        target, field = (members, key) if dot else (record, wire)
        if field in target or (dot and record.setdefault(wire, members) is not members):
            raise UsageError(f"record {number} has {column} twice, or under two names")
        try:
            target[field] = argument.parse(value) if isinstance(value, str) and not dot else value
        except UsageError as error:
            raise UsageError(f"record {number}: {error}") from None
    missing = [one.name for one in arguments if one.is_required and wire_names[one.name] not in record]
    if missing:
        raise UsageError(f"record {number} has no {', '.join(missing)}")
    return record
