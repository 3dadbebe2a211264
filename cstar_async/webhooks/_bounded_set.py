"""A set with a maximum size, for ids that must not use unlimited memory."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class BoundedSet(Generic[T]):
    """A set that drops its oldest items."""

    __slots__ = ("_items", "_max_size")

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        self._items: OrderedDict[T, None] = OrderedDict()

    def __contains__(self, item: T) -> bool:
        return item in self._items

    def add(self, item: T) -> bool:
        """Add *item*. Return False if the set has it already; its age stays as it was then."""
        if item in self._items:
            return False
        self._items[item] = None
        if len(self._items) > self._max_size:
            self._items.popitem(last=False)
        return True

    def discard(self, item: T) -> None:
        """Remove *item* if the set has it."""
        self._items.pop(item, None)
