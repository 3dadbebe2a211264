"""Print the figures of the last week: three requests, two of them concurrent.

CSTAR_API_KEY=sk_… python examples/weekly_report.py
"""

from __future__ import annotations

import asyncio
import sys

from cstar_async import CStarClient, CStarError


async def weekly_report(cstar: CStarClient) -> str:
    """Return the figures of the week as several lines."""
    overview, agents = await asyncio.gather(cstar.analytics.overview(period="week"), cstar.analytics.agents(period="week"))
    urgent = await cstar.tickets.list(status="open", priority="urgent", page_size=1)
    lines = [
        f"Tickets     {overview.tickets.total} in all, {overview.tickets.open} open, {overview.tickets.resolved} resolved",
        f"Customers   {overview.customers.total} in all, {overview.customers.new} new",
        f"Rating      {overview.csat.average or '-'} from {overview.csat.total_responses} responses",
        f"Urgent now  {urgent.info.total}",
    ]
    for agent in agents:
        resolved = agent.tickets.resolved if agent.tickets else 0
        lines.append(f"  {agent.name or agent.member_id}: {resolved} resolved")
    return "\n".join(lines)


async def main() -> None:
    """Run the script for the team of the key in the environment."""
    async with CStarClient.from_env() as cstar:
        print(await weekly_report(cstar))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (CStarError, OSError, ValueError) as error:
        sys.exit(str(error))
