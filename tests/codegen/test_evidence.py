"""The page that tells how sure the document is of each operation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from codegen import output
from codegen.__main__ import DIFFERENT, ROOT, main
from codegen.ir.evidence import EvidencePage, OperationRow, evidence_page
from codegen.spec.document import Document
from tests.codegen.documents import TICKET, operation, real
from tests.codegen.trees import Tree

PAGE = (ROOT / output.PAGE).read_text(encoding="utf-8")


@pytest.fixture
def page() -> EvidencePage:
    """What the page of the real document shows."""
    return evidence_page(Document(real()))


def row(page: EvidencePage, call: str) -> OperationRow:
    """The row of a call."""
    return next(one for section in page.sections for one in section.rows if one.call == call)


def test_every_operation_stands_on_the_page_once(page: EvidencePage) -> None:
    """Nothing that was guessed is passed over."""
    requests = [(section.title, one.request) for section in page.sections for one in section.rows]

    assert len(Document(real()).operations) == len(requests) == len(set(requests)) == page.total


def test_every_event_stands_on_the_page_once(page: EvidencePage) -> None:
    """With its class and what its data is read as."""
    assert [event.type for event in Document(real()).events] == [one.type for one in page.events]
    rows = [line for line in PAGE.splitlines() if line.startswith("| `Ticket") and "`ticket.created`" in line]

    assert ["| `TicketCreated` | `ticket.created` | `TicketEventData` | documented | Webhook reference, Event types |"] == rows


def test_page_without_events_has_no_section_for_them() -> None:
    """A document need not have any."""
    raw = real()
    del raw["webhooks"]

    assert () == evidence_page(Document(raw)).events


def test_counts_are_those_of_the_document(page: EvidencePage) -> None:
    """Each degree of evidence is counted from its operations."""
    given = [one.node["x-evidence"] for one in Document(real()).operations]

    assert {name: given.count(name) for name in ("documented", "inferred", "named")} == {
        kind.name: kind.count for kind in page.kinds
    }


def test_call_shows_what_it_needs(page: EvidencePage) -> None:
    """Ids stand by position, required fields by name, everything else is left out."""
    assert "PATCH /members/{memberId}" == row(page, "cstar.members.update(member_id, role=…)").request


def test_call_of_the_library_is_that_of_its_own_class(page: EvidencePage) -> None:
    """The library is no namespace of the client, and its search takes the words by position."""
    assert "GET /search" == row(page, "library.search(q)").request


def test_path_outside_a_team_is_shown_whole(page: EvidencePage) -> None:
    """What is relative to the host begins with `/api/`."""
    assert "GET /api/v1/auth/whoami" == row(page, "cstar.auth.whoami()").request


def test_source_is_not_introduced_twice(page: EvidencePage) -> None:
    """The column beside it says already that something is named or inferred."""
    assert ("named", "The path is listed, nothing else is known") == (
        (found := row(page, "cstar.activity.list()")).evidence,
        found.source,
    )


def test_bar_in_a_source_does_not_cut_the_table() -> None:
    """A bar is escaped, or the row would have a column more."""
    raw = real()
    operation(raw, TICKET, "get")["x-source"] = "Tickets | Reading"

    assert "Tickets \\| Reading" == row(evidence_page(Document(raw)), "cstar.tickets.get(ticket_id)").source


def test_tables_have_as_many_cells_in_every_row() -> None:
    """The page is well-formed: each row of a table is as wide as its head."""
    tables = re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)

    assert tables
    assert all(1 == len({line.count(" | ") for line in table.splitlines()}) for table in tables)


def test_readme_leads_to_the_page() -> None:
    """A user finds it."""
    assert f"]({output.PAGE})" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_check_covers_the_page(tmp_path: Path, tree: Tree) -> None:
    """A page that was edited by hand is found, and generating puts it right."""
    page = tree.root / output.PAGE
    page.write_text(f"{PAGE}Trust me.\n", encoding="utf-8")

    checked = tree.generate("--check")
    tree.generate()

    assert (DIFFERENT, f"differs: {output.PAGE}\n", PAGE) == (checked.returncode, checked.stderr, page.read_text(encoding="utf-8"))


def test_page_of_another_package_stands_beside_that(tmp_path: Path) -> None:
    """The page belongs to the package that is written, not to the folder that the command runs in."""
    (tmp_path / "package").mkdir()

    assert 0 == main(["--output", str(tmp_path / "package")])
    assert PAGE == (tmp_path / output.PAGE).read_text(encoding="utf-8")


def test_page_stays_as_it_was_when_the_run_fails(tree: Tree) -> None:
    """A document that is refused changes nothing."""
    tree.write(lambda raw: raw["components"]["schemas"]["Ticket"].pop("description"))
    page = tree.root / output.PAGE
    page.write_text("as it was", encoding="utf-8")

    tree.generate()

    assert "as it was" == page.read_text(encoding="utf-8")
