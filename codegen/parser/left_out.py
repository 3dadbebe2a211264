"""The reason why an operation is left out."""

from __future__ import annotations


class LeftOutError(Exception):
    """An operation needs something that the client cannot do. It is left out, with a note."""
