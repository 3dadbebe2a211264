"""Call every operation of the document on the fake server, with everything that it takes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import attrs
import pytest

from cstar_async import CStarClient
from cstar_async._operations.operation import Operation
from cstar_async.testing import FakeCStar
from cstar_async.testing._handlers.registry import operations_without_handler
from tests.every_operation import SampleCall, sample_calls


@pytest.fixture
async def fake() -> AsyncIterator[FakeCStar]:
    """Run a fake server with seed data."""
    async with FakeCStar(seed=11) as fake:
        yield fake


@pytest.fixture
async def cstar(fake: FakeCStar) -> AsyncIterator[CStarClient]:
    """Make a client of the fake server."""
    async with fake.client() as client:
        yield client


async def existing(operation: Operation, cstar: CStarClient) -> tuple[str, ...]:
    """Return ids for the path of an operation that exist on the fake server."""
    ids: list[str] = []
    for parameter in operation.parameters:
        if parameter.location != "path":
            continue
        match parameter.name:
            case "ticketId":
                ids.append((await cstar.tickets.list()).data[0].id)
            case "customerId":
                ids.append((await cstar.customers.list()).data[0].id)
            case "articleId":
                ids.append((await cstar.articles.list()).data[0].id)
            case "categoryId":
                ids.append((await cstar.categories.list()).data[0].id)
            case "memberId":
                ids.append((await cstar.members.list()).data[-1].id)
            case "name":
                ids.append((await cstar.tags.create(name="nobody uses this")).name)
            case "groupId":
                ids.append((await cstar.customer_groups.create(name="A group")).id)
            case "fieldId":
                ids.append((await cstar.custom_fields.create(name="A field", type="text", entity_type="tickets")).id)
            case "webhookId":
                ids.append((await cstar.webhooks.create(name="A hook", url="https://example.com", events=["*"])).id)
            case "postId":
                ids.append((await cstar.community.posts.create(title="A post", body="The text")).id)
            case "viewId":
                ids.append((await cstar.views.create(name="A view", entity_type="tickets")).id)
            case "inviteId":
                ids.append((await cstar.invites.create(email="new@example.com", role="agent")).id)
            case "notificationId":
                await cstar.tickets.create(title="A ticket", assigned_to="mem_1")
                ids.append((await cstar.notifications.list()).data[0].id)
            case "ruleId" if operation.namespace == "sla.rules":
                target = {"response_target": 30, "resolution_target": 60}
                ids.append((await cstar.sla.rules.create(name="A rule", priority="urgent", **target)).id)
            case "ruleId":
                rule = await cstar.automations.create(name="A rule", trigger_event="ticket.created", actions=[])
                ids.append(rule.id)
            case "slug":
                ids.append(next(one.slug for one in await cstar.articles.list() if one.is_public))
            case other:
                raise AssertionError(f"the test has no value for {other}")
    return tuple(ids)


def test_every_operation_is_answerable() -> None:
    """The fake server has a handler for every operation of the document."""
    assert not operations_without_handler()


@pytest.mark.parametrize("call", sample_calls(), ids=lambda call: call.operation.id)
async def test_call_with_everything_is_received_by_the_server(call: SampleCall, fake: FakeCStar, cstar: CStarClient) -> None:
    """Every query parameter and body field arrives under its wire name, and the call succeeds."""
    path = await existing(call.operation, cstar)
    arguments = dict(call.arguments)
    expected_body = None if call.body is None else dict(call.body)
    if call.operation.id == "create_ticket" and expected_body is not None:
        # The value must exist on the server.
        expected_body["customerId"] = arguments["customer_id"] = (await cstar.customers.list()).data[0].id
    if call.operation.id == "test_automation" and expected_body is not None:
        expected_body["resourceId"] = arguments["resource_id"] = (await cstar.tickets.list()).data[0].id
    sent = attrs.evolve(call, arguments=arguments, body=expected_body)
    if call.operation.scope == "library":
        async with fake.library() as library:
            await sent.make(library, *path)
    else:
        await sent.make(cstar, *path)
    request = fake.requests[-1]
    assert (request.method, dict(request.query), request.json) == (call.operation.method, dict(call.query), expected_body)
