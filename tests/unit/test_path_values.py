"""Values of a path that have a style of their own, as OpenAPI defines the styles."""

from __future__ import annotations

import pytest

from cstar_async import InvalidArgumentError
from cstar_async._protocol.urls import EncodedValue, path_value

OBJECT = {"k": "v", "left out": None, "x y": 2}


@pytest.mark.parametrize(
    ("value", "style", "joined", "exploded"),
    [
        (["a b", "c"], "simple", "a%20b,c", "a%20b,c"),
        (["a b", "c"], "label", ".a%20b,c", ".a%20b.c"),
        (["a b", "c"], "matrix", ";id%20s=a%20b,c", ";id%20s=a%20b;id%20s=c"),
        (OBJECT, "simple", "k,v,x%20y,2", "k=v,x%20y=2"),
        (OBJECT, "label", ".k,v,x%20y,2", ".k=v.x%20y=2"),
        (OBJECT, "matrix", ";id%20s=k,v,x%20y,2", ";k=v;x%20y=2"),
        (5, "simple", "5", "5"),
        (5, "label", ".5", ".5"),
        (5, "matrix", ";id%20s=5", ";id%20s=5"),
        ({"a": [1]}, "json", "%7B%22a%22%3A%5B1%5D%7D", "%7B%22a%22%3A%5B1%5D%7D"),
    ],
)
def test_value_has_the_form_of_its_style(value: object, style: str, joined: str, exploded: str) -> None:
    """Items and keys are encoded, separators are not, and the result is not encoded again."""
    found = [path_value(value, "ids", style, explode=explode, wire_name="id s") for explode in (False, True)]
    assert ([joined, exploded], [EncodedValue] * 2) == (found, [type(one) for one in found])


def test_style_is_simple_unless_given() -> None:
    """And its keys are not parts of their own."""
    assert "k,v,x%20y,2" == path_value(OBJECT, "ids")
    assert ";=a,b" == path_value(["a", "b"], "ids", "matrix")


@pytest.mark.parametrize(
    ("value", "style", "problem"),
    [
        ([], "simple", "an empty list"),
        ([], "label", "an empty list"),
        ({}, "matrix", "an empty dict"),
        ([""], "simple", "an empty list"),
        (["."], "simple", "['.']"),
        ([".."], "simple", "['..']"),
        ([""], "label", "an empty list"),
        (["."], "label", "['.']"),
    ],
)
def test_value_that_is_no_segment_is_refused(value: object, style: str, problem: str) -> None:
    """It would change the path."""
    with pytest.raises(InvalidArgumentError) as caught:
        path_value(value, "ids", style, wire_name="ids")
    assert f"ids must be a value that is not empty, '.' or '..', got {problem}" == caught.value.message


@pytest.mark.parametrize("value", [["\ud800"], {"\ud800": 1}, {"a": "\ud800"}, [[1j]]])
def test_error_of_an_item_names_the_argument(value: object) -> None:
    """Not its place in a path."""
    with pytest.raises(InvalidArgumentError, match="ids"):
        path_value(value, "ids")
