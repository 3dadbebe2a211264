"""Each change of a whole document gives a package that does what it says, or is refused in a true sentence."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

from codegen.errors import CodegenError
from codegen.spec.loader import read
from tests.codegen.changes import document_rows, security_rows
from tests.codegen.changes.document_rows import pets
from tests.codegen.changes.rows import WholeChange
from tests.codegen.changes.running import refusal_of, run_exchange, write_package
from tests.codegen.changes.security_rows import TEXTS, TextChange
from tests.codegen.packages import Stub, imported

ROWS: tuple[WholeChange, ...] = (*document_rows.ROWS, *security_rows.ROWS)


def _params(*, are_refused: bool) -> list[object]:
    return [pytest.param(row, id=row.id) for row in ROWS if (row.outcome == "refused") is are_refused]


@pytest.mark.no_cover
@pytest.mark.parametrize("row", _params(are_refused=False))
async def test_change_is_right(tmp_path: Path, row: WholeChange) -> None:
    """The package is imported and called, and its names and texts are those of the document."""
    raw = pets()
    row.edit(raw)

    notes = "\n".join(write_package(tmp_path, "changed", raw))

    assert [] == [words for words in row.notes if words not in notes], notes
    with imported(tmp_path / "changed") as package:
        for module in pkgutil.walk_packages(package.__path__, "changed."):
            importlib.import_module(module.name)
        assert list(row.check) == [(code, eval(code, {"package": package})) for code, _ in row.check]
        async with Stub() as stub, getattr(package, package.__all__[0])(base_url=f"{stub.url}/v1", **row.client) as client:
            for exchange in row.exchanges:
                await run_exchange(package, client, stub, row.operation, exchange)


@pytest.mark.parametrize("row", _params(are_refused=True))
def test_document_is_refused_in_true_sentences(row: WholeChange) -> None:
    """Each is one line with the place, and one of them says what is wrong."""
    raw = pets()
    row.edit(raw)

    sentences = refusal_of(raw)

    assert any(row.problem in sentence for sentence in sentences), sentences
    assert [] == [sentence for sentence in sentences if not sentence.endswith(".") or "\n" in sentence]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in TEXTS])
def test_text_is_read_or_refused(tmp_path: Path, row: TextChange) -> None:
    """Whatever the form of the text, the document is the same; an error of it is one line with its place."""
    path = tmp_path / "api.yaml"
    path.write_bytes(row.text if isinstance(row.text, bytes) else row.text.encode())
    sentences: list[str] = []
    try:
        raw = read(path)
    except CodegenError as error:
        sentences = [str(problem) for problem in error.problems]
    else:
        write_package(tmp_path, "changed", raw)
        assert "async def get_pet(" in (tmp_path / "changed" / "api" / "pets.py").read_text("utf-8")

    assert bool(row.problem) is bool(sentences)
    assert [] == [one for one in sentences if row.problem not in one or not one.endswith(".") or "\n" in one]
