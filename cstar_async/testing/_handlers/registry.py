"""The handler of each operation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from cstar_async.testing._data.collections import CollectionSchema, load_collections
from cstar_async.testing._data.spec import Document, FakeOperation, generated_document
from cstar_async.testing._handlers import crud, public_library
from cstar_async.testing._handlers.auth import whoami
from cstar_async.testing._handlers.automations import test_automation
from cstar_async.testing._handlers.bulk import run_bulk, run_import
from cstar_async.testing._handlers.exports import run_export
from cstar_async.testing._handlers.notifications import count_unread, mark_all_read
from cstar_async.testing._handlers.request import Call
from cstar_async.testing._handlers.samples import cannot_serve, return_schema_sample
from cstar_async.testing._handlers.search import search_all
from cstar_async.testing._handlers.views import list_view_tickets
from cstar_async.testing._handlers.webhooks import LISTEN_OPERATION, listen, test_webhook, trigger_test_webhooks
from cstar_async.testing._http.responses import HandlerResult

CUSTOM_HANDLERS: Final[Mapping[str, Callable[[Call], HandlerResult | Awaitable[HandlerResult]]]] = MappingProxyType(
    {
        "whoami": whoami,
        "list_library_articles": public_library.list_articles,
        "get_library_article": public_library.get_article,
        "list_library_categories": public_library.list_categories,
        "search_library": public_library.search,
        "record_library_view": public_library.record_view,
        "send_library_feedback": public_library.feedback,
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
"""By operation id. A coroutine function is awaited."""

CRUD_HANDLERS: Final[Mapping[str, Callable[[Call], HandlerResult]]] = MappingProxyType(
    {
        "list": crud.list_objects,
        "create": crud.create_object,
        "get": crud.get_object,
        "update": crud.update_object,
        "delete": crud.delete_object,
        "fake-response": crud.return_sample,
    }
)
"""By the action of the document."""


def operations_without_handler(document: Document | None = None) -> list[str]:
    """Return the ids of the operations that the fake cannot handle; a test expects none.

    Args:
        document: The document; default the one that this package was generated from.
    """
    document = document or generated_document()
    schemas = load_collections(document)
    return [operation.id for operation in document.operations.values() if not _has_handler(operation, schemas)]


def _has_handler(operation: FakeOperation, schemas: Mapping[str, CollectionSchema]) -> bool:
    if operation.id in CUSTOM_HANDLERS or "action" not in operation.extensions:
        return True  # without an action, a sample of the schema is returned
    if operation.extensions.get("action") == "fake-response":
        return "fake-response" in operation.extensions
    collection = operation.extensions.get("collection")
    return operation.extensions.get("action") in CRUD_HANDLERS and isinstance(collection, str) and collection in schemas


def handle(call: Call) -> HandlerResult | Awaitable[HandlerResult]:
    """Return the result of a call: by the code for its operation, by its action, or a sample of its schema.

    Raises:
        APIFailure: The call is refused; 501: nothing says how to handle it.
    """
    operation = call.operation
    if custom := CUSTOM_HANDLERS.get(operation.id):
        return custom(call)
    action = operation.extensions.get("action")
    if action is None:
        return return_schema_sample(call)
    handler = CRUD_HANDLERS.get(str(action))
    is_known = handler is not None and (action == "fake-response" or call.database.has(str(operation.extensions.get("collection"))))
    if handler is None or not is_known:
        raise cannot_serve(call)
    return handler(call)
