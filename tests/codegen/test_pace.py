"""The steps of CONTRIBUTING for a change of the API, followed literally: one edit of the document and one command."""

from __future__ import annotations

import shutil

import pytest

from codegen.__main__ import ROOT
from tests.codegen.trees import Tree

TICKET_FIELDS = """\
        dueDate:
          type: [string, 'null']
          format: date-time
          description: When it must be solved.
          x-evidence: documented
          x-source: API reference, Tickets
"""
EVENT = """\
  ticket.snoozed:
    post:
      operationId: on_ticket_snoozed
      summary: A ticket was snoozed
      x-evidence: documented
      x-source: Webhook reference, Event types
      requestBody: {$ref: '#/components/requestBodies/TicketEvent'}
      responses: {2XX: {$ref: '#/components/responses/EventTaken'}}
"""
OPERATION = """\
  /api/v1/teams/{teamId}/tickets/{ticketId}/snooze:
    parameters:
      - $ref: '#/components/parameters/TeamId'
      - $ref: '#/components/parameters/TicketId'
      - $ref: '#/components/parameters/ApiVersion'
    get:
      operationId: get_ticket_snooze
      tags: [tickets]
      summary: Get a ticket that is snoozed
      description: Returns the ticket.
      x-evidence: documented
      x-source: API reference, Tickets
      x-cstar-namespace: tickets
      x-cstar-method: get_snooze
      x-cstar-key: any
      responses:
        '200':
          description: The ticket.
          x-evidence: documented
          x-source: API reference, Tickets
          headers: *rate-limit-headers
          content:
            application/json:
              schema:
                allOf:
                  - $ref: '#/components/schemas/Envelope'
                  - {type: object, required: [data], properties: {data: {$ref: '#/components/schemas/Ticket'}}}
        '401': {$ref: '#/components/responses/Unauthorized'}
        '403': {$ref: '#/components/responses/Forbidden'}
        '404': {$ref: '#/components/responses/NotFound'}
        '429': {$ref: '#/components/responses/RateLimited'}
        '5XX': {$ref: '#/components/responses/ServerError'}
"""
STATUS = "      enum: [new, open, pending, resolved, closed]\n      x-enum-descriptions:\n"
PROGRAM = """
import asyncio, datetime, json
from cstar_async.models import TicketStatus
from cstar_async.testing import FakeCStar
from cstar_async.testing._handlers.registry import operations_without_handler
from cstar_async.webhooks import TicketSnoozed, construct_event, sign

async def main():
    async with FakeCStar(seed=1) as fake, fake.client() as cstar:
        first = (await cstar.tickets.list())[0]
        due = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)
        changed = await cstar.tickets.update(first.id, due_date=due, status=TicketStatus.ON_HOLD)
        sent = fake.requests[-1].json
        snoozed = await cstar.tickets.get_snooze(first.id)
        body = json.dumps({"id": "evt_1", "type": "ticket.snoozed", "data": {"ticket": {"id": first.id}}}).encode()
        event = construct_event(body, sign(body, "whsec_1"), "whsec_1")
        print(sorted(sent), changed.due_date == due, changed.status, type(snoozed).__name__, type(event) is TicketSnoozed)
        print(operations_without_handler())

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """Return a tree to whose document a field, a value of an enum, an event and an operation were added as text, after one run."""
    tree = Tree(tmp_path_factory.mktemp("pace"))
    text = tree.document.read_text("utf-8")
    for schema in ("\n    Ticket:\n", "\n    TicketUpdate:\n"):
        text = _after(text, schema, "      properties:\n", TICKET_FIELDS)
    text = text.replace(STATUS, f"{STATUS.replace('open,', 'open, on-hold,')}        on-hold: Waiting for another team.\n", 1)
    text = text.replace("  ticket.assigned:\n", f"{EVENT}  ticket.assigned:\n", 1)
    text = text.replace("        - ticket.assigned\n", "        - ticket.snoozed\n        - ticket.assigned\n", 1)
    text = _after(text, "\n        ticket.updated: A ticket was updated.", "\n", "        ticket.snoozed: A ticket was snoozed.\n")
    messages = "  /api/v1/teams/{teamId}/tickets/{ticketId}/messages:\n"
    tree.document.write_text(text.replace(messages, f"{OPERATION}{messages}", 1), encoding="utf-8")
    done = tree.generate()
    assert 0 == done.returncode, done.stderr
    return tree


def _after(text: str, place: str, line: str, addition: str) -> str:
    """Return a string with an addition after the first *line* that follows a place."""
    start = text.index(line, text.index(place) + len(place)) + len(line)
    return text[:start] + addition + text[start:]


def test_client_events_and_fake_have_the_change(grown: Tree) -> None:
    """The new argument is sent and comes back, the new value is a constant, and the new event has a class."""
    lines = grown.output_of(PROGRAM).splitlines()

    assert "['dueDate', 'status'] True on-hold Ticket True" == lines[0]
    assert "[]" == lines[1]


def test_lint_and_the_known_facts_accept_the_change(grown: Tree) -> None:
    """Neither the rules of the project nor `tests/samples/reference.json` need another edit."""
    shutil.copytree(ROOT / "tests", grown.root / "tests", ignore=shutil.ignore_patterns("__pycache__"))

    linted = grown.python("-m", "codegen", "lint")
    tested = grown.python("-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "tests/contract/test_reference.py")

    assert (0, "") == (linted.returncode, linted.stderr)
    assert 0 == tested.returncode, tested.stdout[-2000:]
