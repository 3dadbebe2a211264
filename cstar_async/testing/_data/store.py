"""The objects of one team: tables, and how the collection schemas create, update and delete rows.

The rules here hold for every collection. The special rules of one collection are in `_handlers.resource_hooks`.
"""

from __future__ import annotations

import copy
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Final, Literal, TypeAlias

import attrs

from cstar_async._types import UntypedJSON, is_array
from cstar_async.testing._data.collections import CollectionSchema
from cstar_async.testing._data.ids import new_id, normalize_id
from cstar_async.testing._data.spec import Document
from cstar_async.testing._errors import APIFailure

Object: TypeAlias = dict[str, UntypedJSON]
"""One object of a collection, in its wire form."""

_DATES: Final = ("createdAt", "updatedAt", "created_at", "updated_at")
"""Fields that the server sets to the time of the write."""
_SLUG_SEPARATORS: Final = re.compile(r"[^a-z0-9]+")


ChangeAction: TypeAlias = Literal["created", "updated", "deleted"]


@attrs.frozen
class Team:
    """A team with API keys."""

    id: str
    name: str
    slug: str


@attrs.frozen(kw_only=True)
class Change:
    """One write of one object. The fields are copies, so later writes do not change them."""

    collection: str
    action: ChangeAction
    fields: dict[str, UntypedJSON]
    """The object after the write; a deleted one as it was before."""
    before: dict[str, UntypedJSON] | None = None
    """An updated object as it was before; None for any other."""
    parent: dict[str, UntypedJSON] | None = None
    """The parent of a created object."""
    at: str
    """The timestamp of the write."""


class Table:
    """The objects of one collection, oldest first."""

    def __init__(self, schema: CollectionSchema) -> None:
        self.schema = schema
        self._rows: dict[str, Object] = {}
        self._indexed = (*schema.unique, *schema.slugs)
        self._unique_index: dict[tuple[str, UntypedJSON], Object] = {}
        """The object of each unique value or slug, so that a look-up does not scan all rows."""

    def __iter__(self) -> Iterator[Object]:
        return iter(self._rows.values())

    def find(self, identity: str) -> Object | None:
        """Return an object by its prefixed id, bare UUID or name; None if there is none."""
        return self._rows.get(self._row_of(identity))

    def get(self, identity: str) -> Object:
        """Return an object by its prefixed id, bare UUID or name.

        Raises:
            APIFailure: 404: there is none.
        """
        found = self.find(identity)
        if found is None:
            raise APIFailure(404, "resource_missing", f"{self.schema.display_name} not found")
        return found

    @property
    def single(self) -> Object | None:
        """The object of a singleton collection; None if it was not created yet."""
        return self._rows.get("")

    def put(self, fields: Object) -> None:
        """Add an object; it replaces one with the same id."""
        row = self._row_with(fields)
        if row in self._rows:
            self._unindex_values(self._rows[row])
        self._rows[row] = fields
        self._index_values(fields)

    def update(self, fields: Object, changes: Mapping[str, UntypedJSON]) -> None:
        """Update fields of an object, but not its id."""
        self._unindex_values(fields)
        fields.update(changes)
        self._index_values(fields)

    def remove(self, fields: Object) -> None:
        """Remove an object."""
        del self._rows[self._row_with(fields)]
        self._unindex_values(fields)

    def find_by_unique_value(self, field: str, value: UntypedJSON) -> Object | None:
        """Return the object with this value in a unique field or slug; None is never found."""
        return self._unique_index.get(self._value_of(field, value))

    def _index_values(self, fields: Object) -> None:
        for field in self._indexed:
            if fields.get(field) is not None:
                self._unique_index[self._value_of(field, fields[field])] = fields

    def _unindex_values(self, fields: Object) -> None:
        for field in self._indexed:
            if self.find_by_unique_value(field, fields.get(field)) is fields:
                del self._unique_index[self._value_of(field, fields[field])]

    def _value_of(self, field: str, value: UntypedJSON) -> tuple[str, UntypedJSON]:
        # E-mail addresses are compared without regard to case, as almost every server does.
        is_address = isinstance(value, str) and self.schema.properties[field].get("format") == "email"
        return field, value.lower() if is_address else value

    def _row_with(self, fields: Object) -> str:
        return "" if self.schema.is_singleton else self._row_of(fields[self.schema.id_field])

    def _row_of(self, identity: str) -> str:
        return normalize_id(identity, self.schema.id_prefix) if self.schema.id_field == "id" else identity


class Database:
    """The data of one team in one environment.

    Args:
        team: The team.
        document: The API document.
        schemas: The collection schemas by name.
        random: The source of ids.
    """

    def __init__(self, team: Team, document: Document, schemas: Mapping[str, CollectionSchema], random: Random) -> None:
        self.team = team
        self.document = document
        self.random = random
        self._tables = {name: Table(schema) for name, schema in schemas.items()}
        self._changes: list[Change] = []

    @property
    def tables(self) -> Iterator[Table]:
        """All tables."""
        return iter(self._tables.values())

    def has(self, collection: str) -> bool:
        """Return whether the document has a collection."""
        return collection in self._tables

    def table(self, collection: str) -> Table:
        """Return a table; that of an unknown collection is empty and stays so."""
        return self._tables.get(collection) or Table(CollectionSchema(collection=collection, schema="", properties={}))

    def insert(self, collection: str, given: Mapping[str, UntypedJSON], *, at: str) -> Object:
        """Create an object from the given fields and what the document says that the server fills in.

        Args:
            collection: The collection.
            given: Fields by wire name; fields that the schema does not have are left out.
            at: The timestamp of the write.

        Raises:
            APIFailure: 409: a unique value is in use.
        """
        table = self.table(collection)
        self.check_unique(table, given, None)
        fields: Object = {}
        for name, node in table.schema.properties.items():
            if name in given:
                fields[name] = given[name]
            elif name in table.schema.slugs:
                fields[name] = None
            elif name == "id":
                fields[name] = new_id(table.schema.id_prefix, self.random)
            elif name in _DATES:
                fields[name] = at
            elif "x-cstar-secret" in node:
                fields[name] = f"{node['x-cstar-secret']}{self.random.randbytes(24).hex()}"
            elif "const" in node:
                fields[name] = node["const"]
            elif "x-cstar-initial" in node:
                fields[name] = copy.copy(node["x-cstar-initial"])
        fields |= self.make_slugs(table, fields, None)
        table.put(fields)
        return fields

    def remove(self, collection: str, fields: Object) -> None:
        """Remove an object with its children, and reset the references to it as the document says."""
        table = self.table(collection)
        table.remove(fields)
        identity = fields[table.schema.id_field]
        for rule in table.schema.on_delete:
            for other in self.table(rule.collection):
                if other.get(rule.field) == identity:
                    other[rule.field] = rule.value
        for child in self._tables.values():
            parent = child.schema.parent
            if parent is not None and parent.collection == collection:
                for row in [row for row in child if row.get(parent.field) == identity]:
                    self.remove(child.schema.collection, row)

    def record_change(self, change: Change) -> None:
        """Keep a change until `pop_changes()`."""
        self._changes.append(change)

    def pop_changes(self) -> list[Change]:
        """Return the changes since the last call, in order."""
        changes, self._changes = self._changes, []
        return changes

    def serialize(self, collection: str, rows: Sequence[Object], *, is_new: bool = False) -> list[Object]:
        """Return copies of objects as responses show them, with computed counts.

        Secrets are included only for new objects.
        """
        schema = self.table(collection).schema
        hidden = frozenset[str]() if is_new else schema.secrets
        result = [{name: value for name, value in row.items() if name not in hidden} for row in rows]
        for name, rule in schema.counted.items():
            numbers = Counter(named for other in self.table(rule["collection"]) for named in _named_by(other.get(rule["field"])))
            for row in result:
                row[name] = numbers[row[schema.id_field]]
        return result

    def check_unique(self, table: Table, given: Mapping[str, UntypedJSON], this: Object | None) -> None:
        """Check that no other object than *this* has one of the unique values in *given*.

        Raises:
            APIFailure: 409: a value is in use.
        """
        found = self.find_conflict(table, given, this)
        if found is not None:
            message = f"A {table.schema.display_name.lower()} with this {found[0]} already exists."
            raise APIFailure(409, "resource_conflict", message, param=found[0])

    def find_conflict(self, table: Table, given: Mapping[str, UntypedJSON], this: Object | None) -> tuple[str, Object] | None:
        """Return the field and the object, other than *this*, with one of the unique values in *given*; None without one."""
        for name in table.schema.unique:
            other = table.find_by_unique_value(name, given.get(name))
            if other is not None and other is not this:
                return name, other
        return None

    def make_slugs(self, table: Table, fields: Mapping[str, UntypedJSON], this: Object | None) -> dict[str, str]:
        """Return the slugs of an object, derived where it has none, and unique among all objects but *this*."""
        slugs: dict[str, str] = {}
        for name, source in table.schema.slugs.items():
            wanted: str = fields.get(name) or slugify(str(fields.get(source, ""))) or slugify(table.schema.display_name)
            slugs[name], number = wanted, 1
            while (other := table.find_by_unique_value(name, slugs[name])) is not None and other is not this:
                number += 1
                slugs[name] = f"{wanted}-{number}"
        return slugs


def slugify(text: str) -> str:
    """Return a URL slug: lower case, ASCII, words joined by hyphens; empty when no such character is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _SLUG_SEPARATORS.sub("-", plain).strip("-")


def _named_by(value: UntypedJSON) -> set[str]:
    """Return the ids in a field: one, or the distinct ones of a list."""
    names = value if is_array(value) else [value]
    return {name for name in names if isinstance(name, str)}
