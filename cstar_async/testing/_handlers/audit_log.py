"""The audit log: one entry for every successful write."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cstar_async._types import UntypedJSON, is_object
from cstar_async.testing._handlers.request import Call
from cstar_async.testing._http.auth import Key
from cstar_async.testing._http.responses import HandlerResult

LOG: Final = "audit_log"
"""The collection of the entries."""

_ACTIONS: Final[Mapping[UntypedJSON, str]] = MappingProxyType({"create": "created", "update": "updated", "delete": "deleted"})


def log_write(call: Call, outcome: HandlerResult) -> None:
    """Add an entry for a call. Reads, fake responses and calls without a key have none."""
    operation = call.operation
    action = operation.extensions.get("action")
    if operation.method == "GET" or action == "fake-response" or not isinstance(call.caller, Key) or not call.database.has(LOG):
        return
    resource_type = (
        call.table.schema.display_name.lower().replace(" ", "_") if "collection" in operation.extensions else operation.namespace
    )
    call.database.insert(
        LOG,
        {
            "action": f"{resource_type}.{_ACTIONS.get(action, operation.name)}",
            "resourceType": resource_type,
            "resourceId": outcome.data.get("id") if is_object(outcome.data) else None,
            "actorId": f"key_{call.caller.environment}_{call.caller.type}",
            "actorName": "API key",
            "details": {"operation": operation.id},
        },
        at=call.at,
    )
