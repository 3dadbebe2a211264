"""A month of a bot with every kind of failure: no event is lost, none is handled twice, and tickets keep their order."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from tests.client.bot_simulation import DAY, HOUR, Plan, Simulation, Span


def plan_of(seed: int, *, days: int = 30, tickets: int = 30, events_per_ticket: int = 12) -> Plan:
    """Return a plan with an outage of three hours, two closed windows, a full disk, suspensions, kills and restarts."""
    source = random.Random(seed)
    outages = (Span(5 * DAY, 5 * DAY + 3 * HOUR), Span(15 * DAY, 15 * DAY + HOUR))
    closed_windows = (Span(9 * DAY, 9 * DAY + HOUR), Span(20 * DAY, 20 * DAY + HOUR))
    disk_failures = (Span(12 * DAY, 12 * DAY + 2 * HOUR), Span(15 * DAY, 15 * DAY + 600))
    kills = [source.uniform(0, days) * DAY for _ in range(days * 2)]
    for span in (*outages, *closed_windows, *disk_failures):
        kills += [source.uniform(span.begin, span.end) for _ in range(2)]
    return Plan(
        days=days,
        tickets=tickets,
        events_per_ticket=events_per_ticket,
        outages=outages,
        closed_windows=closed_windows,
        disk_failures=disk_failures,
        suspensions={7 * DAY: 8 * HOUR, 20 * DAY + 600: 2 * HOUR},
        kills=tuple(sorted(kills)),
        closes=tuple(sorted(source.uniform(0, days) * DAY for _ in range(days // 3))),
        deadly=frozenset({"evt_1_3", "evt_2_0", "evt_3_11"}),
        broken=frozenset({"evt_1_5", "evt_4_4", "evt_5_0"}),
    )


async def check(simulation: Simulation) -> None:
    """Run a simulation, and check that no event is lost, repeated or out of order."""
    plan = simulation.plan
    await simulation.run()
    tickets = [simulation.ids_of(ticket) for ticket in range(plan.tickets)]
    everything = {event_id for ids in tickets for event_id in ids}

    assert set(simulation.accepted) == everything
    assert set(simulation.dead) == plan.deadly | plan.broken
    assert set(simulation.dead_at_the_end) == plan.deadly
    assert set(simulation.handled) == everything - plan.deadly

    counts = Counter(simulation.handled)
    assert {event_id for event_id, count in counts.items() if count > 1 + simulation.may_repeat[event_id]} == set()
    assert sum(simulation.may_repeat.values()) < 5  # otherwise the line above would check little

    first = dict.fromkeys(simulation.handled)
    for ids in tickets:
        expected = [event_id for event_id in ids if event_id not in plan.deadly | plan.broken]
        assert [event_id for event_id in first if event_id in set(expected)] == expected
    assert simulation.starts > len(plan.kills) + len(plan.closes)


@pytest.mark.no_cover
async def test_a_month_loses_no_event_repeats_none_and_keeps_the_order(tmp_path: Path) -> None:
    """With kills, restarts, an outage, closed windows, a full disk, suspensions, and handlers that raise or end the process."""
    await check(Simulation(plan_of(1), tmp_path / "events.db", seed=1))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 12))
async def test_busy_months_lose_no_event(seed: int, tmp_path: Path) -> None:
    """Ten times as many events."""
    await check(Simulation(plan_of(seed, tickets=100, events_per_ticket=40), tmp_path / "events.db", seed=seed))
