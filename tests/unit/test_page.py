"""One page: a sequence of its items, with its position in the list."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence
from typing import Any

import pytest

from cstar_async import InvalidArgumentError, Page, PaginationError
from cstar_async.pagination import PageInfo
from cstar_async.pagination._page import cursor_page, linked_page, with_items

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
    with pytest.raises(PaginationError, match=r"^there is no page after the last one; check has_more"):
        await Page(["a"]).next_page()


async def test_next_page_of_a_page_that_no_client_fetched_is_an_error() -> None:
    """There is nobody to fetch it."""
    with pytest.raises(PaginationError, match=r"^this page was not fetched by a client; pass fetch_next="):
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


@pytest.mark.parametrize(
    ("data", "info", "message"),
    [
        (5, None, "data must be an iterable of items, got int"),
        (None, None, "data must be an iterable of items, got NoneType"),
        ([], {"page": 1}, "info must be a PageInfo, got {<str>: 1}"),
    ],
)
def test_page_of_anything_else_is_refused(data: Any, info: Any, message: str) -> None:
    """The error shows no item."""
    with pytest.raises(InvalidArgumentError) as caught:
        Page(data, info)
    assert message == caught.value.message


def test_pretty_printers_show_items_and_info() -> None:
    """As the fields have them."""
    assert [("data", ["a"]), ("info", MIDDLE)] == list(Page(["a"], MIDDLE).__rich_repr__())


async def fetch(position: Any, size: int | None) -> Page[Any]:
    """Return a page that says what was requested."""
    return Page([position, size], PageInfo())


@pytest.mark.parametrize(("stated", "number", "following"), [(4, 3, 5), (4, None, 5), (None, 3, 4), (None, None, 2)])
async def test_next_number_follows_the_stated_one_or_the_requested_one(
    stated: int | None, number: int | None, following: int
) -> None:
    """A page that was requested without a number is the first."""
    page: Page[Any] = linked_page(fetch, ["a"], PageInfo(page=stated, has_more=True), number, 7)
    assert (["a"], [following, 7]) == (page.data, (await page.next_page()).data)


async def test_next_cursor_is_that_of_the_page() -> None:
    """With the same size."""
    info = PageInfo(next_cursor="c2", has_more=True)
    page = cursor_page(fetch, ["a"], info, 7)
    assert (["a"], info, ["c2", 7]) == (page.data, page.info, (await page.next_page()).data)


async def test_next_page_with_another_number_is_refused() -> None:
    """Unless it is empty: then it is the end."""

    async def fetch_first(position: Any, size: int | None) -> Page[str]:
        return Page(["a"] if size else [], PageInfo(page=1))

    page = linked_page(fetch_first, ["a"], PageInfo(has_more=True), 1, 7)
    with pytest.raises(PaginationError) as caught:
        await page.next_page()
    assert "requested page 2, the server returned page 1" == caught.value.message
    assert [] == (await linked_page(fetch_first, ["a"], PageInfo(has_more=True), 1, None).next_page()).data


async def test_page_with_other_items_has_the_same_position_and_next_page() -> None:
    """An iteration yields such pages."""
    page: Page[Any] = with_items(linked_page(fetch, ["a", "b"], MIDDLE, 2, 7), ["b"])
    assert (["b"], MIDDLE, [3, 7]) == (page.data, page.info, (await page.next_page()).data)
