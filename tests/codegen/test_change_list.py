"""Each change on the list gives code that does what the document says, or is refused in a true sentence."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.codegen.changes import body_rows, parameter_rows, schema_rows, union_rows
from tests.codegen.changes.rows import Change
from tests.codegen.changes.running import merged, run_change, write_package
from tests.codegen.packages import Stub, imported

ROWS: tuple[Change, ...] = (*schema_rows.ROWS, *union_rows.ROWS, *parameter_rows.ROWS, *body_rows.ROWS)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[ModuleType, str]]]:
    """Return a package with all changes for each version of OpenAPI, with the notes of its run."""
    folder, found = tmp_path_factory.mktemp("changes"), {}
    versions = sorted({row.version for row in ROWS})
    notes = {
        version: write_package(folder, f"changes{number}", merged([row for row in ROWS if row.version == version], version))
        for number, version in enumerate(versions)
    }
    with imported(folder / "changes0") as first, imported(folder / "changes1") as second:
        for version, package in zip(versions, (first, second), strict=True):
            found[version] = package, "\n".join(notes[version])
        yield found


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS if row.verdict != "refused"])
async def test_change_is_right(packages: dict[str, tuple[ModuleType, str]], row: Change) -> None:
    """The types, the docstrings, what is sent and what is decoded are those of the document."""
    package, notes = packages[row.version]
    async with Stub() as stub, package.ZooClient(base_url=f"{stub.url}/v1") as client:
        await run_change(package, client, stub, row)
    assert [] == [words for words in row.notes if words not in notes]
