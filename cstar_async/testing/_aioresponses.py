"""aioresponses, made to work with aiohttp 3.14.

aioresponses 0.7.9 creates responses without `stream_writer`, which `ClientResponse` requires since aiohttp 3.14 (issue 289 of
aioresponses, open). The response class below adds it. When `test_aioresponses_still_needs_the_workaround` fails, delete it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import Mock

from aiohttp import ClientResponse
from aioresponses import aioresponses

if TYPE_CHECKING:
    from cstar_async._types import UntypedJSON


class CompatibleResponse(ClientResponse):
    """A response that can be created without `stream_writer`."""

    def __init__(self, *arguments: UntypedJSON, **settings: UntypedJSON) -> None:
        super().__init__(*arguments, **{"stream_writer": Mock(output_size=0), **settings})


class CompatibleMock(aioresponses):
    """aioresponses with compatible responses."""

    def add(self, *arguments: UntypedJSON, **settings: UntypedJSON) -> None:
        """Register a response."""
        super().add(*arguments, **{"response_class": CompatibleResponse, **settings})  # pyright: ignore[reportUnknownMemberType]
