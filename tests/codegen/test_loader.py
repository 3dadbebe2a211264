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


BOMB = "a0: &a0 [x]\n" + "".join(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 30))


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
        ("- a\n", "api.yaml: the document is not a mapping."),
        ("", "api.yaml: the document is not a mapping."),
        ("true: a\n", "#/True: a key must be a string; put it in quotes."),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "the document is not valid JSON: the key `c` is repeated in an object."),
        ('{"a": "\\ud83c"}', "#/a: a str must not have half of a surrogate pair."),
        ('{"\\udf00": 1}', "#: a key must not have half of a surrogate pair."),
        ("a: " + "[" * 2000 + "]" * 2000, "api.yaml: the document is nested more than 120 levels deep."),
        ('{"a": ' * 200 + "1" + "}" * 200, "api.yaml: the document is nested more than 120 levels deep."),
        ('{"a": ' * 100_000 + "1" + "}" * 100_000, "api.yaml: the document is nested more than 120 levels deep."),
        pytest.param(
            BOMB,
            "api.yaml: the document has more than 1000000 values; do its aliases multiply?",
            marks=pytest.mark.no_cover,
        ),
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


def test_surrogate_pairs_of_json_are_characters(tmp_path: Path) -> None:
    """`json.dumps` writes them, and YAML does not read them."""
    assert {"a": "\U0001f300"} == _read(tmp_path, '{"a": "\\ud83c\\udf00"}')


def test_flow_mapping_of_yaml_may_look_like_json(tmp_path: Path) -> None:
    """Its keys need no quotes."""
    assert {"a": {"b": 1}} == _read(tmp_path, "{a: {b: 1}}")


def test_status_needs_no_quotes(tmp_path: Path) -> None:
    """An integer as a key is a string."""
    assert {"responses": {"200": "ok"}} == _read(tmp_path, "responses: {200: ok}")


def test_merge_keys_are_merged(tmp_path: Path) -> None:
    """Keys beside `<<` override those of the merged mappings."""
    assert {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}} == _read(tmp_path, "a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\n")


def test_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    """Some editors write one."""
    assert {"a": 1} == _read(tmp_path, "\ufeffa: 1\n")
