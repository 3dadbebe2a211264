"""The interface between generated functions and the client.

A generated function takes the client or one of its namespaces, so `get_ticket(cstar, "tkt_1")` and `cstar.tickets.get("tkt_1")` are
one function. `__executor__` has underscores so that completion does not offer it to users.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypedDict, TypeVar, Unpack, cast

if TYPE_CHECKING:
    from cstar_async._operations.operation import Operation
    from cstar_async._types import RequestOptions, UntypedJSON
    from cstar_async.files import Download, Stream
    from cstar_async.pagination import Paginator

T = TypeVar("T")


class CallArguments(TypedDict, total=False):
    """The keyword arguments of every call."""

    query: Mapping[str, object] | None
    headers: Mapping[str, object] | None
    cookies: Mapping[str, object] | None
    body: object
    idempotency_key: str | None
    options: RequestOptions | None


ResultDecoder: TypeAlias = "type[T] | Callable[[UntypedJSON], T] | Mapping[int, Callable[[UntypedJSON], T]]"
"""How a result is decoded."""


class OperationExecutor(Protocol):
    """Execute operations."""

    async def execute(
        self,
        operation: Operation,
        result: ResultDecoder[T],
        /,
        *path: str,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, object] | None = None,
        cookies: Mapping[str, object] | None = None,
        body: object = None,
        idempotency_key: str | None = None,
        options: RequestOptions | None = None,
    ) -> T:
        """Call an operation and return its `data` as *result*.

        For an array, *result* is `list[Item]`, and for any other value its decoder, or one for each status, where 0 is any other
        status. Besides *result*, a nullable operation returns None, and one that may respond with text returns a str; their
        generated functions are annotated accordingly.
        """
        ...

    def paginate(
        self,
        operation: Operation,
        item: type[T],
        /,
        *path: str,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, object] | None = None,
        cookies: Mapping[str, object] | None = None,
        options: RequestOptions | None = None,
    ) -> Paginator[T]:
        """Return a paginator over items; no request is sent until it is awaited or iterated over."""
        ...

    def download(self, operation: Operation, /, *path: str, **arguments: Unpack[CallArguments]) -> Download:
        """Return a binary response; no request is sent until it is awaited, saved or entered."""
        ...

    def stream(
        self, operation: Operation, convert: Callable[[UntypedJSON], T] | None, /, *path: str, **arguments: Unpack[CallArguments]
    ) -> Stream[T]:
        """Return a stream of items that *convert* makes of JSON values; no request is sent until it is entered.

        Without *convert*, the items are server-sent events.
        """
        ...


class SupportsExecute(Protocol):
    """The first argument of generated functions: the client or a namespace."""

    @property
    def __executor__(self) -> OperationExecutor: ...


class Namespace:
    """Base class of namespaces such as `cstar.tickets`, whose methods are generated functions.

    Instances have no slots, so that tests can replace a method of one.
    """

    __executor__: OperationExecutor

    def __init__(self, executor: OperationExecutor) -> None:
        self.__executor__ = executor

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(name for name in dir(self) if not name.startswith('_'))}>"


N = TypeVar("N", bound=Namespace)


def namespace_property(get_class: Callable[[Any], type[N]], /) -> N:
    """Decorate a method that returns the class of a namespace: the namespace is created on first use and kept.

    The signature is what type checkers and editors infer the namespace from. The attribute of the owner's class is the namespace's
    class, which `unittest.mock` needs to create a mock with the same methods.
    """
    return cast("N", _NamespaceProperty(get_class))


class _NamespaceProperty:
    def __init__(self, get_class: Callable[[Any], type[Namespace]]) -> None:
        self._get_class = get_class
        self._name = get_class.__name__
        self.__doc__ = get_class.__doc__

    def __get__(self, instance: SupportsExecute | None, owner: type) -> type[Namespace] | Namespace:
        namespace_class = self._get_class(instance)
        if instance is None:
            return namespace_class
        # The instance's own attribute takes precedence over this descriptor from now on.
        namespace = vars(instance)[self._name] = namespace_class(instance.__executor__)
        return namespace
