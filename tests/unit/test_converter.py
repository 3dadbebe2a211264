"""The public converter: models inside the classes of a user."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from cattrs import Converter
from cattrs.errors import ClassValidationError

from cstar_async import JSON, InvalidArgumentError, to_dict
from cstar_async import converter as public_converter
from cstar_async._model.converter import make_converter
from cstar_async.models import Automation, Ticket, TicketStatus, TicketUpdate
from cstar_async.webhooks import TicketCreated

TICKET = {"id": "tkt_1", "status": "snoozed", "createdAt": "2026-03-01T00:00:00Z", "unheardOf": [1]}


@attrs.frozen
class Report:
    """A class of a user."""

    tickets: list[Ticket]
    worst: Ticket | None
    by_id: dict[str, Ticket]
    status: TicketStatus
    made_at: datetime
    notes: dict[str, JSON]


REPORT: dict[str, Any] = {
    "tickets": [TICKET],
    "worst": None,
    "by_id": {"tkt_1": TICKET},
    "status": "on_fire",
    "made_at": "2026-03-01T12:00:00Z",
    "notes": {"a": [1, None, {"b": "c"}]},
}


@pytest.fixture
def converter() -> Converter:
    """A converter made as the public one."""
    return make_converter()


def test_class_with_models_is_structured(converter: Converter) -> None:
    """Models are read by their wire names, enums stay open, datetimes are aware, free JSON stays as it is."""
    report = converter.structure(REPORT, Report)
    assert (["tkt_1"], ["snoozed"]) == ([ticket.id for ticket in report.tickets], [ticket.status for ticket in report.tickets])
    assert ({"unheardOf": [1]}, None) == (report.by_id["tkt_1"].extra, report.worst)
    assert (TicketStatus, "on_fire", datetime(2026, 3, 1, 12, tzinfo=UTC)) == (type(report.status), report.status, report.made_at)
    assert REPORT["notes"] == report.notes


def test_class_with_models_comes_back(converter: Converter) -> None:
    """Unstructuring gives the wire form, in plain types."""
    wire: dict[str, Any] = converter.unstructure(converter.structure(REPORT, Report))
    assert (REPORT, str) == (wire, type(wire["status"]))


@pytest.mark.parametrize(
    ("data", "model"),
    [
        (TICKET, Ticket),
        ({"actions": [{"type": "add_tags", "tags": ["a"]}]}, Automation),
        ({"id": "evt_1", "type": "ticket.created", "data": {"ticket": TICKET}}, TicketCreated),
    ],
)
def test_model_is_structured_as_by_from_dict(converter: Converter, data: dict[str, Any], model: type[Any]) -> None:
    """Models with nested models, and events, too."""
    structured = converter.structure(data, model)
    assert (model, data) == (type(structured), converter.unstructure(structured))


def test_request_model_keeps_null(converter: Converter) -> None:
    """As `to_dict` does."""
    update = TicketUpdate(title="x", assigned_to=None)
    assert to_dict(update) == converter.unstructure(update) == {"title": "x", "assignedTo": None}


def test_copy_takes_hooks_of_the_user() -> None:
    """What is registered on a copy does not change the converter."""
    copy = public_converter.copy()
    copy.register_unstructure_hook(Ticket, lambda ticket: ticket.id)
    report = copy.structure(REPORT, Report)
    assert (["tkt_1"], REPORT) == (copy.unstructure(report)["tickets"], public_converter.unstructure(report))


@pytest.mark.parametrize(
    ("data", "target", "message"),
    [
        (5, Ticket, "data of Ticket must be a mapping, got int"),
        (5, TicketStatus, "TicketStatus must be a str, got int"),
        (5, datetime, "datetime must be a str with an ISO 8601 date and time, got int"),
        ("2026-03-01", datetime, "datetime must be a str with an ISO 8601 date and time, got str"),
    ],
)
def test_data_of_another_type_is_refused(converter: Converter, data: object, target: type[Any], message: str) -> None:
    """The user's own data is expected to be right, unlike the server's."""
    with pytest.raises(InvalidArgumentError) as caught:
        converter.structure(data, target)
    assert message == caught.value.message


def test_error_inside_a_class_of_the_user_is_that_of_cattrs(converter: Converter) -> None:
    """It holds ours."""
    with pytest.raises(ClassValidationError) as caught:
        converter.structure(REPORT | {"worst": 5}, Report)
    assert [InvalidArgumentError] == [type(error) for error in caught.value.exceptions]


def test_naive_datetime_is_refused(converter: Converter) -> None:
    """As `to_dict` does."""
    with pytest.raises(InvalidArgumentError, match="datetime must be a datetime with a time zone"):
        converter.unstructure(attrs.evolve(converter.structure(REPORT, Report), made_at=datetime(2026, 3, 1)))  # noqa: DTZ001


def test_only_the_converter_imports_cattrs() -> None:
    """A program that calls the API and reads models never pays for it."""
    program = (
        "import sys\n"
        "from cstar_async import CStarClient, from_dict, models, to_dict\n"
        "to_dict(from_dict(models.Ticket, {'id': 'tkt_1'}))\n"
        "assert 'cattrs' not in sys.modules\n"
        "from cstar_async import converter\n"
        "assert 'cattrs' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
