"""The seam between generated functions and the runtime: what a function may ask for, and who answers.

A generated function takes anything that has a sender: the client, or one of its namespaces. That is what makes
`get_ticket(cstar, "tkt_1")` and `cstar.tickets.get("tkt_1")` one function.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

from cstar_async._model.model import Model
from cstar_async._operations.operation import Operation
from cstar_async._types import JSONObject, RequestOptions
from cstar_async.pagination import Paginator

T = TypeVar("T")


class OperationExecutor(Protocol):
    """Carries out operations."""

    async def call(
        self,
        operation: Operation,
        result: type[T],
        /,
        *path: str,
        query: Mapping[str, object] | None = None,
        body: Model | JSONObject | None = None,
        idempotency_key: str | None = None,
        options: RequestOptions | None = None,
    ) -> T:
        """One call that answers with one object of the class *result*."""
        ...

    async def call_or_text(
        self,
        operation: Operation,
        result: type[T],
        /,
        *path: str,
        query: Mapping[str, object] | None = None,
        body: Model | JSONObject | None = None,
        idempotency_key: str | None = None,
        options: RequestOptions | None = None,
    ) -> T | str:
        """One call that answers with one object of the class *result*, or with the text that the operation may give instead."""
        ...

    async def call_or_none(
        self,
        operation: Operation,
        result: type[T],
        /,
        *path: str,
        query: Mapping[str, object] | None = None,
        body: Model | JSONObject | None = None,
        idempotency_key: str | None = None,
        options: RequestOptions | None = None,
    ) -> T | None:
        """One call that answers with one object of the class *result*, or with null."""
        ...

    async def call_list(
        self,
        operation: Operation,
        item: type[T],
        /,
        *path: str,
        query: Mapping[str, object] | None = None,
        options: RequestOptions | None = None,
    ) -> list[T]:
        """One call that answers with a whole list of *item*."""
        ...

    def paginate(
        self,
        operation: Operation,
        item: type[T],
        /,
        *path: str,
        query: Mapping[str, object] | None = None,
        options: RequestOptions | None = None,
    ) -> Paginator[T]:
        """A list that comes in pages of *item*; nothing is sent until it is awaited or walked."""
        ...


class SupportsExecute(Protocol):
    """Whatever a generated function can be called with: the client or a namespace of it."""

    @property
    def sender(self) -> OperationExecutor: ...


class Namespace:
    """A group of operations of the client, such as `cstar.tickets`: generated functions bound to the client's sender."""

    __slots__ = ("_sender",)

    def __init__(self, sender: OperationExecutor) -> None:
        self._sender = sender

    @property
    def sender(self) -> OperationExecutor:
        """What carries out the calls."""
        return self._sender
