"""Requests whose responses are structured as a class of the caller."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from cstar_async import CStarClient, CStarLibrary, DecodeError, Hooks, InvalidArgumentError, Model, PermissionDeniedError
from cstar_async.hooks import CallEndInfo
from cstar_async.models import Tag, Ticket

from .conftest import TICKET, MakeClient, Server, failed, ok, raw


@attrs.frozen
class Shift:
    """A class of a user."""

    agent: str
    begins: datetime
    ticket: Ticket | None = None
    notes: dict[str, int] = attrs.Factory(dict)


SHIFT = {"agent": "ann", "begins": "2026-03-01T08:00:00Z", "ticket": TICKET}


async def test_data_is_a_model(server: Server, client: CStarClient) -> None:
    """With the circumstances of the response."""
    server.script(ok(TICKET | {"new": 1}))

    response = await client.request("GET", "/tickets/tkt_1", model=Ticket)

    assert (Ticket, "tkt_1", {"new": 1}, "req_ok") == (
        type(response.data),
        response.data.id,
        response.data.extra,
        response.request_id,
    )


async def test_data_is_a_class_of_the_user(server: Server, client: CStarClient) -> None:
    """An attrs class with models inside, and lists of one."""
    server.script(ok(SHIFT), ok([SHIFT, SHIFT]))

    shift = (await client.request("POST", "/shifts", json={}, model=Shift)).data
    shifts = (await client.request("GET", "/shifts", model=list[Shift])).data

    assert (datetime(2026, 3, 1, 8, tzinfo=UTC), "tkt_1") == (shift.begins, shift.ticket and shift.ticket.id)
    assert [shift, shift] == shifts


async def test_whole_body_is_structured_without_an_envelope(server: Server, client: CStarClient) -> None:
    """As JSON is without a model."""
    server.script(raw(b'{"name": "vip"}'))

    assert "vip" == (await client.request("GET", "/tags/vip", model=Tag)).data.name


@pytest.mark.parametrize(
    ("data", "model", "where"),
    [
        ([], Ticket, "$.data"),
        (None, Ticket, "$.data"),
        (5, Shift, "$.data"),
        ({"agent": "ann"}, Shift, "$.data.begins"),
        ([SHIFT, {**SHIFT, "begins": "soon"}], list[Shift], "$.data[1].begins"),
        ({**SHIFT, "notes": {"ann@example.com": "x"}}, Shift, "$.data.notes"),
    ],
)
async def test_other_data_is_an_error_that_names_the_place(
    server: Server, client: CStarClient, data: object, model: type[Any], where: str
) -> None:
    """It shows no value and no key of a mapping."""
    server.script(ok(data))

    with pytest.raises(DecodeError) as caught:
        await client.request("GET", "/shifts", model=model)

    assert (where, "req_ok", 200) == (caught.value.where, caught.value.request_id, caught.value.status)
    assert "example.com" not in f"{caught.value}{caught.value.report()}"
    assert caught.value.__cause__ is None


async def test_response_without_a_body_is_an_error(server: Server, client: CStarClient) -> None:
    """The caller is promised a model."""
    server.script(raw(b"", 204))

    with pytest.raises(DecodeError):
        await client.request("DELETE", "/shifts/1", model=Shift)


@pytest.mark.parametrize("model", [5, "Shift", object, list[object], type("Later", (Model,), {})])
async def test_class_that_cannot_be_made_is_refused(server: Server, client: CStarClient, model: Any) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArgumentError, match=r"^model must be a class"):
        await client.request("GET", "/shifts", model=model)

    assert [] == server.requests


async def test_errors_stay_those_of_the_status(server: Server, client: CStarClient) -> None:
    """The model is for successes only."""
    server.script(failed(403))

    with pytest.raises(PermissionDeniedError):
        await client.request("GET", "/shifts", model=Shift)


class Ends(Hooks):
    """Collects the errors with which calls end."""

    def __init__(self) -> None:
        self.errors: list[str | None] = []

    def on_call_end(self, info: CallEndInfo) -> None:
        """Keep it."""
        self.errors.append(info.error)


async def test_hooks_see_the_failure(server: Server, make_client: MakeClient) -> None:
    """The call ends once, with the decode error."""
    ends = Ends()
    server.script(ok([]))

    with pytest.raises(DecodeError):
        await make_client(hooks=[ends]).request("GET", "/shifts", model=Shift)

    assert ["DecodeError"] == ends.errors


async def test_library_takes_models_and_no_key(server: Server) -> None:
    """Its server has no idempotency keys."""
    server.script(ok(SHIFT))
    async with CStarLibrary(team="acme", base_url=server.url) as library:
        assert "ann" == (await library.request("GET", "/shifts", model=Shift)).data.agent
        with pytest.raises(InvalidArgumentError, match=r"^idempotency_key must be None for this call, got "):
            await library.request("POST", "/shifts", idempotency_key="k")
