"""Testing an automation evaluates its conditions on a stored ticket."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Caller

ACTIONS = [{"type": "add_tags", "tags": ["urgent"]}, {"type": "call_the_boss", "number": 7}]


def where(field: str, operator: str, value: object) -> dict[str, object]:
    """Return a condition."""
    return {"field": field, "operator": operator, "value": value}


URGENT, LOW = where("priority", "equals", "urgent"), where("priority", "equals", "low")


async def dry_run(call: Caller, conditions: object, **ticket: object) -> Any:
    """Test a rule on a ticket and return the result."""
    created = await call.make("/tickets", **{"title": "Refund my Invoice", "priority": "urgent", "tags": ["vip"], **ticket})
    rule = await call.make("/automations", name="a", triggerEvent="ticket.created", conditions=conditions, actions=ACTIONS)
    body = {"resourceType": "ticket", "resourceId": created["id"]}
    return (await call("POST", f"/automations/{rule['id']}/test", body)).data


@pytest.mark.parametrize(
    "conditions",
    [
        None,
        {"all": [], "any": []},
        {"all": [URGENT], "any": []},
        {"all": [], "any": [LOW, URGENT]},
        {"all": [where("title", "contains", "invoice")], "any": []},
        {"all": [where("tags", "contains", "vip")], "any": []},
    ],
)
async def test_rule_whose_conditions_hold_would_match(call: Caller, conditions: object) -> None:
    """A rule with true conditions matches, and all its actions are listed, unknown ones unchanged."""
    assert await dry_run(call, conditions) == {"wouldMatch": True, "actionsWouldExecute": ACTIONS}


@pytest.mark.parametrize(
    "conditions",
    [
        {"all": [URGENT, LOW], "any": []},
        {"all": [], "any": [LOW]},
        {"all": [URGENT], "any": [LOW]},
        {"all": [where("title", "contains", "password")], "any": []},
        {"all": [where("messageCount", "contains", 1)], "any": []},
        {"all": [where("priority", "resembles", "urgent")], "any": []},
    ],
)
async def test_rule_whose_conditions_do_not_hold_would_do_nothing(call: Caller, conditions: object) -> None:
    """A rule needs all of `all` and one of `any`; an unknown operator is never true."""
    assert await dry_run(call, conditions) == {"wouldMatch": False, "actionsWouldExecute": []}


async def test_tested_rule_changes_nothing(call: Caller) -> None:
    """A test changes neither the ticket nor the rule."""
    await dry_run(call, None)
    assert (await call("GET", "/tickets")).data[0]["tags"] == ["vip"]
    assert (await call("GET", "/automations")).data[0]["executionCount"] == 0


@pytest.mark.parametrize("body", [{"resourceId": "tkt_nobody"}, {"resourceId": "x"}])
async def test_unknown_object_is_not_found(call: Caller, body: dict[str, str]) -> None:
    """A test on an unknown object is a 404."""
    rule = await call.make("/automations", name="a", triggerEvent="ticket.created", actions=[])
    reply = await call("POST", f"/automations/{rule['id']}/test", {"resourceType": "ticket", **body})
    assert reply.status == 404


async def test_action_of_a_known_type_must_be_complete(call: Caller) -> None:
    """The fallback of the union does not accept an action with a known tag."""
    body = {"name": "a", "triggerEvent": "ticket.created", "actions": [{"type": "add_tags"}]}
    assert (await call("POST", "/automations", body)).status == 400
