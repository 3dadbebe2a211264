"""A validated call, as handlers and resource hooks get it."""

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
    """The key; None for an anonymous caller of the public library."""
    database: Database
    path: Mapping[str, str]
    """Decoded path parameters by name."""
    query: Mapping[str, UntypedJSON]
    """Parsed query parameters by name, without those that were not sent."""
    headers: Mapping[str, str]
    """Case-insensitive headers of the request."""
    body: Object
    """The validated body; empty for an operation without one."""
    at: str
    """The timestamp of the call."""
    validation: Validation
    """Validates objects inside the body."""
    publisher: EventPublisher
    """Sends events."""
    request_id: str

    @property
    def key(self) -> Key:
        """The key of the caller.

        Raises:
            APIFailure: 401: there is none.
        """
        if self.caller is None:
            raise APIFailure(401, "authentication_required", "An API key is required: 'Authorization: Bearer <key>'.")
        return self.caller

    @property
    def collection(self) -> str:
        """The collection of the operation."""
        return str(self.operation.extensions["collection"])

    @property
    def table(self) -> Table:
        """The table of the collection."""
        return self.database.table(self.collection)
