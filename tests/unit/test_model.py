"""What every model can do."""

from __future__ import annotations

import copy
import pickle
from pprint import pformat

import pytest
from rich.pretty import pretty_repr

from cstar_async import Model, from_dict
from cstar_async._values.repr import FieldRepr
from cstar_async.models import AgentAnalytics, Customer, LibraryArticle, Tag, Ticket, TicketCreate
from cstar_async.webhooks import TicketCreated, UnknownEvent

WIRE = {
    "id": "tkt_1",
    "status": "snoozed",
    "title": "Ann's password",
    "tags": ["vip", "bug"],
    "messageCount": 3,
    "slaPaused": False,
    "createdAt": "2026-03-01T00:00:00Z",
    "metadata": {"phone": 5551234},
    "unheardOf": [1],
}


def test_repr_shows_id_enums_numbers_booleans_and_counts() -> None:
    """A log line has no title, no tag, no date and no free value."""
    assert "Ticket(id='tkt_1', status='snoozed', tags=2, message_count=3, sla_paused=False)" == repr(from_dict(Ticket, WIRE))


def test_repr_of_an_empty_model_is_its_class() -> None:
    """Fields that are None are left out."""
    assert "Ticket()" == repr(from_dict(Ticket, {}))


class Unfinished(Model):
    """A model without fields."""


def test_model_without_fields_or_extra_can_be_shown() -> None:
    """Those of requests have no unknown fields."""
    assert "Unfinished()" == repr(Unfinished())
    assert ("title", "x") in list(TicketCreate(title="x")._all_fields())


def test_repr_shows_the_field_that_identifies_the_object() -> None:
    """Not all models have an id."""
    assert "LibraryArticle(slug='reset')" == repr(from_dict(LibraryArticle, {"slug": "reset", "title": "x"}))
    assert "name='vip'" in repr(from_dict(Tag, {"name": "vip"}))


@pytest.mark.parametrize("value", [5551234, ["Ann"], {"a": "Ann"}, True, 1.5])
def test_repr_shows_no_value_of_an_unexpected_type(value: object) -> None:
    """A phone number or a code that arrives as a number stays private; of a list, only the count is shown."""
    assert repr(from_dict(Customer, {"phone": value})) in {"Customer()", "Customer(phone=1)"}


@pytest.mark.parametrize("value", [["Ann"], {"a": "Ann"}])
def test_repr_shows_no_id_that_is_none(value: object) -> None:
    """An id is a str or a number."""
    assert "Ann" not in repr(from_dict(Ticket, {"id": value}))


def test_repr_of_an_event_shows_id_and_type() -> None:
    """Its data belongs to people."""
    event = from_dict(TicketCreated, {"id": "evt_1", "type": "ticket.created", "teamId": "t", "data": {"ticket": WIRE}})
    assert "TicketCreated(id='evt_1', type='ticket.created')" == repr(event)
    assert "UnknownEvent()" == repr(from_dict(UnknownEvent, {}))


class Printer:
    """The part of IPython's printer that it passes to `_repr_pretty_`."""

    def __init__(self) -> None:
        self.output = ""
        self.indent = 0

    def text(self, text: str) -> None:
        """Print."""
        self.output += text

    def pretty(self, value: object) -> None:
        """Print a value."""
        self.output += repr(value)

    def break_(self) -> None:
        """Begin a line."""
        self.output += "\n" + " " * self.indent

    def group(self, indent: int, open: str, close: str) -> Printer:
        """Print a group."""
        self.indent, self.close = indent, close
        self.output += open
        return self

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self.output += self.close


def in_ipython(shown: FieldRepr, *, cycle: bool = False) -> str:
    """The output of an IPython cell."""
    printer = Printer()
    shown._repr_pretty_(printer, cycle)
    return printer.output


@pytest.mark.parametrize("show", [pformat, pretty_repr, in_ipython])
def test_rich_pprint_and_ipython_show_all_fields(show: object) -> None:
    """One a line, by their Python names, with the unknown fields."""
    text = show(from_dict(Ticket, WIRE))  # type: ignore[operator]
    lines = [line.strip().rstrip(",)") for line in text.splitlines()]
    assert lines[0].startswith("Ticket(")
    assert {
        'title="Ann\'s password"',
        "tags=['vip', 'bug']",
        "message_count=3",
        "closed_at=None",
        "extra={'unheardOf': [1]}",
    } <= set(lines)


def test_ipython_shows_no_fields_of_an_object_that_contains_itself() -> None:
    """Otherwise the output would have no end."""
    assert "Ticket(...)" == in_ipython(from_dict(Ticket, WIRE), cycle=True)


def test_completion_offers_fields_only() -> None:
    """Names that do not begin with an underscore are fields."""
    offered = {name for name in dir(from_dict(AgentAnalytics, {})) if not name.startswith("_")}
    assert {*AgentAnalytics.__wire_names__, "extra"} == offered


def test_model_survives_pickle_and_copies() -> None:
    """With its unknown fields."""
    model = from_dict(Ticket, WIRE)
    assert [model] * 3 == [pickle.loads(pickle.dumps(model)), copy.copy(model), copy.deepcopy(model)]


def test_models_of_other_content_differ() -> None:
    """Unknown fields count."""
    assert from_dict(Ticket, WIRE) != from_dict(Ticket, WIRE | {"unheardOf": [2]})
