"""Create an automation for urgent tickets about money, and test it on a ticket before enabling it.

CSTAR_API_KEY=sk_… python examples/add_triage_rule.py usr_… tkt_…
"""

from __future__ import annotations

import asyncio
import sys

from cstar_async import CStarClient, CStarError
from cstar_async.models import (
    Automation,
    AutomationActionAddTags,
    AutomationActionAssignTo,
    AutomationActionSendNotification,
    AutomationCondition,
    AutomationConditions,
)

NAME = "Urgent and about money"


async def add_triage_rule(cstar: CStarClient, *, agent_id: str) -> Automation:
    """Create the automation, disabled; return an existing one of this name unchanged."""
    for rule in await cstar.automations.list():
        if rule.name == NAME:
            return rule
    return await cstar.automations.create(
        name=NAME,
        trigger_event="ticket.created",
        conditions=AutomationConditions(
            all=[AutomationCondition(field="priority", operator="equals", value="urgent")],
            any=[AutomationCondition(field="title", operator="contains", value=word) for word in ("invoice", "refund", "payment")],
        ),
        actions=[
            AutomationActionAddTags(tags=["billing"]),
            AutomationActionAssignTo(agent_id=agent_id),
            AutomationActionSendNotification(message="An urgent ticket about money"),
        ],
        enabled=False,
    )


async def main() -> None:
    """Run the script for the team of the key in the environment."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    agent_id, ticket_id = sys.argv[1:]
    async with CStarClient.from_env() as cstar:
        rule = await add_triage_rule(cstar, agent_id=agent_id)
        trial = await cstar.automations.test(rule.id, resource_type="ticket", resource_id=ticket_id)
        if trial.would_match:
            await cstar.automations.update(rule.id, enabled=True)
    print(f"{rule.name}: {'enabled' if trial.would_match else 'would not match, not enabled'}")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (CStarError, OSError, ValueError) as error:
        sys.exit(str(error))
