"""Operations on all notifications: count the unread ones, and mark all as read."""

from __future__ import annotations

from cstar_async.testing._handlers.request import Call
from cstar_async.testing._http.responses import HandlerResult


def count_unread(call: Call) -> HandlerResult:
    """Return the number of unread notifications."""
    return HandlerResult({"count": sum(not row["read"] for row in call.table)})


def mark_all_read(call: Call) -> HandlerResult:
    """Mark all as read; return how many were unread."""
    unread = [row for row in call.table if not row["read"]]
    for row in unread:
        row["read"] = True
    return HandlerResult({"updated": len(unread)})
