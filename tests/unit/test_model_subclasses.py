"""Classes of a user that inherit from a model: they are read and written as the model is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

import attrs
import pytest

from cstar_async import Model, converter, from_dict, to_dict
from cstar_async.models import Ticket, TicketCreate
from cstar_async.testing import FakeCStar
from cstar_async.webhooks import TicketCreated

DATA = {"id": "tkt_1", "status": "open", "orderNumber": 7, "dueAt": "2026-03-01T00:00:00+00:00", "mood": "good"}


class Plain(Ticket):
    """Adds no field."""


def _parse_time(value: str | datetime | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


@attrs.define(kw_only=True, repr=False)
class Order(Ticket):
    """Adds a value as it came, a converted one and a required one."""

    order_number: int | None = None
    due_at: datetime | None = attrs.field(default=None, converter=_parse_time)
    shop: str


@attrs.define(kw_only=True)
class Moody(Order):
    """Adds a field to a class that adds fields."""

    mood: str = "unknown"


@pytest.mark.parametrize("model", [Plain, Order, Moody])
def test_subclass_of_a_model_round_trips(model: type[Ticket]) -> None:
    """What was read is written with the same names, by `from_dict` or the converter; what no field takes is in `extra`."""
    ticket = from_dict(model, DATA)
    assert type(ticket) is model
    assert (ticket.id, ticket.status.is_known) == ("tkt_1", True)
    assert from_dict(model, to_dict(ticket)) == converter.structure(DATA, model) == ticket
    assert {"orderNumber", "dueAt", "mood"} <= to_dict(ticket).keys()


def test_added_fields_take_the_values_of_their_wire_names() -> None:
    """By their converter; a field without a value and a default is None, as in a model."""
    ticket = from_dict(Moody, DATA)
    assert (ticket.order_number, ticket.due_at) == (7, datetime(2026, 3, 1, tzinfo=UTC))
    assert not ticket.shop
    assert (ticket.mood, from_dict(Moody, {"id": "tkt_1"}).mood, dict(ticket.extra)) == ("good", "unknown", {})


@pytest.mark.parametrize("model", [TicketCreate, TicketCreated])
def test_bodies_and_events_have_subclasses_too(model: type[Model]) -> None:
    """Bodies of requests and events of webhooks can have fields of a user."""
    mine = attrs.define(kw_only=True)(type("Mine", (model,), {"__annotations__": {"own_field": "str | None"}, "own_field": None}))
    assert to_dict(from_dict(mine, {"ownField": "a"}))["ownField"] == "a"


def test_wire_name_of_an_added_field_is_in_camel_case() -> None:
    """Those of the model stay, whatever they are; what the class states itself stays too."""

    @attrs.define(kw_only=True)
    class Mine(TicketCreated):
        last_seen_at: str | None = None
        _own: str | None = None
        shop: str | None = None

    @attrs.define(kw_only=True)
    class Stated(TicketCreated):
        __wire_names__: ClassVar[Mapping[str, str]] = {"last_seen_at": "seen"}
        last_seen_at: str | None = None

    base = {name: name for name in ("id", "type", "created_at", "team_id", "data")}
    assert {**base, "last_seen_at": "lastSeenAt", "_own": "own", "shop": "shop"} == Mine.__wire_names__
    assert {"last_seen_at": "seen"} == Stated.__wire_names__


async def test_request_and_paginate_make_subclasses() -> None:
    """`request(model=)` and `paginate(model=)` take the class of a user."""
    async with FakeCStar(seed=1) as fake, fake.client() as client:
        first = await client.paginate("GET", "/tickets", model=Order).first()
        assert isinstance(first, Order)
        response = await client.request("GET", f"/tickets/{first.id}", model=Order)
    assert (type(response.data), response.data.title) == (Order, first.title)
