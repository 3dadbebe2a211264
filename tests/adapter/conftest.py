"""aioresponses, made to work with aiohttp 3.14.

aioresponses 0.7.9 makes its responses without `stream_writer`, which `ClientResponse` wants since aiohttp 3.14 (issue 289 of
aioresponses, open). The class below fills the gap; `test_the_gap_is_still_there` says when it can go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp import ClientResponse
from aioresponses import aioresponses


class GapFillingResponse(ClientResponse):
    """A response that needs no stream to be made."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **{"stream_writer": Mock(output_size=0), **settings})


class Mocked(aioresponses):
    """aioresponses whose answers are made by the class above."""

    def add(self, *arguments: Any, **settings: Any) -> None:
        """Register an answer."""
        super().add(*arguments, **{"response_class": GapFillingResponse, **settings})


@pytest.fixture
def mocked() -> Iterator[aioresponses]:
    """Answers without a server."""
    with Mocked() as mock:
        yield mock
