"""What a rule would do is told by its conditions and a stored ticket."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Caller

ACTIONS = [{"type": "add_tags", "tags": ["urgent"]}, {"type": "call_the_boss", "number": 7}]


def where(field: str, operator: str, value: object) -> dict[str, object]:
    """A condition."""
    return {"field": field, "operator": operator, "value": value}


URGENT, LOW = where("priority", "equals", "urgent"), where("priority", "equals", "low")


async def told(call: Caller, conditions: object, **ticket: object) -> Any:
    """What a rule would do to a ticket."""
    made = await call.make("/tickets", **{"title": "Refund my Invoice", "priority": "urgent", "tags": ["vip"], **ticket})
    rule = await call.make("/automations", name="a", triggerEvent="ticket.created", conditions=conditions, actions=ACTIONS)
    body = {"resourceType": "ticket", "resourceId": made["id"]}
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
    """And would do all that it does, unknown actions as they were given."""
    assert await told(call, conditions) == {"wouldMatch": True, "actionsWouldExecute": ACTIONS}


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
    """Every one of all, at least one of any; an unknown operator never holds."""
    assert await told(call, conditions) == {"wouldMatch": False, "actionsWouldExecute": []}


async def test_tested_rule_changes_nothing(call: Caller) -> None:
    """The ticket keeps its tags, and the rule has not fired."""
    await told(call, None)
    assert (await call("GET", "/tickets")).data[0]["tags"] == ["vip"]
    assert (await call("GET", "/automations")).data[0]["executionCount"] == 0


@pytest.mark.parametrize("body", [{"resourceId": "tkt_nobody"}, {"resourceId": "x"}])
async def test_rule_is_not_tested_on_nothing(call: Caller, body: dict[str, str]) -> None:
    """An object that is not there is a 404."""
    rule = await call.make("/automations", name="a", triggerEvent="ticket.created", actions=[])
    reply = await call("POST", f"/automations/{rule['id']}/test", {"resourceType": "ticket", **body})
    assert reply.status == 404


async def test_action_of_a_known_type_must_be_whole(call: Caller) -> None:
    """The fallback of the union does not take what has a known tag."""
    body = {"name": "a", "triggerEvent": "ticket.created", "actions": [{"type": "add_tags"}]}
    assert (await call("POST", "/automations", body)).status == 400
