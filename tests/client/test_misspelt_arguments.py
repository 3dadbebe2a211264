"""Misspelt arguments: keys of nested mappings are refused, values of enums cause a warning."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from cstar_async import CStarClient, InvalidArgumentError, RequestOptions, UnknownValueWarning
from cstar_async.models import (
    AutomationAction,
    AutomationActionAssignTo,
    ExportSelection,
    TicketCreate,
    TicketPriority,
    TicketStatus,
    TicketUpdate,
)

from .conftest import Server, ok

BATCH = {"total": 1, "succeeded": 1, "failed": 0, "created": 1, "updated": 0, "skipped": 0, "errors": []}
STEPS: list[AutomationAction] = [AutomationActionAssignTo(agent_id="mem_1")]


def records(*given: object) -> Any:
    """Return the arguments of an import."""
    return {"resource": "customers", "records": list(given)}


REFUSED: dict[str, tuple[Callable[[CStarClient], Any], str]] = {
    "record": (lambda c: c.imports.run(**records({"name": "a"}, {"custom_fields": {}})), r"records\[1\] .*'customFields'"),
    "record of a batch": (
        lambda c: c.imports.run_batched(**records(*[{"name": "a"}] * 700, {"custom_fields": {}})),
        r"records\[700\] .*'customFields'",
    ),
    "field of another type": (lambda c: c.imports.run(**records({"initial_message": "a"})), "'initialMessage'"),
    "data": (
        lambda c: c.bulk.run(action="update", resource="tickets", ids=["a"], data={"assigned_to": "mem_1"}),
        "data must have the key 'assignedTo', got 'assigned_to'",
    ),
    "data of a batch": (
        lambda c: c.bulk.run_batched(action="update", resource="articles", ids=["a"], data={"is_public": True}),
        "'isPublic'",
    ),
    "other capitals": (lambda c: c.imports.run(**records({"CustomFields": {}})), "'customFields'"),
    "member of a union": (
        lambda c: c.automations.create(name="a", trigger_event="ticket.created", actions=[{"type": "assign_to", "agent_id": "m"}]),
        r"actions\[0\] .*'agentId'",
    ),
    "camel case of snake case": (
        lambda c: c.community.posts.create(title="a", body="b", attachments=[{"contentType": "x"}]),
        r"attachments\[0\] .*'content_type'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_misspelt_key_of_a_nested_mapping_is_refused(server: Server, client: CStarClient, name: str) -> None:
    """The error has the wire name, and nothing is sent, not even an earlier batch."""
    call, message = REFUSED[name]
    with pytest.raises(InvalidArgumentError, match=message) as caught:
        await call(client)
    assert server.requests == []
    assert caught.value.operation is not None


FREE: dict[str, Callable[[CStarClient], Any]] = {
    "metadata": lambda c: c.tickets.create(title="a", metadata={"assigned_to": "x", "customFields": {"customer_id": 1}}),
    "custom fields": lambda c: c.imports.run(**records({"customFields": {"custom_fields": 1, "assigned_to": 2}})),
    "metadata of a record": lambda c: c.imports.run(**records({"metadata": {"custom_fields": 1}})),
    "unknown key": lambda c: c.imports.run(**records({"loyalty_points": 1})),
    "filters": lambda c: c.exports.run(resources=[{"type": "tickets", "filters": {"assigned_to": "x"}}]),
    "extra body": lambda c: c.tickets.create(title="a", options=RequestOptions(extra_body={"assigned_to": "x"})),
    "free request": lambda c: c.request("POST", "/import", json={"records": [{"custom_fields": 1}]}),
}


@pytest.mark.parametrize("name", FREE)
async def test_keys_of_free_maps_are_sent_as_given(server: Server, client: CStarClient, name: str) -> None:
    """Maps with keys of the user, and keys that resemble no wire name, are not changed."""
    server.default = ok(BATCH)
    await FREE[name](client)
    assert len(server.requests) == 1


async def test_records_and_data_can_be_models(server: Server, client: CStarClient) -> None:
    """A model and its mapping are sent alike."""
    server.default = ok(BATCH)
    await client.imports.run(resource="tickets", records=[TicketCreate(title="a", assigned_to="mem_1"), {"title": "b"}])
    await client.bulk.run_batched(action="update", resource="tickets", ids=["a"], data=TicketUpdate(assigned_to=None))
    assert server.requests[0].json["records"] == [{"title": "a", "assignedTo": "mem_1"}, {"title": "b"}]
    assert server.requests[1].json["data"] == {"assignedTo": None}


async def test_subclass_of_a_model_is_checked_like_the_model(server: Server, client: CStarClient) -> None:
    """Annotations of a subclass may have names that exist in a function only."""

    class Local:
        pass

    class Mine(TicketUpdate):
        mine: Local

    server.default = ok(BATCH)
    with pytest.warns(UnknownValueWarning, match=r"data.status is 'opne'"):
        await client.bulk.run(action="update", resource="tickets", ids=["a"], data=Mine(status="opne"))


async def test_warning_points_at_the_caller_of_with_response(client: CStarClient) -> None:
    """Frames of this package are skipped, however many there are."""
    with pytest.warns(UnknownValueWarning) as caught:
        await client.with_response(client.tickets.create, title="a", priority="hihg")
    assert caught[0].filename == __file__


WARNED: dict[str, tuple[Callable[[CStarClient], Any], str]] = {
    "query": (lambda c: c.tickets.list(status="opne"), "status is 'opne'.* 'open'"),
    "query of a Python name": (lambda c: c.custom_fields.list(entity_type="ticket"), "entity_type is 'ticket'.* 'tickets'"),
    "list in a query": (
        lambda c: c.search.query(q="a", types=["tickets", "artcles", "artcles"]),
        "types is 'artcles'.* 'articles'",
    ),
    "body": (lambda c: c.tickets.create(title="a", priority="hihg"), "priority is 'hihg'.* 'high'"),
    "capitals": (lambda c: c.tickets.update("tkt_1", status="Closed"), "status is 'Closed'.* 'closed'"),
    "model in a list": (
        lambda c: c.exports.run(resources=[ExportSelection(type="tikets"), ExportSelection(type="tikets")]),
        r"resources\[0\].type is 'tikets'.* 'tickets'",
    ),
    "mapping in a list": (lambda c: c.imports.run(**records({"status": "actve"})), r"records\[0\].status is 'actve'.* 'active'"),
    "several batches": (
        lambda c: c.imports.run_batched(resource="custmers", records=[{}] * 1200),
        "resource is 'custmers'.* 'customers'",
    ),
    "event type": (
        lambda c: c.automations.create(name="a", trigger_event="ticket.create", actions=STEPS),
        "trigger_event is 'ticket.create'.* 'ticket.created'",
    ),
}


@pytest.mark.parametrize("name", WARNED)
async def test_value_close_to_a_known_one_causes_one_warning(server: Server, client: CStarClient, name: str) -> None:
    """The warning has the argument and the close value, points at the caller, and the value is sent as given."""
    server.default = ok([]) if "query" in name else ok(BATCH)
    call, message = WARNED[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        await call(client)
    assert [UnknownValueWarning] == [one.category for one in caught]
    assert caught[0].filename == __file__
    with pytest.warns(UnknownValueWarning, match=message):
        warnings.warn(caught[0].message, stacklevel=1)
    assert server.requests


async def test_misspelt_value_is_sent_as_given(server: Server, client: CStarClient) -> None:
    """The server may have a value that the document does not list."""
    with pytest.warns(UnknownValueWarning):
        await client.tickets.update("tkt_1", priority="hihg")
    assert server.requests[0].json == {"priority": "hihg"}


async def test_iteration_warns_once(server: Server, client: CStarClient) -> None:
    """A list warns when it is made, not for each page."""
    server.default = ok([{"id": "a"}], pagination={"page": 1, "pageSize": 1, "total": 1, "hasMore": False})
    with pytest.warns(UnknownValueWarning) as caught:
        paginator = client.tickets.list(status="opne")
    await paginator.collect()
    assert len(caught) == 1


SILENT: dict[str, Callable[[CStarClient], Any]] = {
    "known": lambda c: c.tickets.create(title="a", priority="high", status=TicketStatus.OPEN),
    "far": lambda c: c.tickets.create(title="a", priority="whenever", status="snoozed"),
    "empty": lambda c: c.tickets.create(title="a", priority=""),
    "long": lambda c: c.tickets.create(title="a", priority="high" * 100_000),
    "constant": lambda c: c.tickets.create(title="a", priority=TicketPriority("hihg"), status=TicketStatus("opne")),
    "list of constants": lambda c: c.exports.run(resources=[ExportSelection(type="customers"), {"type": "articles"}]),
    "str that is no enum": lambda c: c.tickets.create(title="opne", customer_name="hihg"),
    "free map": lambda c: c.tickets.create(title="a", metadata={"status": "opne"}),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", SILENT)
async def test_other_values_cause_no_warning(server: Server, client: CStarClient, name: str) -> None:
    """Known values, constants, values far from the known ones, and strings that are no enum."""
    server.default = ok(BATCH)
    await SILENT[name](client)
    assert len(server.requests) == 1
