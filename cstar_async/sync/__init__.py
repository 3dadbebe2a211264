"""A local copy of tickets, customers, articles and messages in a SQLite file, kept up to date.

::

    from cstar_async.models import Ticket
    from cstar_async.sync import LocalCopy

    copy = LocalCopy("cstar.sqlite")
    report = await copy.refresh(cstar)
    for ticket in copy.rows(Ticket, changed_since=report.since):
        print(ticket.id)
"""

from cstar_async.sync._copy import LocalCopy, SyncReport

__all__ = ["LocalCopy", "SyncReport"]
