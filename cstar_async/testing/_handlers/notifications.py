"""Notifications as a whole: how many are unread, and all of them read at once."""

from __future__ import annotations

from cstar_async.testing._handlers.request import Call
from cstar_async.testing._http.responses import HandlerResult


def count_unread(call: Call) -> HandlerResult:
    """How many notifications have not been read."""
    return HandlerResult({"count": sum(not row["read"] for row in call.table)})


def mark_all_read(call: Call) -> HandlerResult:
    """How many there were to mark."""
    unread = [row for row in call.table if not row["read"]]
    for row in unread:
        row["read"] = True
    return HandlerResult({"updated": len(unread)})
