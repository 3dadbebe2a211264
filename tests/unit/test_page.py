"""One page: a sequence of its items, with its position in the list."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence

import pytest

from cstar_async import Page, PaginationError
from cstar_async.pagination import PageInfo

MIDDLE = PageInfo(page=2, page_size=3, total=9, has_more=True, total_pages=3)


def test_page_is_a_sequence() -> None:
    """Length, indexes, slices, membership, both directions, counting and searching are those of a list."""
    page = Page(["a", "b", "b"])
    assert isinstance(page, Sequence)
    assert (3, "a", "b", ["b", "b"], True) == (len(page), page[0], page[-1], page[1:], "a" in page)
    assert (["a", "b", "b"], ["b", "b", "a"], 2, 1) == (list(page), list(reversed(page)), page.count("b"), page.index("b"))


def test_page_can_be_matched_and_unpacked() -> None:
    """A pattern and an assignment take its items."""
    match Page([1, 2]):
        case [first, second]:
            assert (1, 2) == (first, second)
        case _:
            pytest.fail("a page is no sequence to match")


def test_data_is_a_list_of_its_own() -> None:
    """Any iterable makes a page, and the caller's list stays the caller's."""
    given = [1, 2]
    page = Page(given)
    given.append(3)
    assert ([1, 2], [0, 1]) == (page.data, Page(range(2)).data)


def test_page_without_info_is_a_whole_list() -> None:
    """A test that needs a page gives only its items."""
    page = Page(["a", "b"])
    assert (2, False, PageInfo(page=1, total=2, total_pages=1)) == (page.total, page.has_more, page.info)


def test_page_shows_the_total_of_its_info() -> None:
    """The most wanted number has a name of its own."""
    assert (9, True) == (Page(["a"], MIDDLE).total, Page(["a"], MIDDLE).has_more)


def test_empty_page_has_no_more() -> None:
    """Whatever the server says."""
    assert Page([], MIDDLE).has_more is False


async def test_next_page_after_the_last_is_an_error() -> None:
    """Nothing is requested."""
    with pytest.raises(PaginationError, match="check has_more"):
        await Page(["a"]).next_page()


async def test_next_page_of_a_page_that_no_client_fetched_is_an_error() -> None:
    """There is nobody to fetch it."""
    with pytest.raises(PaginationError, match="fetch_next="):
        await Page(["a"], MIDDLE).next_page()


async def test_next_page_is_what_fetch_next_returns() -> None:
    """A test can chain pages."""

    async def fetch_next() -> Page[str]:
        return Page(["b"])

    assert Page(["b"]) == await Page(["a"], MIDDLE, fetch_next=fetch_next).next_page()


@pytest.mark.parametrize(
    ("other", "is_equal"),
    [(Page([1], MIDDLE), True), (Page([2], MIDDLE), False), (Page([1]), False), ([1], False)],
)
def test_pages_are_equal_by_items_and_info(other: object, *, is_equal: bool) -> None:
    """A page never equals a list, as a list never equals a tuple."""
    assert is_equal is (Page([1], MIDDLE) == other)


def test_page_survives_pickle_and_copies() -> None:
    """Without the client that fetched it."""

    async def fetch_next() -> Page[int]:
        raise AssertionError

    page = Page([1], MIDDLE, fetch_next=fetch_next)
    assert [page] * 3 == [pickle.loads(pickle.dumps(page)), copy.copy(page), copy.deepcopy(page)]


def test_page_has_no_hash() -> None:
    """Its items can be changed."""
    with pytest.raises(TypeError):
        hash(Page([1]))


def test_repr_shows_counts_and_position_only() -> None:
    """Items belong to people."""
    assert "Page(items=1, page=2, total=9, has_more=True)" == repr(Page(["Ann's password"], MIDDLE))
