"""What commands print: one JSON value, or tables for people.

Standard output has the result only; notes go to standard error. Text of the server cannot control the terminal, and secrets are
shown only in JSON that is written to a file or a pipe.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, cast

from cstar_async import JSON, Model, to_dict
from cstar_async._values.redaction import one_line, redact_secrets

_SECRET_NAMES: Final = frozenset({"secret", "signingsecret", "apikey", "token", "password"})
_UNSAFE: Final = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_MAX_COLUMNS: Final = 7
_MAX_CELL: Final = 60
_MIN_COLUMN: Final = 20
"""Characters that a column has at least, or as many as it needs."""
_GAP: Final = 2
_MAX_SHOWN: Final = 300
"""Characters; a longer value is not shown in a list."""
_LAST_COLUMNS: Final = ("created_at", "createdAt")
_HIDDEN: Final = "(hidden: use --json and write to a file or a pipe)"


def note(text: str) -> None:
    """Print a line for people, on standard error."""
    sys.stderr.write(f"{text}\n")


def print_result(value: object, *, as_json: bool) -> None:
    """Print the result of a command: a model, JSON, or a list of them. None is nothing in a table, and null in JSON."""
    plain = as_plain(value)
    if as_json:
        sys.stdout.write(f"{format_json(_hide_secrets(plain) if sys.stdout.isatty() else plain)}\n")
    elif isinstance(plain, list):
        _print_rows(cast("list[JSON]", _hide_secrets(plain)))
    elif isinstance(plain, dict):
        _print_fields(cast("dict[str, JSON]", _hide_secrets(plain)))
    elif isinstance(plain, str):
        sys.stdout.write(plain if plain.endswith("\n") else f"{plain}\n")
    elif plain is not None:
        sys.stdout.write(f"{format_json(plain)}\n")


def format_json(value: JSON, *, indent: int | None = 2) -> str:
    """Return JSON that every terminal of the encoding of standard output can take."""
    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    text = json.dumps(value, indent=indent, ensure_ascii=not is_unicode)
    return escape(text)


def escape(text: str) -> str:
    """Return JSON that cannot control a terminal."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def as_plain(value: object) -> JSON:
    """Return JSON for models, pages and other results."""
    if isinstance(value, Model):
        return cast("JSON", to_dict(value))
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in cast("Mapping[object, object]", value).items()}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Sequence):
        return [as_plain(item) for item in cast("Sequence[object]", value)]
    return cast("JSON", value)


def _hide_secrets(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {
            name: _HIDDEN if item and name.replace("_", "").lower() in _SECRET_NAMES else _hide_secrets(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_hide_secrets(item) for item in value]
    return redact_secrets(value) if isinstance(value, str) and value.startswith(("sk_", "pk_", "whsec_")) else value


def _cell(value: JSON, *, max_length: int | None = None) -> str:
    """Return one printable line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else format_json(value, indent=None)
    line = one_line(text)
    return line if max_length is None or len(line) <= max_length else f"{line[: max_length - 1]}…"


def _columns(rows: Sequence[Mapping[str, JSON]]) -> list[str]:
    """Choose the fields to show: those with plain values in some row, the time of creation last."""
    names = dict.fromkeys(name for row in rows for name in row)
    plain = [name for name in names if _is_plain([row.get(name) for row in rows])]
    useful = [name for name in plain if name not in {"object", "team_id", "teamId", *_LAST_COLUMNS}]
    return useful[:_MAX_COLUMNS] + [name for name in _LAST_COLUMNS if name in plain]


def _is_plain(values: Sequence[JSON]) -> bool:
    is_long = any(isinstance(value, str) and len(value) > _MAX_SHOWN for value in values)
    return not is_long and any(isinstance(value, (str, int, float)) for value in values)


def _print_rows(rows: list[JSON]) -> None:
    """Print a table; where standard output is no terminal, lines with tabs between the columns."""
    if not rows:
        note("No rows.")
        return
    if not all(isinstance(row, dict) for row in rows):
        sys.stdout.writelines(f"{_cell(row)}\n" for row in rows)
        return
    objects = cast("list[dict[str, JSON]]", rows)
    columns = _columns(objects)
    if not sys.stdout.isatty():
        lines = ["\t".join(columns), *("\t".join(_cell(row.get(name)) for name in columns) for row in objects)]
        sys.stdout.writelines(f"{line}\n" for line in lines)
        return
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    texts = {name: [_cell(row.get(name), max_length=_MAX_CELL) for row in objects] for name in columns}
    widths = _widths({name: max(map(cell_len, [name, *cells])) for name, cells in texts.items()}, console.width)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, width in widths.items():
        numeric = all(isinstance(row.get(name), (int, float, type(None))) for row in objects)
        # The first is an ID, which is of no use without its end.
        is_first = name == columns[0]
        table.add_column(
            name,
            width=width,
            no_wrap=not is_first,
            overflow="fold" if is_first else "ellipsis",
            justify="right" if numeric else "left",
        )
    for cells in zip(*(texts[name] for name in widths), strict=True):
        table.add_row(*map(Text, cells))
    console.print(table)


def _widths(wanted: Mapping[str, int], width: int) -> dict[str, int]:
    """Return the width of each column that fits beside those before it, two characters apart. The first is always shown."""
    least = {name: min(length, _MIN_COLUMN) for name, length in wanted.items()}
    first = next(iter(wanted))
    least[first] = min(wanted[first], width)
    widths: dict[str, int] = {}
    left = width
    for name, length in least.items():
        left -= length + (_GAP if widths else 0)
        if left < 0:
            break
        widths[name] = length
    spare = width - sum(widths.values()) - _GAP * (len(widths) - 1)
    for name, length in widths.items():
        more = min(wanted[name] - length, spare)
        widths[name], spare = length + more, spare - more
    return widths


def _print_fields(fields: dict[str, JSON]) -> None:
    """Print an object as lines of name and value; lists of objects as tables of their own."""
    tables = {
        name: value
        for name, value in fields.items()
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
    }
    width = max((len(name) for name in fields if name not in tables), default=0)
    for name, value in fields.items():
        if name not in tables:
            sys.stdout.write(f"{name:<{width}}  {_cell(value)}".rstrip() + "\n")
    for name, value in tables.items():
        sys.stdout.write(f"\n{name} ({len(value)})\n")
        _print_rows(value)
