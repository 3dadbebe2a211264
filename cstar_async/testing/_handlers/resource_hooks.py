"""The special rules of single collections: what the document says in prose only.

Handlers call the hooks before and after a write; the default hooks do nothing. Hooks keep no state. Rules marked "inferred" are not
documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from types import MappingProxyType
from typing import ClassVar, Final

import attrs

from cstar_async._types import UntypedJSON
from cstar_async.testing._data.store import Database, Object
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._handlers.webhooks import check_webhook_url

_WORDS_A_MINUTE: Final = 200

ROLE_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "owner": "The Guildmaster",
        "admin": "The Commander",
        "manager": "The Captain",
        "librarian": "The Lorekeeper",
        "agent": "The Hero",
        "spectator": "The Watcher",
    }
)
"""The title of each role in the game."""


@attrs.frozen
class WriteContext:
    """A write in progress."""

    database: Database
    fields: Object
    """The stored object; in `before_write`, the fields that are about to be stored."""
    at: str
    """The timestamp of the write."""
    parent: Object | None = None
    """The parent of a new object."""
    before: Mapping[str, UntypedJSON] = MappingProxyType({})
    """An updated object as it was before."""


class ResourceHooks:
    """A collection without special rules."""

    unpaginated_by_default: ClassVar[bool] = False
    """Whether a list without `page` and `pageSize` returns all rows."""
    first_child: ClassVar[Mapping[str, UntypedJSON]] = MappingProxyType({})
    """Fields of a child that is created with its parent, besides the field in the request."""

    def before_write(self, context: WriteContext) -> None:
        """Change the fields of a create or an update in place, before they are stored."""

    def after_write(self, context: WriteContext) -> None:
        """Apply the consequences of a create or an update."""

    def after_create(self, context: WriteContext) -> None:
        """Apply the consequences of a new object; default those of every write."""
        self.after_write(context)


class Tickets(ResourceHooks):
    """Tickets have the name of their customer, the dates of their status, and create the tags that they use.

    An unknown customer id is stored: whether cStar refuses one is not documented.
    """

    # The first message of a ticket is from its customer (inferred).
    first_child = MappingProxyType({"sender": "customer"})

    def before_write(self, context: WriteContext) -> None:
        """Set the name of the customer."""
        fields = context.fields
        customer = context.database.table("customers").find(fields.get("customerId") or "")
        if customer is not None:
            fields["customerId"] = customer["id"]
            fields["customerName"] = fields.get("customerName") or customer["name"]

    def after_write(self, context: WriteContext) -> None:
        """Set the dates of the status, create new tags and notify the assignee."""
        self._date_status(context)
        self._keep_tags(context)
        self._notify(context)

    def _date_status(self, context: WriteContext) -> None:
        """Set the dates of the end; a reopened ticket has none (inferred)."""
        fields, status = context.fields, context.fields["status"]
        if status == context.before.get("status"):
            return
        if status == "closed":
            fields["closedAt"] = context.at
        elif status == "resolved":
            fields["resolvedAt"], fields["closedAt"] = context.at, None
        else:
            fields["resolvedAt"], fields["closedAt"] = None, None

    def _notify(self, context: WriteContext) -> None:
        """Create a notification for an assignment. It has no user: which user a key acts for is not documented."""
        fields, database = context.fields, context.database
        if fields["assignedTo"] and fields["assignedTo"] != context.before.get("assignedTo") and database.has("notifications"):
            notification = {"type": "ticket_assigned", "title": "A ticket was assigned to you", "body": fields["title"]}
            database.insert("notifications", notification, at=context.at)

    def _keep_tags(self, context: WriteContext) -> None:
        for name in context.fields["tags"] if context.database.has("tags") else ():
            if context.database.table("tags").find(name) is None:
                context.database.insert("tags", {"name": name}, at=context.at)


class Messages(ResourceHooks):
    """Messages update their ticket.

    The first public message of an agent is the first response, and every message updates the ticket (inferred). A customer message
    without a name gets that of the ticket.
    """

    def after_create(self, context: WriteContext) -> None:
        """Update the ticket."""
        fields, ticket = context.fields, context.parent
        if ticket is None:
            return
        ticket["updatedAt"] = context.at
        if fields["sender"] == "customer":
            fields["senderName"] = fields["senderName"] or ticket["customerName"]
        if fields["sender"] == "agent" and not fields["isInternal"] and ticket["firstResponseAt"] is None:
            ticket["firstResponseAt"] = context.at


class Articles(ResourceHooks):
    """Articles have the date of their first publication and a reading time."""

    def after_write(self, context: WriteContext) -> None:
        """Set the date and the reading time."""
        fields = context.fields
        if fields["status"] == "published" and fields["publishedAt"] is None:
            fields["publishedAt"] = context.at
        if fields["content"] is not None:
            fields["readTime"] = f"{max(1, ceil(len(fields['content'].split()) / _WORDS_A_MINUTE))} min"


class Categories(ResourceHooks):
    """The list of categories is not paginated by default, so that a menu needs one call."""

    unpaginated_by_default = True


class Members(ResourceHooks):
    """The title of a member follows the role. The schema of the update excludes `owner`."""

    def before_write(self, context: WriteContext) -> None:
        """Set the title."""
        if context.fields.get("role") in ROLE_NAMES:
            context.fields["roleDisplayName"] = ROLE_NAMES[context.fields["role"]]


class CommunityComments(ResourceHooks):
    """A locked post accepts no new comments."""

    def before_write(self, context: WriteContext) -> None:
        """Check that the post is not locked. The status of the error is inferred."""
        if context.parent is not None and context.parent["is_locked"]:
            raise APIFailure(409, "post_locked", "The post is locked and accepts no new comments.")


class Webhooks(ResourceHooks):
    """Webhook URLs are public HTTPS, or on this machine."""

    def before_write(self, context: WriteContext) -> None:
        """Check the URL."""
        if "url" in context.fields:
            check_webhook_url(str(context.fields["url"]))


class Settings(ResourceHooks):
    """The settings start with the name of the team."""

    def after_create(self, context: WriteContext) -> None:
        """Set the name of the team."""
        context.fields["teamName"], context.fields["teamSlug"] = context.database.team.name, context.database.team.slug


RESOURCE_HOOKS: Final[Mapping[str, ResourceHooks]] = MappingProxyType(
    {
        "tickets": Tickets(),
        "messages": Messages(),
        "articles": Articles(),
        "categories": Categories(),
        "members": Members(),
        "community_comments": CommunityComments(),
        "settings": Settings(),
        "webhooks": Webhooks(),
    }
)
"""By collection."""

_DEFAULT_HOOKS: Final = ResourceHooks()


def hooks_for(collection: str) -> ResourceHooks:
    """Return the hooks of a collection."""
    return RESOURCE_HOOKS.get(collection, _DEFAULT_HOOKS)
