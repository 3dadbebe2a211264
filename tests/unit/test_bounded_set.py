"""The set with a maximum size."""

from __future__ import annotations

from cstar_async.webhooks._bounded_set import BoundedSet


def test_add_reports_whether_the_item_is_new() -> None:
    """The second time it is not."""
    items = BoundedSet[str](2)
    assert [True, False] == [items.add("a"), items.add("a")]


def test_oldest_item_is_dropped_beyond_the_maximum_size() -> None:
    """An item that is added again keeps its age."""
    items = BoundedSet[str](2)
    for item in ("a", "b", "a", "c"):
        items.add(item)
    assert ["b", "c"] == [item for item in ("a", "b", "c") if item in items]


def test_discarded_item_can_be_added_again() -> None:
    """Discarding an absent item does nothing."""
    items = BoundedSet[str](2)
    items.add("a")
    items.discard("a")
    items.discard("a")
    assert items.add("a")
