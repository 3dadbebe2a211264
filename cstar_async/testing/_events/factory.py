"""Build events from changes.

The types are those of the document. `RULES` lists the changes that cause each type, which follow from its name. That a special
event (a ticket is closed) comes with the general one (it is updated) is inferred. The schema of a type says what `data` contains;
without properties it contains all parts. Types without a rule (game, surveys, votes, preferences of an agent) are only sent as
tests.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from random import Random
from types import MappingProxyType
from typing import Final

import attrs
import orjson

from cstar_async._types import UntypedJSON
from cstar_async.testing._data.spec import Document
from cstar_async.testing._data.store import Change, ChangeAction, Database
from cstar_async.testing._events.payloads import example_value, in_snake_case, project_to_schema, snake_case

_LETTERS: Final = string.ascii_letters + string.digits

_REPORTED_FIELDS: Final = ("status", "priority", "assignedTo", "tags", "title", "notes", "customFields")
"""The fields of a ticket that `changes` reports (documented; their names there are not)."""


@attrs.frozen
class OutgoingEvent:
    """An event as it is sent."""

    id: str
    type: str
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class Rule:
    """The changes that cause a type of event."""

    collection: str
    actions: tuple[ChangeAction, ...]
    when: Callable[[Change], bool] | None = None
    """Which of these changes; None: all."""
    part: str | None = None
    """The name of the new object in `data`, where the event is about its parent."""
    includes_changes: bool = False
    """Whether `data` has the previous values."""


def _became(field: str, value: str | None = None) -> Callable[[Change], bool]:
    """Return whether a field has just got a value; None: any but null."""

    def became(change: Change) -> bool:
        now, before = change.fields.get(field), (change.before or {}).get(field)
        return now != before and (now is not None if value is None else now == value)

    return became


def _differs(field: str) -> Callable[[Change], bool]:
    """Return whether a field has changed."""
    return lambda change: change.before is not None and change.fields.get(field) != change.before.get(field)


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "ticket.created": Rule("tickets", ("created",)),
        "ticket.updated": Rule("tickets", ("updated",), includes_changes=True),
        "ticket.assigned": Rule("tickets", ("created", "updated"), _became("assignedTo")),
        "ticket.closed": Rule("tickets", ("updated",), _became("status", "closed")),
        "ticket.message_added": Rule("messages", ("created",), part="message"),
        "ticket.deleted": Rule("tickets", ("deleted",)),
        "customer.created": Rule("customers", ("created",)),
        "customer.updated": Rule("customers", ("updated",)),
        "customer.deleted": Rule("customers", ("deleted",)),
        "customer_group.created": Rule("customer_groups", ("created",)),
        "customer_group.updated": Rule("customer_groups", ("updated",)),
        "customer_group.deleted": Rule("customer_groups", ("deleted",)),
        "article.created": Rule("articles", ("created",)),
        "article.updated": Rule("articles", ("updated",)),
        "article.published": Rule("articles", ("created", "updated"), _became("status", "published")),
        "article.deleted": Rule("articles", ("deleted",)),
        "community_post.created": Rule("community_posts", ("created",)),
        "community_post.updated": Rule("community_posts", ("updated",)),
        "community_post.status_changed": Rule("community_posts", ("updated",), _differs("status")),
        "community_post.commented": Rule("community_comments", ("created",), part="comment"),
        "community_post.deleted": Rule("community_posts", ("deleted",)),
        # A key belongs to no user, so preferences changed with it are those of the team (inferred).
        "team.preferences_updated": Rule("preferences", ("updated",)),
    }
)
"""By event type, in the order in which the events of one change are sent."""


class EventFactory:
    """Builds events.

    Args:
        document: The schemas of events.
        random: The source of event ids.
    """

    def __init__(self, document: Document, random: Random) -> None:
        self._document = document
        self._random = random

    def build(self, change: Change, database: Database) -> Iterator[OutgoingEvent]:
        """Yield the events of a change; most changes have none."""
        for event_type, rule in RULES.items():
            if event_type not in self._document.events or rule.collection != change.collection or change.action not in rule.actions:
                continue
            if rule.when is None or rule.when(change):
                yield self._build(event_type, self._parts(event_type, rule, change, database), database, at=change.at)

    def test(self, event_type: str, database: Database, *, at: str) -> OutgoingEvent:
        """Return an event with example data; an unknown type has only an id.

        Args:
            event_type: The event type.
            database: The data of its team.
            at: The timestamp of the event.
        """
        subject, rule = event_type.partition(".")[0], RULES.get(event_type)
        node = self._document.events.get(event_type, {})
        parts: dict[str, UntypedJSON] = {}
        for name, inner in self._document.resolved(node).get("properties", {}).items():
            if name in (subject, "customer") or (rule is not None and name == rule.part):
                parts[name] = example_value(name, inner, self._document, self._random, at=at)
            elif name == "changes" and rule is not None and rule.includes_changes:
                parts[name] = {"status": {"from": "new", "to": "open"}}
        if not parts:
            parts[subject] = example_value(subject, {"properties": {"id": {"type": "string"}}}, self._document, self._random, at=at)
        return self._build(event_type, parts, database, at=at)

    def _parts(self, event_type: str, rule: Rule, change: Change, database: Database) -> dict[str, UntypedJSON]:
        """Return all parts that `data` can have."""
        subject, schema = event_type.partition(".")[0], database.table(change.collection).schema
        parts = {rule.part or subject: self._serialize(change.collection, change.fields, database)}
        if change.parent is not None and schema.parent is not None:
            parts[subject] = self._serialize(schema.parent.collection, change.parent, database)
        customer = database.table("customers").find(parts[subject].get("customer_id") or "")
        if customer is not None:
            # Without computed counts: counting all tickets of a customer for each event would be slow.
            parts["customer"] = self._renamed("customers", customer, database)
        if rule.includes_changes and change.before is not None:
            parts["changes"] = _changes(change.before, change.fields)
        return parts

    def _serialize(self, collection: str, fields: dict[str, UntypedJSON], database: Database) -> UntypedJSON:
        return self._renamed(collection, database.serialize(collection, [fields])[0], database)

    def _renamed(self, collection: str, fields: dict[str, UntypedJSON], database: Database) -> UntypedJSON:
        return in_snake_case(fields, {"properties": database.table(collection).schema.properties}, self._document)

    def _build(self, event_type: str, parts: dict[str, UntypedJSON], database: Database, *, at: str) -> OutgoingEvent:
        milliseconds = round(datetime.fromisoformat(at).timestamp() * 1000)
        event_id = f"evt_{event_type.replace('.', '_')}_{milliseconds}_{''.join(self._random.choices(_LETTERS, k=8))}"
        data: dict[str, UntypedJSON] = project_to_schema(parts, self._document.events.get(event_type, {}), self._document)
        # A missing part is left out, not null.
        data = {name: value for name, value in data.items() if name in parts}
        event = {"id": event_id, "type": event_type, "created_at": at, "team_id": database.team.id, "data": data}
        return OutgoingEvent(event_id, event_type, orjson.dumps(event))


def _changes(before: Mapping[str, UntypedJSON], after: Mapping[str, UntypedJSON]) -> dict[str, UntypedJSON]:
    fields: Sequence[str] = [name for name in _REPORTED_FIELDS if before.get(name) != after.get(name)]
    return {snake_case(name): {"from": before.get(name), "to": after.get(name)} for name in fields}
