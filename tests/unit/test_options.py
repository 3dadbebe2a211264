"""Settings of one call."""

from __future__ import annotations

import attrs
import pytest

from cstar_async import Priority, RequestOptions


def test_interactive_sorts_before_background() -> None:
    """Lower goes first."""
    assert [Priority.INTERACTIVE, Priority.BACKGROUND] == sorted([Priority.BACKGROUND, Priority.INTERACTIVE])


def test_options_show_no_header_query_or_body() -> None:
    """They may hold anything."""
    options = RequestOptions(headers={"X": "SECRET"}, extra_query={"q": "SECRET"}, extra_body={"b": "SECRET"}, timeout=5.0)
    assert ("SECRET" in repr(options), "timeout=5.0" in repr(options)) == (False, True)


def test_options_cannot_be_changed() -> None:
    """They may be shared between calls."""
    options = RequestOptions()
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        options.timeout = 5.0  # type: ignore[misc]
