"""A fake cStar server for tests and local work.

`FakeCStar` is the server and `FakeClock` its clock. `ReceivedRequest` and `Delivery` are the entries of its logs, `Fault` and
`DeliveryFault` what goes wrong on purpose. The fake needs `jsonschema`, which the extra `testing` installs. `page_of` makes lists
for mocks. Each name is imported on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cstar_async.testing._data.store import Team as Team
    from cstar_async.testing._events.delivery_log import Delivery as Delivery
    from cstar_async.testing._events.faults import DeliveryFault as DeliveryFault
    from cstar_async.testing._http.faults import Fault as Fault
    from cstar_async.testing._http.request_log import ReceivedRequest as ReceivedRequest
    from cstar_async.testing._pages import page_of as page_of
    from cstar_async.testing.clock import FakeClock as FakeClock
    from cstar_async.testing.fake import FakeCStar as FakeCStar

__all__ = ["Delivery", "DeliveryFault", "FakeCStar", "FakeClock", "Fault", "ReceivedRequest", "Team", "page_of"]

_EXPORTS: Final = {
    "Delivery": "_events.delivery_log",
    "DeliveryFault": "_events.faults",
    "FakeCStar": "fake",
    "FakeClock": "clock",
    "Fault": "_http.faults",
    "ReceivedRequest": "_http.request_log",
    "Team": "_data.store",
    "page_of": "_pages",
}


def __getattr__(name: str) -> object:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
