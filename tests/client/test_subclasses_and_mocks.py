"""Subclasses of the client, and what `unittest.mock` makes of clients and their namespaces."""

from __future__ import annotations

from inspect import signature
from typing import Any
from unittest.mock import AsyncMock, create_autospec, patch

import pytest

from cstar_async import CStarClient, from_dict
from cstar_async.models import Ticket

from .conftest import KEY, TICKET, MakeClient, Server


class Desk(CStarClient):
    """A subclass with attributes in a dict, in a slot and in a private slot."""

    __slots__ = ("__secret", "slotted")
    label: str

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(**options)
        self.label = self.slotted = self.__secret = label

    @property
    def labels(self) -> tuple[str, str, str]:
        """All three attributes."""
        return self.label, self.slotted, self.__secret


class NightDesk(Desk):
    """A subclass of a subclass."""


@pytest.mark.parametrize("subclass", [Desk, NightDesk])
def test_a_view_of_a_subclass_keeps_its_attributes(subclass: type[Desk]) -> None:
    """A view has the class and the attributes of its client, also those in slots, but namespaces of its own."""
    desk = subclass("night", api_key=KEY)
    tickets = desk.tickets
    view = desk.with_options(max_retries=0).with_options(timeout=5)
    assert subclass is type(view)
    assert ("night", "night", "night") == view.labels
    assert view.tickets is not tickets


@pytest.mark.parametrize(
    ("path", "method"),
    [("tickets", "get"), ("tickets", "list"), ("tickets.messages", "create"), ("community.posts", "get"), ("sla.rules", "update")],
)
def test_a_method_of_a_namespace_can_be_patched(path: str, method: str) -> None:
    """The patched method is the one that later calls use, and the real one is back afterwards."""
    client = CStarClient(api_key=KEY)

    def current() -> object:
        namespace: Any = client
        for name in path.split("."):
            namespace = getattr(namespace, name)
        return getattr(namespace, method)

    namespace: Any = client
    for name in path.split("."):
        namespace = getattr(namespace, name)
    with patch.object(namespace, method) as patched:
        assert current() is patched
    assert current() is not patched


async def test_a_patched_method_is_awaited(server: Server, make_client: MakeClient) -> None:
    """A patched coroutine function is one still, and sends nothing; other methods of the namespace send."""
    client = make_client()
    with patch.object(client.tickets, "get", return_value=from_dict(Ticket, TICKET)) as get:
        assert isinstance(get, AsyncMock)
        assert "tkt_1" == (await client.tickets.get("tkt_9")).id
        await client.tickets.update("tkt_1", title="b")
    get.assert_awaited_once_with("tkt_9")
    assert ["PATCH"] == [request.method for request in server.requests]


def test_a_namespace_can_be_replaced() -> None:
    """A namespace can be patched on a client, which a view then shares, and on the class."""
    client = CStarClient(api_key=KEY)
    with patch.object(client, "tickets") as tickets:
        assert client.tickets is client.with_options(timeout=5).tickets is tickets
    with patch.object(CStarClient, "customers") as customers:
        assert client.customers is customers
    assert "CustomersNamespace" == type(client.customers).__name__


@pytest.mark.parametrize("path", ["tickets.get", "tickets.messages.create", "community.posts.get", "auth.whoami"])
async def test_a_client_can_be_specified_for_a_mock(path: str) -> None:
    """`create_autospec` gives namespaces their methods, with their signatures and as coroutine functions."""
    mock: Any = create_autospec(CStarClient, instance=True)
    real: Any = CStarClient(api_key=KEY)
    for name in path.split("."):
        mock, real = getattr(mock, name), getattr(real, name)
    assert isinstance(mock, AsyncMock)
    assert signature(real).parameters.keys() == signature(mock).parameters.keys()
    with pytest.raises(TypeError):
        await mock(nonsense=1)


def test_a_mock_has_no_methods_of_its_own_invention() -> None:
    """A wrong method of an autospecced namespace is an error, also when the mock is made from an instance."""
    for mock in (create_autospec(CStarClient, instance=True), create_autospec(CStarClient(api_key=KEY))):
        mock.tickets.get("tkt_1").close()
        with pytest.raises(AttributeError):
            _ = mock.tickets.fetch
