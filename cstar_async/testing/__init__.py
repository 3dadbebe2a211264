"""A cStar on loopback for tests and local work, and a clock to push.

`FakeCStar` is the server, `FakeClock` the time it lives in; `ReceivedRequest` and `Delivery` are what its journals hand out,
`Fault` and `DeliveryFault` what goes wrong on purpose. The fake checks requests with `jsonschema`, which comes with the extra
`testing`. Everything is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cstar_async.testing.clock import FakeClock as FakeClock
    from cstar_async.testing.delivery import Delivery as Delivery
    from cstar_async.testing.delivery_faults import DeliveryFault as DeliveryFault
    from cstar_async.testing.exchange import unanswerable_operations as unanswerable_operations
    from cstar_async.testing.fake import FakeCStar as FakeCStar
    from cstar_async.testing.faults import Fault as Fault
    from cstar_async.testing.journal import ReceivedRequest as ReceivedRequest

__all__ = ["Delivery", "DeliveryFault", "FakeCStar", "FakeClock", "Fault", "ReceivedRequest", "unanswerable_operations"]

_ROOMS: Final = {
    "Delivery": "delivery",
    "DeliveryFault": "delivery_faults",
    "FakeCStar": "fake",
    "FakeClock": "clock",
    "Fault": "faults",
    "ReceivedRequest": "journal",
    "unanswerable_operations": "exchange",
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
