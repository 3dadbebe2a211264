"""What is special about a collection: that which the document says in prose only.

A hooks is asked at fixed actions (`prepare`, `made`, `changed`); the default does nothing. Behaviours keep no state: all that
they know is in the event they are given. Rules marked "inferred" are not documented.
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
"""What a role is called in the game."""


@attrs.frozen
class WriteContext:
    """What just happens to an object."""

    database: Database
    fields: Object
    """The stored object; while it is being prepared, the fields about to be taken over."""
    at: str
    """The timestamp of now."""
    parent: Object | None = None
    """What a new object belongs to."""
    before: Mapping[str, UntypedJSON] = MappingProxyType({})
    """A changed object as it was."""


class ResourceHooks:
    """A collection without anything special."""

    unpaginated_by_default: ClassVar[bool] = False
    """Whether a list comes whole when no page is asked for."""
    first_child: ClassVar[Mapping[str, UntypedJSON]] = MappingProxyType({})
    """What a child says that is made along with a new object, beyond the field that the request gave for it."""

    def before_write(self, context: WriteContext) -> None:
        """Correct the fields of a create or an update in place, before they are taken over."""

    def after_create(self, context: WriteContext) -> None:
        """Do what follows from a new object."""

    def after_update(self, context: WriteContext) -> None:
        """Do what follows from a change."""


class Tickets(ResourceHooks):
    """Tickets know the name of their customer, date what happens to their status, and make tags by using them.

    A customer id that nobody has is kept as it is: whether cStar refuses one is not documented.
    """

    # A ticket is opened on behalf of its customer, so its first message is the customer's (inferred).
    first_child = MappingProxyType({"sender": "customer"})

    def before_write(self, context: WriteContext) -> None:
        """Name the customer."""
        fields = context.fields
        customer = context.database.table("customers").find(fields.get("customerId") or "")
        if customer is not None:
            fields["customerId"] = customer["id"]
            fields["customerName"] = fields.get("customerName") or customer["name"]

    def after_create(self, context: WriteContext) -> None:
        """Date the status, keep the tags and tell who has to work on it."""
        self._date_status(context)
        self._keep_tags(context)
        self._notify(context)

    def after_update(self, context: WriteContext) -> None:
        """Date the status, keep the tags and tell who has to work on it."""
        self._date_status(context)
        self._keep_tags(context)
        self._notify(context)

    def _date_status(self, context: WriteContext) -> None:
        """Date the end of a ticket; one that is opened again has not ended (inferred)."""
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
        """Tell of an assignment. To whom is not said: which user a key stands for is not documented."""
        fields, database = context.fields, context.database
        if fields["assignedTo"] and fields["assignedTo"] != context.before.get("assignedTo") and database.has("notifications"):
            news = {"type": "ticket_assigned", "title": "A ticket was assigned to you", "body": fields["title"]}
            database.make("notifications", news, at=context.at)

    def _keep_tags(self, context: WriteContext) -> None:
        for name in context.fields["tags"] if context.database.has("tags") else ():
            if context.database.table("tags").find(name) is None:
                context.database.make("tags", {"name": name}, at=context.at)


class Messages(ResourceHooks):
    """Messages are news of their ticket.

    The first one of an agent that the customer can see is its first response, and every one touches it (inferred). A customer who
    writes without a name has that of the ticket.
    """

    def after_create(self, context: WriteContext) -> None:
        """Tell the ticket."""
        fields, ticket = context.fields, context.parent
        if ticket is None:
            return
        ticket["updatedAt"] = context.at
        if fields["sender"] == "customer":
            fields["senderName"] = fields["senderName"] or ticket["customerName"]
        if fields["sender"] == "agent" and not fields["isInternal"] and ticket["firstResponseAt"] is None:
            ticket["firstResponseAt"] = context.at


class Articles(ResourceHooks):
    """Articles are dated when they are published for the first time, and say how long they take to read."""

    def after_create(self, context: WriteContext) -> None:
        """Date and measure the article."""
        self._publish(context)

    def after_update(self, context: WriteContext) -> None:
        """Date and measure the article."""
        self._publish(context)

    def _publish(self, context: WriteContext) -> None:
        fields = context.fields
        if fields["status"] == "published" and fields["publishedAt"] is None:
            fields["publishedAt"] = context.at
        if fields["content"] is not None:
            fields["readTime"] = f"{max(1, ceil(len(fields['content'].split()) / _WORDS_A_MINUTE))} min"


class Categories(ResourceHooks):
    """The list of categories comes whole, so that a menu needs one call."""

    unpaginated_by_default = True


class Members(ResourceHooks):
    """The title of a member follows the role. That `owner` is never assigned is said by the schema of the update."""

    def before_write(self, context: WriteContext) -> None:
        """Give the title."""
        if context.fields.get("role") in ROLE_NAMES:
            context.fields["roleDisplayName"] = ROLE_NAMES[context.fields["role"]]


class CommunityComments(ResourceHooks):
    """A locked post takes no new comments."""

    def before_write(self, context: WriteContext) -> None:
        """See that the post is open to them. The status of the failure is inferred."""
        if context.parent is not None and context.parent["is_locked"]:
            raise APIFailure(409, "post_locked", "The post is locked and takes no new comments.")


class Webhooks(ResourceHooks):
    """Webhooks lead to public HTTPS addresses, or to this machine."""

    def before_write(self, context: WriteContext) -> None:
        """See where it leads."""
        if "url" in context.fields:
            check_webhook_url(str(context.fields["url"]))


class Settings(ResourceHooks):
    """The settings begin with the name of the team."""

    def after_create(self, context: WriteContext) -> None:
        """Name the team."""
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
"""The collections that have something special."""

_DEFAULT_HOOKS: Final = ResourceHooks()


def hooks_for(collection: str) -> ResourceHooks:
    """What is special about a collection."""
    return RESOURCE_HOOKS.get(collection, _DEFAULT_HOOKS)
