"""The models of the API, each loaded when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cstar_async._generated.models import *  # noqa: F403 -- the door shows what the room holds
else:
    from cstar_async._generated import models as _models

    __all__ = _models.__all__

    def __getattr__(name: str) -> object:
        try:
            return getattr(_models, name)
        except AttributeError:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None

    def __dir__() -> list[str]:
        return sorted(__all__)
