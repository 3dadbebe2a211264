"""Docstrings: safe, wrapped, and in the words of Python."""

from __future__ import annotations

import ast

import pytest

from codegen.ir.docstrings import Section, described, docstring, in_short, paragraphs, to_python_terms
from codegen.spec.document import Node

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


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("Type, e.g. Question. It can be any.", "Type, e.g. Question."),
        ("Agent, i.e. Jane! Or not.", "Agent, i.e. Jane!"),
        ("Version 1.2 of it", "Version 1.2 of it."),
    ],
)
def test_short_description_is_the_first_sentence(given: str, text: str) -> None:
    """Abbreviations before a capital letter do not end it."""
    assert text == in_short({"description": given})


@pytest.mark.parametrize(
    ("given", "text"),
    [("successful operation", "Successful operation."), ("iPhone", "iPhone."), ("customerId: a UUID", "customerId: a UUID.")],
)
def test_description_begins_with_a_capital_letter(given: str, text: str) -> None:
    """Unless its first word is a name with capital letters of its own."""
    assert text == described({"description": given})


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"minimum": 1, "maximum": 100}, "A number. 1 to 100."),
        ({"maximum": 9}, "A number. At most 9."),
        ({"minimum": 0}, "A number."),
        ({"exclusiveMinimum": 2}, "A number. Above 2."),
        ({"minLength": 1}, "A number."),
        ({"minLength": 2, "maxLength": 8}, "A number. 2 to 8 characters."),
        ({"maxItems": 1}, "A number. At most 1 item."),
        ({"pattern": "^a$"}, "A number. Pattern: `^a$`."),
        ({"default": "x"}, "A number. The server's default is `'x'`."),
        ({"default": False}, "A number. The server's default is `False`."),
        ({"default": None}, "A number."),
        ({"deprecated": True}, "A number. Deprecated."),
        ({"description": "From 1 to 5. Default 3.", "minimum": 1, "maximum": 5, "default": 3}, "From 1 to 5. Default 3."),
    ],
)
def test_limits_and_defaults_are_in_the_docstring(schema: Node, text: str) -> None:
    """A description that states them is not extended."""
    assert text == described({"description": "A number", **schema})
    own = {key: schema[key] for key in ("description", "deprecated") if key in schema}
    assert text == described({"description": "A number", **own, "schema": schema})


def test_markdown_keeps_its_paragraphs_lists_tables_and_code() -> None:
    """Sentences are wrapped, and the lines of everything else stay."""
    text = "One\nparagraph.\n\n- a\n  - b\n\n| x | y |\n| --- | --- |\n\n```\ncode\n```\n\nThe `customerId` is null."

    doc = docstring(["First.", *paragraphs({"description": text}, {"customerId": "customer_id"})], depth=0)

    parts = ["First.", "One paragraph.", "- a\n  - b", "| x | y |\n| --- | --- |", "```\ncode\n```", "The `customer_id` is None."]
    assert "\n\n".join(parts) == ast.literal_eval(doc).rstrip()
