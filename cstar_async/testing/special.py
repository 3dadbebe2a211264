"""The operations that are none of the plain verbs, and who carries them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from cstar_async.testing import behaviours
from cstar_async.testing.answers import Outcome
from cstar_async.testing.batches import run_bulk, run_import
from cstar_async.testing.call import Call
from cstar_async.testing.exports import run_export
from cstar_async.testing.rules import test_automation

SPECIAL: Final[Mapping[str, Callable[[Call], Outcome]]] = MappingProxyType(
    {
        **behaviours.SPECIAL,
        "run_bulk": run_bulk,
        "run_import": run_import,
        "run_export": run_export,
        "test_automation": test_automation,
    }
)
"""By operation id."""
