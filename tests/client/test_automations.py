"""Rules: unions of actions and nested conditions, written and read through the client."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from cstar_async import CStarClient, from_dict, to_dict
from cstar_async.hooks import DriftInfo, Hooks
from cstar_async.models import (
    Automation,
    AutomationActionAddTags,
    AutomationActionAssignTo,
    AutomationActionUnknown,
    AutomationCondition,
    AutomationConditions,
)
from cstar_async.testing import FakeCStar

from .conftest import MakeClient, Server, ok

RULE = {"id": "rule_1", "name": "A", "triggerEvent": "ticket.created", "enabled": True}
URGENT = {"field": "priority", "operator": "equals", "value": "urgent"}
UNKNOWN_ACTION = {"type": "call_the_boss", "number": 7, "when": {"from": "08:00"}}


async def test_rule_written_with_classes_is_sent_in_wire_form(server: Server, client: CStarClient) -> None:
    """Tags come by themselves, both lists of conditions are sent, and an unknown action is sent whole."""
    server.default = ok(RULE)
    await client.automations.create(
        name="A",
        trigger_event="ticket.created",
        conditions=AutomationConditions(all=[AutomationCondition(field="priority", operator="equals", value="urgent")]),
        actions=[
            AutomationActionAddTags(tags=["urgent"]),
            AutomationActionUnknown(type="call_the_boss", extra={"number": 7, "when": {"from": "08:00"}}),
        ],
    )
    assert server.requests[0].json == {
        "name": "A",
        "triggerEvent": "ticket.created",
        "conditions": {"all": [URGENT], "any": []},
        "actions": [{"type": "add_tags", "tags": ["urgent"]}, UNKNOWN_ACTION],
    }


async def test_rule_written_with_mappings_is_sent_as_given(server: Server, client: CStarClient) -> None:
    """Mixed with classes, too."""
    server.default = ok(RULE)
    actions = [{"type": "add_tags", "tags": ["urgent"]}, AutomationActionAssignTo(agent_id="usr_1"), UNKNOWN_ACTION]
    await client.automations.update("rule_1", conditions={"all": [URGENT]}, actions=actions)
    sent = server.requests[0].json
    assert sent["conditions"] == {"all": [URGENT]}
    assert sent["actions"] == [{"type": "add_tags", "tags": ["urgent"]}, {"type": "assign_to", "agentId": "usr_1"}, UNKNOWN_ACTION]


def test_conditions_have_lists_of_their_own() -> None:
    """One object's list is not the next one's."""
    first, second = AutomationConditions(), AutomationConditions()
    first.any.append(AutomationCondition(field="a", operator="equals", value=1))
    assert second == AutomationConditions(all=[], any=[])


async def test_actions_are_distinguished_by_their_type(server: Server, client: CStarClient) -> None:
    """An unknown action keeps all its keys, and a value that is no object is kept as received."""
    actions = [{"type": "assign_to", "agentId": "usr_1", "loud": True}, UNKNOWN_ACTION, {"tags": []}, {"type": 5}, "none", None]
    server.script(ok({**RULE, "actions": actions}))
    rule: Any = await client.automations.get("rule_1")
    assigned, unknown, *others = rule.actions
    assert (type(assigned), assigned.agent_id, assigned.extra) == (AutomationActionAssignTo, "usr_1", {"loud": True})
    assert (type(unknown), unknown.type, unknown.extra) == (
        AutomationActionUnknown,
        "call_the_boss",
        {"number": 7, "when": UNKNOWN_ACTION["when"]},
    )
    assert others == [
        AutomationActionUnknown(type=None, extra={"tags": []}),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        AutomationActionUnknown(type=5),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        "none",
        None,
    ]
    assert to_dict(rule)["actions"] == actions


@pytest.mark.parametrize("made", [copy.copy, copy.deepcopy, lambda rule: pickle.loads(pickle.dumps(rule))])
def test_rule_copies_and_pickles(made: Any) -> None:
    """With its actions."""
    rule = from_dict(Automation, {**RULE, "actions": [UNKNOWN_ACTION], "conditions": {"all": [], "any": [URGENT]}})
    assert made(rule) == rule


async def test_unknown_action_survives_the_fake() -> None:
    """Created, read, and written back as it was read."""
    async with FakeCStar() as fake, fake.client() as cstar:
        made = await cstar.automations.create(name="A", trigger_event="ticket.created", actions=[UNKNOWN_ACTION])
        await cstar.automations.update(made.id, actions=(await cstar.automations.get(made.id)).actions or [])
        (rule,) = await cstar.automations.list()
        assert [to_dict(action) for action in rule.actions or ()] == [UNKNOWN_ACTION]
        ticket = await cstar.tickets.create(title="a")
        tested = await cstar.automations.test(rule.id, resource_type="ticket", resource_id=ticket.id)
        assert (tested.would_match, tested.actions_would_execute) == (True, rule.actions)
        assert (await cstar.automations.delete(rule.id)).deleted
        assert (await cstar.automations.list()).data == []


class Watcher(Hooks):
    """Collects drift."""

    def __init__(self) -> None:
        self.received: list[DriftInfo] = []

    def on_drift(self, info: DriftInfo) -> None:
        """Keep it."""
        self.received.append(info)


async def test_unknown_action_is_reported_as_an_unknown_value(server: Server, make_client: MakeClient) -> None:
    """Only the tag is reported, not the other keys."""
    watcher = Watcher()
    server.script(ok({**RULE, "actions": [UNKNOWN_ACTION, {"type": "add_tags", "tags": []}]}))
    await make_client(hooks=[watcher]).automations.get("rule_1")
    (drift,) = watcher.received
    assert (drift.where, drift.kind, drift.actual) == ("$.data.actions[].type", "unknown_value", "call_the_boss")
