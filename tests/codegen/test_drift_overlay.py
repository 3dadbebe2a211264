"""What responses have beyond the document becomes an overlay, and that becomes typed code."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from codegen.__main__ import DOCUMENT, DONE, REFUSED, main
from codegen.spec.document import Node
from codegen.spec.loader import read
from codegen.spec.overlay import apply_overlay
from cstar_async import CStarClient, from_dict
from cstar_async.hooks import DriftCounter, DriftInfo
from tests.codegen.packages import Stub, imported
from tests.codegen.private import generate

TICKET = {
    "id": "tkt_1",
    "object": "ticket",
    "title": "Printer on fire",
    "status": "snoozed",
    "priority": "high",
    "customerId": 17,
    "customerName": "Ada Secret",
    "assignedTo": None,
    "tags": [],
    "notes": None,
    "messageCount": 1,
    "slaPaused": None,
    "metadata": {},
    "createdAt": "2026-03-01T00:00:00Z",
    "sentiment": "a secret text",
    "score": 0.5,
    "watchers": ["ada@example.com"],
    "history": [{"by": "ada"}],
    "origin": {"ada@example.com": 1},
    "sk_live_0123456789abcdef": 1,
}


async def _observed(*tickets: Node) -> DriftCounter:
    """Return what a client notes of responses of `get_ticket`."""
    drift = DriftCounter()
    async with Stub() as stub, CStarClient(api_key="sk_test_1", team_id="t", base_url=stub.url, hooks=[drift]) as cstar:
        for ticket in tickets:
            stub.set({"success": True, "data": ticket, "meta": {}})
            await cstar.tickets.get("tkt_1")
    return drift


def _fields(report: str) -> Node:
    """Return the fields that an overlay adds to a ticket."""
    actions = [action for action in json.loads(report)["actions"] if action["target"] == "$.components.schemas.Ticket"]
    return {name: node for action in actions for name, node in action["update"]["properties"].items()}


async def test_report_names_fields_and_types() -> None:
    """An unknown field is proposed with its type and the evidence `observed`."""
    fields = _fields((await _observed(TICKET)).report(format="overlay"))
    assert fields["sentiment"] == {"type": ["string"], "x-evidence": "observed", "x-source": "Received from get_ticket."}
    assert fields["score"]["type"] == ["number"]
    assert (fields["watchers"]["type"], fields["watchers"]["items"]) == (["array"], {"type": ["string"]})


async def test_report_has_no_values() -> None:
    """Neither texts, nor names of fields that are made from data or look like keys."""
    drift = await _observed(TICKET)
    report = drift.report(format="overlay")
    assert not [word for word in ("secret", "Secret", "ada", "example.com", "0123456789abcdef", "17") if word in report]
    assert "sentiment" in report


@pytest.mark.parametrize(
    ("status", "is_proposed"),
    [("snoozed", True), ("on-hold", True), ("Ada Lovelace", False), ("ada@example.com", False), ("x" * 41, False), ("", False)],
)
async def test_value_of_an_enum_is_proposed_if_it_is_a_name(status: str, is_proposed: bool) -> None:
    """Anything else could be the data of a customer."""
    report = (await _observed({**TICKET, "status": status})).report(format="overlay")
    assert ({"target": "$.components.schemas.TicketStatus.enum", "update": status} in _without_texts(report)) is is_proposed


def _without_texts(report: str) -> list[Node]:
    return [{key: value for key, value in action.items() if key != "description"} for action in json.loads(report)["actions"]]


@pytest.mark.no_cover
async def test_overlay_of_observations_gives_typed_fields(tmp_path: Path) -> None:
    """New fields, a new value and other types are in the generated model."""
    drift = await _observed(TICKET, {**TICKET, "score": None, "sentiment": 3})
    with imported(generate(tmp_path, json.loads(drift.report(format="overlay")), name="seen")):
        models = importlib.import_module("seen.models")
        ticket: Any = from_dict(models.Ticket, TICKET)
        assert models.TicketStatus.SNOOZED == "snoozed"
        text = (tmp_path / "seen" / "models" / "tickets.py").read_text(encoding="utf-8")
    assert (ticket.score, ticket.watchers) == (0.5, ["ada@example.com"])
    for line in (
        "score: float | None = None",
        "sentiment: str | int | None = None",
        "watchers: list[str] | None = None",
        "customer_id: str | int | None",
        "sla_paused: bool | None",
    ):
        assert f"\n    {line}" in text


@pytest.mark.no_cover
async def test_document_with_the_overlay_has_no_drift(tmp_path: Path) -> None:
    """The proposals say all that was different, but for what could be data."""
    ticket = {name: value for name, value in TICKET.items() if not name.startswith("sk_")}
    report = json.loads((await _observed(ticket)).report(format="overlay"))
    with imported(generate(tmp_path, report, name="agreed")) as package:
        drift = DriftCounter()
        async with (
            Stub() as stub,
            package.AgreedClient(api_key="sk_test_1", team_id="t", base_url=stub.url, hooks=[drift]) as cstar,
        ):
            stub.set({"success": True, "data": ticket, "meta": {}})
            await cstar.tickets.get("tkt_1")
    assert drift.counts == {}


async def test_required_field_that_is_not_sent_becomes_optional() -> None:
    """The proposal removes its name from the required ones."""
    report = (await _observed({"id": "tkt_1"})).report(format="overlay")
    raw = apply_overlay(read(DOCUMENT), json.loads(report), name="o.json", report=lambda *report: pytest.fail(str(report)))
    assert raw["components"]["schemas"]["Ticket"]["required"] == ["id"]


def test_report_without_differences_is_empty() -> None:
    """In both formats."""
    assert (DriftCounter().report(), DriftCounter().report(format="overlay")) == ("", "")


def test_report_without_proposals_is_empty() -> None:
    """A difference of which no correction is known."""
    drift = DriftCounter()
    drift.on_drift(DriftInfo(operation="get_tag", where="$.data", kind="wrong_type", expected="object", actual="string"))
    assert drift.report(format="overlay") == ""


async def test_command_merges_observations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each action once, and those that the document has already left out; the result can be applied."""
    first, second = await _observed(TICKET), await _observed({**TICKET, "sentiment": None, "status": "open"})
    known = {"target": "$.components.schemas.Ticket", "update": {"properties": {"title": {"type": ["string"]}}}}
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    one.write_text(first.report(format="overlay"), encoding="utf-8")
    overlay = json.loads(second.report(format="overlay"))
    two.write_text(json.dumps({**overlay, "actions": [known, *overlay["actions"]]}), encoding="utf-8")
    assert DONE == main(["drift", str(one), str(two)])
    merged = yaml.safe_load(capsys.readouterr().out)
    texts = [json.dumps({**action, "description": ""}, sort_keys=True) for action in merged["actions"]]
    assert len(texts) == len(set(texts))
    assert json.dumps({**known, "description": ""}, sort_keys=True) not in texts
    raw = apply_overlay(read(DOCUMENT), merged, name="merged", report=lambda *report: pytest.fail(str(report)))
    ticket = raw["components"]["schemas"]["Ticket"]["properties"]
    assert (ticket["sentiment"]["type"], ticket["score"]["type"]) == (["string", "null"], ["number"])


def test_command_without_anything_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It prints a note and no overlay."""
    path = tmp_path / "one.yaml"
    actions = [{"target": "$.components.schemas.TicketStatus.enum", "update": "open"}]
    path.write_text(yaml.safe_dump({"overlay": "1.0.0", "info": {"title": "T", "version": "1"}, "actions": actions}))
    assert DONE == main(["drift", str(path)])
    assert capsys.readouterr() == ("", "note: cstar.yaml: the document has all of it already.\n")


def test_command_refuses_another_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that is no overlay, in one sentence."""
    path = tmp_path / "one.yaml"
    path.write_text("openapi: 3.1.0\n")
    assert REFUSED == main(["drift", str(path)])
    assert capsys.readouterr().err == "one.yaml: the file must be an OpenAPI overlay, `overlay: 1.0.0`, got `None`.\n"
