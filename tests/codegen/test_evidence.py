"""The page about API coverage."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codegen import output
from codegen.__main__ import DIFFERENT, ROOT, main
from codegen.ir.evidence import EvidencePage, OperationRow, evidence_page
from codegen.spec.document import Document
from tests.codegen.documents import TICKET, operation, parsed, real
from tests.codegen.trees import Tree

PAGE = (ROOT / output.PAGE).read_text(encoding="utf-8")


@pytest.fixture
def page() -> EvidencePage:
    """Return the page of the real document."""
    return evidence_page(parsed(real()))


def row(page: EvidencePage, call: str) -> OperationRow:
    """Return the row of a call."""
    return next(one for section in page.sections for one in section.rows if one.call == call)


def test_every_operation_is_on_the_page_once(page: EvidencePage) -> None:
    """No operation is missing."""
    requests = [(section.title, one.request) for section in page.sections for one in section.rows]

    assert len(Document(real()).operations) == len(requests) == len(set(requests)) == page.total


def test_every_event_is_on_the_page_once(page: EvidencePage) -> None:
    """With its class and the class of its data."""
    assert [event.type for event in Document(real()).events] == [one.type for one in page.events]
    rows = [line for line in PAGE.splitlines() if line.startswith("| `Ticket") and "`ticket.created`" in line]

    assert ["| `TicketCreated` | `ticket.created` | `TicketEventData` | documented | Webhook reference, Event types |"] == rows


def test_page_without_events_has_no_section_for_them() -> None:
    """A document may have no events."""
    raw = real()
    del raw["webhooks"]

    assert () == evidence_page(parsed(raw)).events


def test_counts_are_those_of_the_document(page: EvidencePage) -> None:
    """The operations of each evidence are counted."""
    given = [one.node["x-evidence"] for one in Document(real()).operations]

    assert {name: given.count(name) for name in ("documented", "inferred", "named")} == {
        kind.name: kind.count for kind in page.kinds
    }


def test_call_shows_its_required_arguments(page: EvidencePage) -> None:
    """Ids by position and required fields by name."""
    assert "PATCH /members/{memberId}" == row(page, "cstar.members.update(member_id, role=…)").request


def test_call_of_the_library_is_that_of_its_own_class(page: EvidencePage) -> None:
    """The library is not a namespace of the client."""
    assert "GET /search" == row(page, "library.search(q)").request


def test_path_outside_a_team_is_shown_whole(page: EvidencePage) -> None:
    """Paths that are relative to the host begin with `/api/`."""
    assert "GET /api/v1/auth/whoami" == row(page, "cstar.auth.whoami()").request


def test_source_does_not_repeat_the_evidence(page: EvidencePage) -> None:
    """The evidence has a column of its own."""
    assert ("named", "The path is listed, nothing else is known") == (
        (found := row(page, "cstar.activity.list()")).evidence,
        found.source,
    )


def test_bar_in_a_source_is_escaped() -> None:
    """Otherwise the row would have one more column."""
    raw = real()
    operation(raw, TICKET, "get")["x-source"] = "Tickets | Reading"

    assert "Tickets \\| Reading" == row(evidence_page(parsed(raw)), "cstar.tickets.get(ticket_id)").source


def test_tables_have_as_many_cells_in_every_row() -> None:
    """Each row of a table has the columns of its header."""
    tables = re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)

    assert tables
    assert all(1 == len({line.count(" | ") for line in table.splitlines()}) for table in tables)


def test_readme_links_to_the_page() -> None:
    """Users find it there."""
    assert f"]({output.PAGE})" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.no_cover
def test_check_covers_the_page(tmp_path: Path, tree: Tree) -> None:
    """An edited page is found, and generating restores it."""
    page = tree.root / output.PAGE
    page.write_text(f"{PAGE}Trust me.\n", encoding="utf-8")

    checked = tree.generate("--check")
    tree.generate()

    assert (DIFFERENT, f"differs: {output.PAGE}\n", PAGE) == (checked.returncode, checked.stderr, page.read_text(encoding="utf-8"))


@pytest.mark.no_cover
def test_page_is_written_beside_the_package(tmp_path: Path) -> None:
    """The page is beside the package, not in the current folder."""
    assert 0 == main(["--no-type-check", "--output", str(tmp_path / "cstar_async")])
    assert PAGE == (tmp_path / output.PAGE).read_text(encoding="utf-8")


def test_failed_run_leaves_the_page_unchanged(tree: Tree) -> None:
    """A refused document changes nothing."""
    tree.write(lambda raw: operation(raw, TICKET, "get").update(operationId="update_ticket"))
    page = tree.root / output.PAGE
    page.write_text("as it was", encoding="utf-8")

    tree.generate()

    assert "as it was" == page.read_text(encoding="utf-8")
