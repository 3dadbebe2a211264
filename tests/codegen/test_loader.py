"""Loading YAML files."""

from __future__ import annotations

from pathlib import Path

import pytest

from codegen.errors import CodegenError
from codegen.spec.loader import read


def _read(tmp_path: Path, text: str) -> object:
    path = tmp_path / "api.yaml"
    path.write_text(text, encoding="utf-8")
    return read(path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", "api.yaml, line 3: the key `a` is repeated; line 1 has it, too."),
        ("a: {b: 1, b: 2}\n", "api.yaml, line 1: the key `b` is repeated; line 1 has it, too."),
        ("a:\n  - b: 1\n    b: 2\n", "api.yaml, line 3: the key `b` is repeated; line 2 has it, too."),
        ("a: [1, 2\n", "api.yaml, line 2: the document is not valid YAML: did not find expected ',' or ']'."),
        ("a: !!python/object:os.system x\n", "the document is not valid YAML: could not determine a constructor"),
        ("a: \x07\n", "api.yaml: the document is not valid YAML: "),
        ("&a [*a]\n", "api.yaml: the document contains itself."),
        ("- a\n", "api.yaml: the document is not a YAML mapping."),
        ("", "api.yaml: the document is not a YAML mapping."),
        ("200: a\n", "#/200: a key must be a string; put it in quotes."),
        ("? {a: b}\n: c\n", "the document is not valid YAML: found unhashable key."),
        ("a: [.nan]\n", "#/a/0: nan is not a JSON value."),
        ("a: !!binary aGk=\n", "#/a: b'hi' is not a JSON value."),
    ],
)
def test_file_that_is_no_document_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """The problem is reported with its line or pointer."""
    with pytest.raises(CodegenError) as caught:
        _read(tmp_path, text)

    assert problem in str(caught.value)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    """The problem names the file."""
    with pytest.raises(CodegenError, match=r"api\.yaml: the document cannot be read: No such file or directory\."):
        read(tmp_path / "api.yaml")


def test_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """The document must be UTF-8."""
    (tmp_path / "api.yaml").write_bytes(b"a: \xff\n")

    with pytest.raises(CodegenError, match="the document cannot be read"):
        read(tmp_path / "api.yaml")


def test_special_values_of_yaml_1_1_are_strings(tmp_path: Path) -> None:
    """`on`, dates and times are strings, as in YAML 1.2 and in JSON."""
    assert {"a": ["on", "2026-03-01", "12:30", "0o7", "1_000"]} == _read(tmp_path, "a: [on, 2026-03-01, 12:30, 0o7, 1_000]\n")


def test_json_values_keep_their_types(tmp_path: Path) -> None:
    """Numbers, booleans and null keep their types."""
    assert {"a": [1, -2, 1.5, 1e3, True, False, None, None]} == _read(tmp_path, "a: [1, -2, 1.5, 1e3, true, false, null, ~]\n")


def test_aliases_are_resolved(tmp_path: Path) -> None:
    """An anchored node may be used twice."""
    assert {"a": {"x": 1}, "b": {"x": 1}} == _read(tmp_path, "a: &one {x: 1}\nb: *one\n")
