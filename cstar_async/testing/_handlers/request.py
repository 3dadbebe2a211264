"""A call that was admitted and checked, as the verbs and resource_hooks get it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from cstar_async._types import UntypedJSON
from cstar_async.testing._data.spec import FakeOperation
from cstar_async.testing._data.store import Database, Object, Table
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._events.publisher import EventPublisher
from cstar_async.testing._http.auth import Key
from cstar_async.testing._http.validation import Validation


@attrs.frozen(kw_only=True)
class Call:
    """One call of an operation."""

    operation: FakeOperation
    caller: Key | None
    """The key that calls; None for a visitor of a public library."""
    database: Database
    path: Mapping[str, str]
    """Decoded values of the path parameters, by name."""
    query: Mapping[str, UntypedJSON]
    """Parsed query parameters, by name; what was not sent is not there."""
    headers: Mapping[str, str]
    """Those of the request, whatever the case of their letters."""
    body: Object
    """The checked body; empty for an operation without one."""
    at: str
    """The timestamp of now."""
    validation: Validation
    """The check of what stands inside the body."""
    publisher: EventPublisher
    """Who tells of events."""
    request_id: str

    @property
    def key(self) -> Key:
        """The key that calls.

        Raises:
            APIFailure: 401: there is none.
        """
        if self.caller is None:
            raise APIFailure(401, "authentication_required", "An API key is required: 'Authorization: Bearer <key>'.")
        return self.caller

    @property
    def collection(self) -> str:
        """The collection that the operation works on."""
        return str(self.operation.extensions["collection"])

    @property
    def table(self) -> Table:
        """The same, as a table."""
        return self.database.table(self.collection)
