"""The buttons of the page: what each changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from cstar_async._types import UntypedJSON
from cstar_async._values.validation import check_choice, invalid, is_number
from cstar_async.errors import InvalidArgumentError
from cstar_async.testing._page.state import FakeParts, fault_id, key_label

Arguments: TypeAlias = Mapping[str, UntypedJSON]

_Action: TypeAlias = Callable[[FakeParts, Arguments], None]


def run_action(parts: FakeParts, name: object, arguments: Arguments) -> None:
    """Do what a button says.

    Args:
        parts: The parts of the fake.
        name: The name of the action.
        arguments: Its arguments.

    Raises:
        InvalidArgumentError: There is no such action, or an argument is invalid.
    """
    action = _ACTIONS.get(name) if isinstance(name, str) else None
    if action is None:
        raise invalid("action", f"one of {', '.join(_ACTIONS)}", name)
    action(parts, arguments)


def _advance_clock(parts: FakeParts, arguments: Arguments) -> None:
    seconds = arguments.get("seconds")
    if not is_number(seconds):
        raise invalid("seconds", "a number from 0", seconds)
    parts.clock.advance(seconds)


def _resend(parts: FakeParts, arguments: Arguments) -> None:
    wanted = arguments.get("delivery")
    delivery = next((one for one in reversed(parts.deliveries) if one.id == wanted), None)
    if delivery is None:
        raise InvalidArgumentError("delivery must be in the log, got one that is not; the oldest are dropped")
    for database in parts.databases():
        webhook = database.table("webhooks").find(delivery.webhook_id)
        if webhook is not None and webhook["isActive"]:
            parts.publisher.resend(delivery, database)
            return
    raise InvalidArgumentError("the webhook of this delivery was deleted or switched off; switch it on, or create it again")


def _use_calls(parts: FakeParts, arguments: Arguments) -> None:
    wanted, now_s = arguments.get("key"), parts.clock.time()
    for key in parts.keys:
        if key_label(key) == wanted:
            parts.limits.use(key, parts.limits.state(key, now_s).remaining, now_s)
            return
    raise InvalidArgumentError("key must be a key of this fake, got another one; it was revoked")


def _add_fault(parts: FakeParts, arguments: Arguments) -> None:
    check_choice("of", arguments.get("of"), tuple(_FAULT_FIELDS))
    of = str(arguments["of"])
    wanted = {name: value for name, value in arguments.items() if name != "of"}
    unknown = wanted.keys() - _FAULT_FIELDS[of]
    if unknown:
        raise InvalidArgumentError(f"a fault of {of} must have only its own fields, got {min(unknown)}")
    add: Callable[..., object] = parts.faults.add if of == "requests" else parts.deliveries.faults.add
    add(**wanted)


def _remove_fault(parts: FakeParts, arguments: Arguments) -> None:
    wanted = arguments.get("fault")
    for fault in [fault for fault in parts.faults if fault_id(fault) == wanted]:
        parts.faults.remove(fault)
    for other in [fault for fault in parts.deliveries.faults if fault_id(fault) == wanted]:
        parts.deliveries.faults.remove(other)


def _clear_logs(parts: FakeParts, _arguments: Arguments) -> None:
    parts.requests.clear()
    parts.deliveries.clear()


def _disconnect_streams(parts: FakeParts, _arguments: Arguments) -> None:
    parts.streams.disconnect_all()


_FAULT_FIELDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "requests": frozenset(
            {"operation", "method", "path", "max_triggers", "probability", "status", "retry_after", "delay", "drop", "reset"}
            | {"truncate_after"}
        ),
        "deliveries": frozenset({"event", "max_triggers", "probability", "drop", "delay", "repeat"}),
    }
)

_ACTIONS: Final[Mapping[str, _Action]] = MappingProxyType(
    {
        "advance_clock": _advance_clock,
        "resend": _resend,
        "use_calls": _use_calls,
        "add_fault": _add_fault,
        "remove_fault": _remove_fault,
        "clear_logs": _clear_logs,
        "disconnect_streams": _disconnect_streams,
    }
)
