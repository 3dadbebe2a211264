"""Each change of our own document gives the code that it describes, in one run."""

from __future__ import annotations

import pytest

from codegen.errors import CodegenError, NoteCollector
from codegen.ir.build import build_ir
from codegen.ir.client import service_spec
from codegen.parser.run import parse
from tests.codegen.changes.sdk_rows import ROWS, SdkChange
from tests.codegen.documents import small


@pytest.mark.no_cover
@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS if not row.problem])
def test_change_gives_its_code(row: SdkChange) -> None:
    """Models, functions and operations have it, without another edit."""
    raw, notes = small(), NoteCollector()
    row.edit(raw)

    parsed = parse(raw, notes)
    code = build_ir(parsed)

    scope = {
        "code": code,
        "service": service_spec(parsed),
        "models": {one.name: one for module in code.model_modules for one in module.models},
        "functions": {one.name: one for module in code.api_modules for one in module.functions},
        "operations": {one.id: one for one in code.operations},
    }
    found = [(text, eval(expression, scope)) for expression, text in row.check]
    assert [] == [(text, value) for text, value in found if text not in " ".join(value.split())]
    assert [] == [words for words in row.notes if words not in "\n".join(notes.lines)]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS if row.problem])
def test_change_is_refused(row: SdkChange) -> None:
    """What the client would read wrongly is one sentence."""
    raw = small()
    row.edit(raw)

    with pytest.raises(CodegenError) as caught:
        parse(raw, NoteCollector())

    assert any(row.problem in str(problem) for problem in caught.value.problems)
