"""The examples in the docstrings of the endpoint functions run against the fake server."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import pytest

from cstar_async import CStarClient, api
from cstar_async.testing import FakeCStar

EXAMPLES: Final = {
    name: textwrap.dedent((inspect.getdoc(getattr(api, name)) or "").partition("\nExample:\n")[2].partition("\n\n")[0])
    for name in api.__all__
}
_IS_ID: Final = re.compile(r"[a-z]{2,4}_[0-9A-Za-z]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

OBJECTS: Final[dict[str, Callable[[CStarClient], Awaitable[Any]]]] = {
    "ticket": lambda cstar: cstar.tickets.list().first(),
    "customer": lambda cstar: cstar.customers.list().first(),
    "group": lambda cstar: cstar.customer_groups.list().first(),
    "article": lambda cstar: cstar.articles.list(is_public=True).first(),
    "category": lambda cstar: cstar.categories.create(name="Unused"),
    "tag": lambda cstar: cstar.tags.create(name="unused"),
    "field": lambda cstar: cstar.custom_fields.list().first(),
    "webhook": lambda cstar: cstar.webhooks.list().first(),
    "post": lambda cstar: cstar.community.posts.list().first(),
    "member": lambda cstar: cstar.members.list(role="agent").first(),
    "user": lambda cstar: cstar.members.list().first(),
    "invite": lambda cstar: cstar.invites.create(email="new@example.com", role="agent"),
    "view": lambda cstar: cstar.views.list(entity_type="tickets").first(),
    "sla_rule": lambda cstar: cstar.sla.rules.list().first(),
    "automation": lambda cstar: cstar.automations.create(name="A rule", trigger_event="ticket.created", actions=[]),
}
"""What finds or makes an object for an id of an example."""


class _ExistingIds(ast.NodeTransformer):
    """Replaces the ids in an example by those of objects that the fake has."""

    def __init__(self, ids: dict[str, str]) -> None:
        self._ids = ids

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(self._ids.get(node.value, node.value)) if isinstance(node.value, str) else node


@pytest.fixture
async def fake() -> AsyncIterator[FakeCStar]:
    """Start a fake server with data."""
    async with FakeCStar(seed=5) as fake:
        yield fake


async def _id_of(cstar: CStarClient, parameter: str, operation: str) -> str:
    """Return the id of an object for a parameter such as `ticket_id`."""
    if parameter == "name":
        return str((await OBJECTS["tag"](cstar)).name)
    if parameter == "slug":
        return str((await OBJECTS["article"](cstar)).slug)
    if parameter == "notification_id":
        await cstar.tickets.create(title="A ticket", assigned_to=(await OBJECTS["member"](cstar)).id)
        return (await cstar.notifications.list()).data[0].id
    noun = parameter.removesuffix("_id")
    if noun == "rule":
        noun = "sla_rule" if "sla" in operation else "automation"
    found = await OBJECTS[noun](cstar)
    return str(found.user_id if noun == "user" else found.id)


async def _replaced(cstar: CStarClient, tree: ast.Module, operation: str) -> dict[str, str]:
    """Return the id of an object for each id of an example: those of the path by their parameter, others by their prefix."""
    call = next(node for node in ast.walk(tree) if isinstance(node, ast.Call))
    parameters = list(inspect.signature(getattr(api, operation)).parameters)[1:]
    ids = {
        node.value: await _id_of(cstar, name, operation)
        for name, node in zip(parameters, call.args, strict=False)
        if isinstance(node, ast.Constant) and name != "q"
    }
    kinds = {"tkt": "ticket", "cus": "customer", "mem": "member"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _IS_ID.fullmatch(node.value):
            noun = kinds.get(node.value.partition("_")[0], "category")
            ids.setdefault(node.value, (await OBJECTS[noun](cstar)).id)
    return ids


@pytest.mark.parametrize("name", EXAMPLES)
async def test_example_runs(name: str, fake: FakeCStar, capsys: pytest.CaptureFixture[str]) -> None:
    """As it is printed, but for ids, which are those of objects that exist."""
    tree = ast.parse("async def example():\n" + textwrap.indent(EXAMPLES[name], "    "))
    async with fake.client() as client, fake.library() as library:
        tree = ast.fix_missing_locations(_ExistingIds(await _replaced(client, tree, name)).visit(tree))
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & set(
            inspect.signature(getattr(api, name)).parameters
        )
        given = {one: await _id_of(client, one, name) for one in names - {"client"}}
        namespace: dict[str, Any] = {"client": client, "library": library, **given}
        exec(compile(tree, name, "exec"), namespace)
        await namespace["example"]()

    assert fake.requests[-1].operation == name.removesuffix("_batched")
