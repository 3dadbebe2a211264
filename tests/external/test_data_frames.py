"""Data frames of pandas and tables of Arrow, which `make setup-external` installs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cstar_async.cli import main
from cstar_async.models import Customer, Ticket
from cstar_async.sync import LocalCopy
from cstar_async.testing import FakeCStar
from tests.contract.documentation import run_snippets

pytestmark = pytest.mark.external


async def test_snippets_of_the_page_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The snippets about pandas run one after the other."""
    shell = await run_snippets("pandas.md", monkeypatch, tmp_path)
    assert shell["frame"].shape == (30, len(Ticket.__wire_names__))


async def test_frame_and_table_have_the_rows_of_the_copy(tmp_path: Path) -> None:
    """Datetimes are datetimes in UTC, missing values are null, and lists stay lists."""
    copy = LocalCopy(tmp_path / "copy.sqlite")
    async with FakeCStar(seed=5) as fake, fake.client() as cstar:
        await copy.refresh(cstar, models=[Ticket, Customer])
    tickets = list(copy.rows(Ticket))
    frame: Any = copy.to_pandas(Ticket)
    table: Any = copy.to_arrow(Ticket)

    assert [ticket.id for ticket in tickets] == frame["id"].tolist() == table["id"].to_pylist()
    assert [ticket.tags for ticket in tickets] == frame["tags"].tolist() == table["tags"].to_pylist()
    assert str(frame["created_at"].dtype.tz) == table["created_at"].type.tz == "UTC"
    assert frame["assigned_to"].isna().tolist() == [value is None for value in table["assigned_to"].to_pylist()]
    assert copy.to_pandas(Customer).shape == copy.to_arrow(Customer).shape


def test_export_of_parquet_is_a_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another program reads what `export --format parquet` writes."""
    with FakeCStar(seed=5) as fake:
        monkeypatch.setenv("CSTAR_API_KEY", fake.secret_key)
        monkeypatch.setenv("CSTAR_BASE_URL", fake.url)
        assert main(["export", "tickets", "--output", str(tmp_path / "t.parquet")]) == 0
    import pandas as pd

    frame = pd.read_parquet(tmp_path / "t.parquet")
    assert len(frame) == frame["id"].nunique() == 30
    assert set(Ticket.__wire_names__.values()) <= set(frame.columns)
