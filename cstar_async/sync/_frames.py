"""Rows as a DataFrame of pandas or a table of Arrow, which are imported when they are used."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from types import UnionType
from typing import TYPE_CHECKING, get_args, get_type_hints

import orjson

from cstar_async._model.codec import to_wire
from cstar_async._model.model import Model
from cstar_async._model.open_enum import OpenEnum
from cstar_async._types import JSON
from cstar_async.errors import CStarError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def to_pandas(model: type[Model], rows: Iterable[Model]) -> pd.DataFrame:
    """Return a DataFrame with a column for each field."""
    try:
        import pandas as pd
    except ImportError:
        raise CStarError("to_pandas() requires pandas: pip install 'cstar-async[pandas]'") from None
    return pd.DataFrame(_columns(model, rows))


def to_arrow(model: type[Model], rows: Iterable[Model]) -> pa.Table:
    """Return a table of Arrow with a column for each field."""
    try:
        import pyarrow as pa
    except ImportError:
        raise CStarError("to_arrow() requires pyarrow: pip install 'cstar-async[arrow]'") from None
    types = {
        str: pa.string(),
        int: pa.int64(),
        float: pa.float64(),
        bool: pa.bool_(),
        datetime: pa.timestamp("us", "UTC"),
        list[str]: pa.list_(pa.string()),
    }
    hints = get_type_hints(model)
    columns: dict[str, pa.Array] = {}
    for name, values in _columns(model, rows).items():
        hint = next(one for one in (hints[name], *get_args(hints[name])) if not isinstance(one, UnionType))
        try:
            columns[name] = pa.array(values, types[str if isinstance(hint, type) and issubclass(hint, OpenEnum) else hint])
        except (KeyError, TypeError, ValueError, OverflowError, pa.ArrowException):
            # An object, or values that are not of the documented type.
            columns[name] = pa.array([_as_text(value) for value in values], pa.string())
    return pa.table(columns)


def _columns(model: type[Model], rows: Iterable[Model]) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {name: [] for name in model.__wire_names__}
    for row in rows:
        for name, values in columns.items():
            value: object = getattr(row, name)
            values.append(value if isinstance(value, datetime) else to_wire(value))
    return columns


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    wire: JSON = to_wire(value)
    return orjson.dumps(wire).decode()
