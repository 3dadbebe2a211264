"""Each change on the list gives code that does what the document says, or is refused in a true sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.codegen.changes import body_rows, parameter_rows, schema_rows, union_rows
from tests.codegen.changes.rows import Change
from tests.codegen.changes.running import merged, run_change, write_package
from tests.codegen.changes.sdk_rows import ROWS as SDK
from tests.codegen.changes.security_rows import TEXTS
from tests.codegen.packages import Stub, imported
from tests.codegen.test_change_documents import ROWS as DOCUMENTS

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


@pytest.mark.no_cover
@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS])
async def test_change_is_right(packages: dict[str, tuple[ModuleType, str]], row: Change) -> None:
    """The types, the docstrings, what is sent and what is decoded are those of the document."""
    package, notes = packages[row.version]
    async with Stub() as stub, package.ZooClient(base_url=f"{stub.url}/v1") as client:
        await run_change(package, client, stub, row)
    assert [] == [words for words in row.notes if words not in notes]


@pytest.mark.soak
@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS])
async def test_change_alone_is_right(tmp_path: Path, row: Change) -> None:
    """No change needs another one of the list."""
    notes = "\n".join(write_package(tmp_path, "alone", merged([row], row.version)))

    with imported(tmp_path / "alone") as package:
        async with Stub() as stub, package.ZooClient(base_url=f"{stub.url}/v1") as client:
            await run_change(package, client, stub, row)
    assert [] == [words for words in row.notes if words not in notes]


def test_list_is_long_and_few_changes_are_refused() -> None:
    """At least 400 changes of which less than 6 % are refused, each under a name of its own."""
    outcomes = Counter(row.outcome for row in (*ROWS, *DOCUMENTS, *TEXTS, *SDK))

    assert 400 <= outcomes.total()
    assert outcomes["refused"] < 0.06 * outcomes.total(), outcomes
    assert [] == [name for name, count in Counter(row.id for row in (*ROWS, *DOCUMENTS)).items() if count > 1]
