"""The description of the pages of an API: its defaults, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from cstar_async import InvalidArgumentError
from cstar_async.pagination import Paging
from cstar_async.pagination._paging import PAGES

PATHS = ("next", "last_item", "has_more", "total", "total_pages", "page", "page_size")
PATH_RULE = "a path must be a str such as 'pages.next', or a tuple of keys, got"


def test_default_is_the_paging_of_cstar() -> None:
    """Numbers from 1, with 100 items a page."""
    paging = Paging()
    assert PAGES == paging
    assert ("page", "page", "pageSize") == (paging.kind, paging.parameter, paging.size_parameter)
    assert (1, 100, 1, 100) == (paging.first, paging.size, paging.min_size, paging.max_size)
    assert ("data",) == paging.items_path
    assert [()] * 7 == [getattr(paging, name) for name in PATHS]
    assert (True, True) == (paging.is_numbered, paging.is_of_cstar)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("pages.next", ("pages", "next")),
        ("next", ("next",)),
        ("", ()),
        ((), ()),
        (["pages", "next.url"], ("pages", "next.url")),
        (("a", "b"), ("a", "b")),
    ],
)
@pytest.mark.parametrize("name", [*PATHS, "items"])
def test_path_is_text_with_dots_or_keys(name: str, given: Any, path: tuple[str, ...]) -> None:
    """Keys with a dot in them are given one by one."""
    assert path == getattr(Paging(**{name: given}), name)


@pytest.mark.parametrize(
    ("wrong", "got"), [(5, "int"), (b"next", "bytes"), ([1], "list"), (("a", None), "tuple"), ({"a": 1}, "dict")]
)
@pytest.mark.parametrize("name", [*PATHS, "items"])
def test_other_path_is_refused(name: str, wrong: Any, got: str) -> None:
    """The error says what a path is."""
    with pytest.raises(InvalidArgumentError) as caught:
        Paging(**{name: wrong})
    assert f"{PATH_RULE} {got}" == str(caught.value)


@pytest.mark.parametrize(
    "given", [{"first": 0}, {"size": 1}, {"min_size": 1}, {"max_size": 1}, {"max_size": None}, {"size_parameter": None}]
)
def test_least_values_are_taken(given: dict[str, Any]) -> None:
    """A list may begin with page 0; the largest page and the name of the size may be unknown."""
    ((name, value),) = given.items()
    assert value == getattr(Paging(**given), name)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"first": -1}, "first must be an int from 0, got -1"),
        ({"first": None}, "first must be an int from 0, got None"),
        ({"size": 0}, "size must be an int from 1, got 0"),
        ({"size": None}, "size must be an int from 1, got None"),
        ({"min_size": 0}, "min_size must be an int from 1, got 0"),
        ({"max_size": 0}, "max_size must be an int from 1, got 0"),
        ({"parameter": ""}, "parameter must be the name of a query parameter, got ''"),
        ({"size_parameter": ""}, "size_parameter must be the name of a query parameter, got ''"),
        ({"parameter": ["page"]}, "parameter must be a str that UTF-8 can encode, got [<str>]"),
        ({"parameter": b"page"}, "parameter must be a str that UTF-8 can encode, got b'page'"),
        ({"size_parameter": 5}, "size_parameter must be a str that UTF-8 can encode, got 5"),
        ({"parameter": "\ud800"}, "parameter must be a str that UTF-8 can encode, got '\\ud800'"),
        ({"kind": "link"}, "kind must be 'page' or 'offset' or 'cursor', got 'link'"),
        ({"parameter": None}, "parameter must be the name of a query parameter for lists by page, got None"),
        (
            {"kind": "offset", "parameter": None},
            "parameter must be the name of a query parameter for lists by offset, got None",
        ),
    ],
)
def test_wrong_value_is_refused(given: dict[str, Any], message: str) -> None:
    """By its name, before a request is sent."""
    with pytest.raises(InvalidArgumentError) as caught:
        Paging(**given)
    assert message == str(caught.value)


@pytest.mark.parametrize("given", [*({name: "a"} for name in PATHS), {"items": "a"}, {"items": ""}, {"kind": "cursor"}])
def test_any_path_makes_it_the_paging_of_another_api(given: dict[str, Any]) -> None:
    """Then its paths are read, and nothing else."""
    assert not Paging(**given).is_of_cstar


@pytest.mark.parametrize(
    ("given", "is_numbered"), [({"kind": "page"}, True), ({"kind": "offset"}, True), ({"kind": "cursor", "parameter": None}, False)]
)
def test_pages_are_numbered_unless_they_have_cursors(given: dict[str, Any], is_numbered: bool) -> None:
    """A list by cursor may need no parameter: it follows URLs."""
    assert is_numbered is Paging(**given).is_numbered


def test_items_can_be_the_whole_body() -> None:
    """The empty path; another one leads to them."""
    assert ((), ("result", "rows")) == (Paging(items="").items_path, Paging(items="result.rows").items_path)
