"""What is special about a collection: that which the document says in prose only.

A behaviour is asked at fixed moments (`prepare`, `made`, `changed`, `first_child`); the default does nothing.
Behaviours keep no state of their own: all that they know is in the world they are given. Rules marked "inferred" are not documented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from types import MappingProxyType
from typing import Final

from cstar_async._json import Unchecked
from cstar_async.testing.answers import Outcome
from cstar_async.testing.call import Call
from cstar_async.testing.world import Object, World

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


class Behaviour:
    """A collection without anything special."""

    comes_whole = False
    """Whether a list comes whole when no page is asked for."""

    def prepare(self, world: World, given: Object) -> None:
        """Look at the fields of a create or an update, correct them in place, or refuse them.

        Args:
            world: Whose objects they are.
            given: The fields about to be taken over.
        """

    def made(self, world: World, fields: Object, parent: Object | None, at: str) -> None:
        """Do what follows from a new object."""

    def changed(self, world: World, fields: Object, before: Object, at: str) -> None:
        """Do what follows from a change."""

    def first_child(self, fields: Object) -> Object:
        """What a child that is made along with a new object says, beyond the field that the request gave for it."""
        return {}


class Tickets(Behaviour):
    """Tickets know the name of their customer, date what happens to their status, and make tags by using them.

    A customer id that nobody has is kept as it is: whether cStar refuses one is not documented.
    """

    def prepare(self, world: World, given: Object) -> None:
        customer = world.table("customers").find(given.get("customerId") or "")
        if customer is not None:
            given["customerId"] = customer["id"]
            given["customerName"] = given.get("customerName") or customer["name"]

    def made(self, world: World, fields: Object, parent: Object | None, at: str) -> None:
        self._date_status(fields, None, at)
        self._keep_tags(world, fields, at)

    def changed(self, world: World, fields: Object, before: Object, at: str) -> None:
        self._date_status(fields, before.get("status"), at)
        self._keep_tags(world, fields, at)

    def first_child(self, fields: Object) -> Object:
        # A ticket is opened on behalf of its customer, so its first message is the customer's (inferred).
        return {"sender": "customer", "senderName": fields.get("customerName")}

    def _date_status(self, fields: Object, before: Unchecked, at: str) -> None:
        """Date the end of a ticket; one that is opened again has not ended (inferred)."""
        status = fields.get("status")
        if status == before:
            return
        if status == "resolved":
            fields["resolvedAt"] = at
        if status == "closed":
            fields["closedAt"] = at
        else:
            self._forget(fields, "closedAt")
            if status != "resolved":
                self._forget(fields, "resolvedAt")

    def _forget(self, fields: Object, name: str) -> None:
        if name in fields:
            fields[name] = None

    def _keep_tags(self, world: World, fields: Object, at: str) -> None:
        tags = world.table("tags")
        for name in fields.get("tags") or ():
            if tags.find(name) is None:
                world.make("tags", {"name": name}, at=at)


class Messages(Behaviour):
    """The first message of an agent that the customer can see is the first response of its ticket; every message touches the ticket."""

    def made(self, world: World, fields: Object, parent: Object | None, at: str) -> None:
        if parent is None:
            return
        parent["updatedAt"] = at
        if fields.get("sender") == "agent" and not fields.get("isInternal") and not parent.get("firstResponseAt"):
            parent["firstResponseAt"] = at


class Articles(Behaviour):
    """Articles are dated when they are published for the first time, and say how long they take to read."""

    def made(self, world: World, fields: Object, parent: Object | None, at: str) -> None:
        self._publish(fields, at)

    def changed(self, world: World, fields: Object, before: Object, at: str) -> None:
        self._publish(fields, at)

    def _publish(self, fields: Object, at: str) -> None:
        if fields.get("status") == "published" and not fields.get("publishedAt"):
            fields["publishedAt"] = at
        content = fields.get("content")
        if content is not None:
            fields["readTime"] = f"{max(1, ceil(len(content.split()) / _WORDS_A_MINUTE))} min"


class Categories(Behaviour):
    """The list of categories comes whole, so that a menu needs one call."""

    comes_whole = True


class Members(Behaviour):
    """The title of a member follows the role. That `owner` is never assigned is said by the schema of the update."""

    def prepare(self, world: World, given: Object) -> None:
        if given.get("role") in ROLE_NAMES:
            given["roleDisplayName"] = ROLE_NAMES[given["role"]]


BEHAVIOURS: Final[Mapping[str, Behaviour]] = MappingProxyType(
    {
        "tickets": Tickets(),
        "messages": Messages(),
        "articles": Articles(),
        "categories": Categories(),
        "members": Members(),
    }
)
"""The collections that have something special."""

_NOTHING_SPECIAL: Final = Behaviour()


def behaviour_of(collection: str) -> Behaviour:
    """What is special about a collection."""
    return BEHAVIOURS.get(collection, _NOTHING_SPECIAL)


def whoami(call: Call) -> Outcome:
    """The team and kind of the key."""
    team = call.key.team
    kind = {"keyType": call.key.kind, "environment": call.key.environment}
    return Outcome({"teamId": team.id, "teamName": team.name, "teamSlug": team.slug, **kind})


SPECIAL: Final[Mapping[str, Callable[[Call], Outcome]]] = MappingProxyType({"whoami": whoami})
"""Operations that are none of the plain verbs, by id."""
