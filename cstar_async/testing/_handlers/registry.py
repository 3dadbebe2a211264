"""The operations that are none of the plain verbs, and who carries them out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from cstar_async.testing._handlers import resource_hooks
from cstar_async.testing._handlers.automations import test_automation
from cstar_async.testing._handlers.bulk import run_bulk, run_import
from cstar_async.testing._handlers.exports import run_export
from cstar_async.testing._handlers.notifications import count_unread, mark_all_read
from cstar_async.testing._handlers.public_library import LIBRARY
from cstar_async.testing._handlers.request import Call
from cstar_async.testing._handlers.search import search_all
from cstar_async.testing._handlers.views import list_view_tickets
from cstar_async.testing._handlers.webhooks import LISTEN_OPERATION, listen, test_webhook, trigger_test_webhooks
from cstar_async.testing._http.responses import HandlerResult

CUSTOM_HANDLERS: Final[Mapping[str, Callable[[Call], HandlerResult | Awaitable[HandlerResult]]]] = MappingProxyType(
    {
        **resource_hooks.SPECIAL,
        **LIBRARY,
        "run_bulk": run_bulk,
        "run_import": run_import,
        "run_export": run_export,
        "test_automation": test_automation,
        "search_everything": search_all,
        "test_webhook": test_webhook,
        "trigger_test_webhooks": trigger_test_webhooks,
        LISTEN_OPERATION.id: listen,
        "count_unread_notifications": count_unread,
        "mark_all_notifications_read": mark_all_read,
        "list_view_tickets": list_view_tickets,
    }
)
"""By operation id. One that has to wait for somebody else is awaited."""
