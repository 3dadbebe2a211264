"""The rules of an iteration by page numbers, one call at a time: what it yields, where it continues and when it fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cstar_async import Page, PaginationError, from_dict
from cstar_async.models import Ticket, TicketUpdate
from cstar_async.pagination import PageInfo
from cstar_async.pagination._checkpoint import MAX_REMEMBERED_IDS, Checkpoint, fingerprint
from cstar_async.pagination._traversal import TOTAL_ERROR, PageTraversal

NO_END = "the list does not advance: page after page has no new item"


def tickets(names: Sequence[str]) -> list[Ticket]:
    """Return tickets with these ids; those whose names begin with a question mark have none."""
    return [from_dict(Ticket, {"title" if name.startswith("?") else "id": name}) for name in names]


def names(items: Sequence[Ticket]) -> list[str]:
    """Return the ids of tickets, or their titles."""
    return [ticket.id or ticket.title or "" for ticket in items]


def page_of(names: Sequence[str], total: int | None = None, *, has_more: bool = True) -> Page[Ticket]:
    """Return a page with these tickets."""
    return Page(tickets(names), PageInfo(total=total, has_more=has_more))


def new_traversal() -> PageTraversal[Ticket]:
    """Return an iteration at its beginning."""
    return PageTraversal(Checkpoint(first_page=1, page_size=2, page=1))


def resumed(seen: Sequence[str], *, is_complete: bool = True, **fields: Any) -> PageTraversal[Ticket]:
    """Return an iteration that yielded these items before."""
    fields = {"page": 1, "items": len(seen), "seen": tuple(map(fingerprint, seen)), **fields}
    return PageTraversal(Checkpoint(first_page=1, page_size=2, is_complete=is_complete, **fields))


def read(traversal: PageTraversal[Ticket], number: int, names: Sequence[str], total: int | None = None) -> None:
    """Read a page and yield all its items."""
    page = page_of(names, total)
    new = traversal.new_items(page.data)
    traversal.commit_page(number, page, [], new)
    traversal.yielded_count = len(new)


def test_items_of_an_earlier_page_are_not_new() -> None:
    """Those beside them are."""
    traversal = new_traversal()
    read(traversal, 1, "ab")
    assert ["c", "d"] == names(traversal.new_items(tickets("cbd")))


def test_items_without_id_are_new_unless_the_page_is_the_one_before() -> None:
    """Nothing else identifies them."""
    traversal = new_traversal()
    read(traversal, 1, ["?1", "?2"])
    assert [] == traversal.new_items(tickets(["?1", "?2"]))
    assert ["?1", "?3"] == names(traversal.new_items(tickets(["?1", "?3"])))


def test_offset_counts_for_items_without_id_on_the_first_page_read() -> None:
    """Later pages are all new."""
    traversal = resumed([], items=1, offset=1)
    page = page_of(["?1", "?2", "?3"])
    new = traversal.new_items(page.data)
    traversal.commit_page(1, page, [], new)
    assert (["?2", "?3"], ["?4", "?5"]) == (names(new), names(traversal.new_items(tickets(["?4", "?5"]))))


def test_offset_of_an_iteration_that_yielded_nothing_does_not_count() -> None:
    """Its first page is new."""
    assert ["?1", "?2"] == names(resumed([], offset=1).new_items(tickets(["?1", "?2"])))


def test_items_before_a_remembered_one_count_as_yielded_if_some_were_dropped() -> None:
    """If all are remembered, they are new."""
    assert ["b"] == names(resumed("x", is_complete=False).new_items(tickets("axb")))
    assert ["a", "b"] == names(resumed("x").new_items(tickets("axb")))


def test_skipped_items_are_seen() -> None:
    """They do not come on a later page."""
    traversal = resumed("x", is_complete=False)
    traversal.new_items(tickets("axb"))
    assert ["c"] == names(traversal.new_items(tickets("ac")))


def test_shifted_items_are_the_unseen_ones_with_an_id() -> None:
    """They are seen then."""
    traversal = new_traversal()
    read(traversal, 1, "ab")
    assert ["c", "d"] == names(traversal.shifted_items(tickets(["c", "a", "?1", "d"])))
    assert [] == traversal.shifted_items(tickets("cd"))


def test_shifted_items_before_a_remembered_one_count_as_yielded_if_some_were_dropped() -> None:
    """If all are remembered, they are shifted."""
    assert ["b"] == names(resumed("x", is_complete=False).shifted_items(tickets("axb")))
    assert ["a", "b"] == names(resumed("x").shifted_items(tickets("axb")))


def test_discarded_step_leaves_only_its_items_unseen() -> None:
    """What was yielded stays seen, and so does what is read after it."""
    traversal = new_traversal()
    read(traversal, 1, "ab")
    traversal.new_items(tickets("cd"))
    traversal.discard_step()
    assert ["c", "e"] == names(traversal.new_items(tickets("ace")))
    assert [] == traversal.new_items(tickets("bce"))


@pytest.mark.parametrize(
    ("before", "total", "has_moved"),
    [(None, None, False), (None, 5, False), (5, 5, False), (5, 6, True), (5, 4, True), (5, None, True)],
)
def test_another_total_is_a_move(before: int | None, total: int | None, *, has_moved: bool) -> None:
    """The first total stated is none."""
    traversal = new_traversal()
    read(traversal, 1, "ab", before)
    page = page_of("cd", total)
    assert has_moved is traversal.has_moved(page, page.data)


def test_repeated_item_is_a_move() -> None:
    """Even if all others are new."""
    traversal = new_traversal()
    read(traversal, 1, "ab")
    page = page_of("bc")
    assert traversal.has_moved(page, traversal.new_items(page.data))


@pytest.mark.parametrize(
    ("data", "has_moved"),
    [
        ("abcd", False),
        ("abc", False),
        ("ab", False),
        ("acbd", True),  # the item before the offset is new
        ("bacd", True),  # the item before the offset is another one of those that were yielded
        ("abca", True),
        ("acd", True),
        ("abxcd", True),
    ],
)
def test_page_is_unchanged_if_the_yielded_items_are_before_the_offset(data: str, *, has_moved: bool) -> None:
    """And the one yielded last is the last of them; what is behind is new, whatever it is."""
    traversal = resumed("xyab", offset=2)
    page = page_of(data)
    assert has_moved is traversal.has_moved(page, traversal.new_items(page.data))


def test_page_is_unchanged_if_one_item_was_yielded() -> None:
    """The least that makes an iteration a resumed one."""
    traversal = resumed("a", offset=1)
    page = page_of("ab")
    assert not traversal.has_moved(page, traversal.new_items(page.data))


def test_another_total_than_that_of_the_checkpoint_is_a_move() -> None:
    """Whatever the page has."""
    for total, has_moved in ((9, False), (8, True)):
        traversal = resumed("ab", offset=2, total=9)
        page = page_of("abc", total)
        assert has_moved is traversal.has_moved(page, traversal.new_items(page.data))


def test_pending_shifted_items_are_a_move() -> None:
    """They are on earlier pages, which must be read."""
    traversal = resumed("ab", offset=2, has_pending_shifted_items=True)
    page = page_of("abc")
    assert traversal.has_moved(page, traversal.new_items(page.data))


@pytest.mark.parametrize("yielded", [["?1", "?2"], []])
def test_position_without_ids_is_taken_as_it_is(yielded: list[str]) -> None:
    """Nothing shows a move."""
    traversal = resumed([], items=2, offset=len(yielded))
    page = page_of([*yielded, "?3"])
    assert not traversal.has_moved(page, traversal.new_items(page.data))


@pytest.mark.parametrize(
    ("items", "is_complete", "must"), [(1, False, True), (1, True, False), (0, False, False), (0, True, False)]
)
def test_position_must_be_found_if_some_items_were_dropped(items: int, *, is_complete: bool, must: bool) -> None:
    """Until the first page is committed."""
    traversal = resumed("a", items=items, is_complete=is_complete)
    assert must is traversal.must_find_position
    read(traversal, 1, "ab")
    assert traversal.must_find_position is False


@pytest.mark.parametrize(
    ("data", "has_old", "starts"),
    [
        (["a", "x"], True, True),
        (["x", "a"], True, False),
        (["x", "y", "a"], True, False),
        (["x", "a", "y"], True, False),
        (["x", "y"], False, False),
        (["?1", "x"], False, True),
        ([], False, False),
    ],
)
def test_old_items_are_those_yielded_before_the_step(data: list[str], *, has_old: bool, starts: bool) -> None:
    """An item without an id is no proof of one, but nothing unseen is before it."""
    traversal = new_traversal()
    read(traversal, 1, "a")
    traversal.new_items(tickets("x"))
    assert (has_old, starts) == (traversal.has_old_item(tickets(data)), traversal.starts_with_old_item(tickets(data)))


@pytest.mark.parametrize(("data", "starts"), [("xa", True), ("xy", False), (["?1"], False)])
def test_page_with_an_old_item_is_enough_if_some_were_dropped(data: Sequence[str], *, starts: bool) -> None:
    """What is before it may be dropped."""
    assert starts is resumed("a", is_complete=False).starts_with_old_item(tickets(data))


def test_list_may_be_read_to_a_thousand_items_beyond_twice_its_total() -> None:
    """A page more is an error, unless it is empty or states no total."""
    traversal = new_traversal()
    rows = [f"?{number}" for number in range(2 * 10 + TOTAL_ERROR)]
    read(traversal, 1, rows[:-1], 10)
    read(traversal, 2, rows[-1:], 10)
    read(traversal, 3, ["?last"], 10)
    read(traversal, 4, ["?more"], None)
    read(traversal, 5, [], 10)
    with pytest.raises(PaginationError) as caught:
        read(traversal, 6, ["?again"], 10)
    assert "the list has no end: 1022 items were read, its stated total is 10" == caught.value.message


def test_third_equal_page_is_an_error() -> None:
    """One may repeat by a move."""
    traversal = new_traversal()
    read(traversal, 1, "a")
    read(traversal, 2, "a")
    with pytest.raises(PaginationError) as caught:
        read(traversal, 3, "a")
    assert caught.value.message == NO_END


@pytest.mark.parametrize(("totals", "allowed"), [((2, 2), 1), ((2, 5), 2), ((2, 6), 3), ((9, 2), 1), ((3, None), 1)])
def test_growth_of_the_list_may_repeat_a_page(totals: tuple[int, int | None], allowed: int) -> None:
    """Once for each page that was added."""
    traversal = new_traversal()
    read(traversal, 1, "zyxwvuts", totals[0])
    read(traversal, 2, "ab", totals[1])
    for number in range(allowed):
        read(traversal, 3 + number, "ab", totals[1])
    with pytest.raises(PaginationError):
        read(traversal, 9, "ab", totals[1])


def test_another_page_in_between_ends_a_repetition() -> None:
    """Only equal pages in a row count."""
    traversal = new_traversal()
    read(traversal, 1, "abcdefgh")
    for number in range(4):
        read(traversal, 2 + number, ["ab", "ba"][number // 2 % 2])


def test_yielded_items_may_be_pushed_on_to_as_many_pages() -> None:
    """Then the list does not advance."""
    traversal = new_traversal()
    for number, names_ in enumerate(["ab", "cd", "e", "bc", "da", "cb"]):
        read(traversal, number, names_)
    with pytest.raises(PaginationError):
        read(traversal, 7, "ad")


def test_list_may_grow_by_more_than_was_yielded() -> None:
    """Pages of old items are then as many as were added."""
    traversal = new_traversal()
    read(traversal, 1, "ab", 2)
    for number in range(4):
        read(traversal, 2 + number, ["ba", "ab"][number % 2], 8)
    with pytest.raises(PaginationError):
        read(traversal, 9, "ba", 8)


def test_total_that_is_stated_late_counts_as_growth() -> None:
    """Compared with none."""
    traversal = new_traversal()
    for number, names_ in enumerate(["ab", "ba", "ab"]):
        read(traversal, number, names_)
    read(traversal, 4, "ba", 4)


def test_new_item_ends_the_count_of_pages_without_one() -> None:
    """The count begins again at the next page."""
    for middle in ("ca", ""):
        traversal = new_traversal()
        for number, names_ in enumerate(["ab", "ab", middle, "ab", "ba"]):
            read(traversal, number, names_)


def test_shifted_items_are_an_advance() -> None:
    """Although the page itself has no new item."""
    traversal = new_traversal()
    read(traversal, 1, "a")
    for number in range(5):
        page = page_of("a")
        traversal.new_items(page.data)
        traversal.commit_page(2 + number, page, traversal.shifted_items(tickets(f"{number}")), [])


def test_first_page_of_a_resumed_iteration_need_not_advance() -> None:
    """All its items may have been yielded; it does not count among those without a new item."""
    traversal = resumed("a", offset=1)
    for number in range(2):
        read(traversal, number, "a")
    with pytest.raises(PaginationError):
        read(traversal, 3, "a")


def fields_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the fields that change within an iteration."""
    names_ = ("page", "offset", "total", "items", "seen", "is_complete", "has_pending_shifted_items", "is_done")
    return {name: getattr(checkpoint, name) for name in names_}


def test_checkpoint_before_the_first_page_is_that_of_the_start() -> None:
    """The very same."""
    traversal = resumed("ab", page=2)
    assert traversal.checkpoint() is traversal.start
    assert (2, 0, True) == (traversal.page, traversal.yielded_count, traversal.is_resumed)


@pytest.mark.parametrize(
    ("yielded", "offset", "is_pending", "is_done"),
    [(0, 0, True, False), (1, 0, True, False), (2, 1, False, False), (3, 3, False, False), (4, 4, False, True)],
)
def test_checkpoint_is_the_position_behind_the_item_yielded_last(
    yielded: int, offset: int, *, is_pending: bool, is_done: bool
) -> None:
    """Shifted items come first; the offset counts the items of the page that were yielded or seen before."""
    traversal = resumed("pq", items=5)
    read(traversal, 1, "ab", 9)
    page = page_of("bcad", 7, has_more=False)
    shifted = traversal.shifted_items(tickets("yz"))
    traversal.commit_page(2, page, shifted, traversal.new_items(page.data))
    assert (2, 0, False) == (traversal.page, traversal.yielded_count, traversal.is_resumed)
    traversal.yielded_count = yielded
    expected: dict[str, Any] = {"page": 2, "offset": offset, "total": 7, "items": 7 + yielded, "is_complete": True}
    seen = tuple(map(fingerprint, ["p", "q", "a", "b", *"yzcd"[:yielded]]))
    expected |= {"seen": seen, "has_pending_shifted_items": is_pending, "is_done": is_done}
    assert expected == fields_of(traversal.checkpoint())
    assert (1, 2) == (traversal.checkpoint().first_page, traversal.checkpoint().page_size)


def test_checkpoint_behind_the_last_item_is_not_done_if_there_are_more_pages() -> None:
    """The next page is still to be read."""
    traversal = new_traversal()
    read(traversal, 1, "ab")
    assert traversal.checkpoint().is_done is False


@pytest.mark.parametrize("before", [0, 1, 400])
@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("is_complete", [True, False])
def test_checkpoint_remembers_the_last_thousand_ids(before: int, more: int, *, is_complete: bool) -> None:
    """All items of an iteration, also of those before it and of the current page, are remembered up to that."""
    rows = [f"{number}" for number in range(MAX_REMEMBERED_IDS + more)]
    traversal = resumed(rows[:before], page=1, is_complete=is_complete)
    read(traversal, 2, [*rows[before:500], "?"])
    read(traversal, 3, [*rows[500:900], "?"])
    read(traversal, 4, [*rows[900:], "?", "left"])
    traversal.yielded_count -= 1
    checkpoint = traversal.checkpoint()
    assert tuple(map(fingerprint, rows[more:])) == checkpoint.seen
    assert (is_complete and not more, len(rows) + 3) == (checkpoint.is_complete, checkpoint.items)


@pytest.mark.parametrize("data", [[1, "a"], [from_dict(Ticket, {"id": ["x"]})], [TicketUpdate(title="x")]])
def test_what_has_no_usable_id_is_always_new(data: list[Any]) -> None:
    """Values, models without an id, and ids that cannot be hashed."""
    traversal: PageTraversal[Any] = PageTraversal(Checkpoint(first_page=1, page_size=2, page=1))
    assert [data, data] == [traversal.new_items(data), traversal.new_items(data)]
