"""Docstrings: safe, wrapped, and in the words of Python."""

from __future__ import annotations

import ast

import pytest

from codegen.ir.docstrings import Section, described, docstring, to_python_terms

SCHEMAS = "#/components/schemas"


@pytest.mark.parametrize(
    "text", ['says "no"', 'ends with """', "a \\ and \\n", "C:\\", "x" * 200, 'quote \'""""\' inside', "bell \x07"]
)
def test_any_description_is_safe_in_a_docstring(text: str) -> None:
    """Quotes, backslashes and control characters neither end a docstring nor change it."""
    found = ast.literal_eval(docstring([text], depth=0))

    assert text.replace(" \x07", "") == found.strip()


def test_docstring_has_the_line_length() -> None:
    """No line is longer than 132 columns at any depth."""
    text = docstring(
        ["word " * 100, Section("Args", (("name", "word " * 60),)), Section("Returns", (("", "word " * 60),))], depth=2
    )

    assert max(len(line) for line in f"        {text}".splitlines()) <= 132


def test_description_of_what_is_not_documented_is_marked() -> None:
    """Once, even where the description says so itself."""
    assert "A field (inferred)." == described({"description": "A field", "x-evidence": "inferred"})
    assert "A field (inferred)." == described({"description": "A field (inferred).", "x-evidence": "inferred"})
    assert "A field." == described({"description": "A field.", "x-evidence": "documented"})


def test_description_uses_the_words_of_python() -> None:
    """The constants of JSON and the wire names of the operation become those of Python."""
    text = "`customerId` is `null` or `true`; null clears it, `other` stays."

    assert "`customer_id` is `None` or `True`; None clears it, `other` stays." == to_python_terms(
        text, {"customerId": "customer_id"}
    )
