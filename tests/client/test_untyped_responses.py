"""Responses without a class, without known fields, or without a body."""

from __future__ import annotations

import attrs
import pytest

from cstar_async import CStarClient, DecodeError, Hooks, RequestOptions, Response, from_dict, to_dict
from cstar_async._generated.operations.activity import LIST_ACTIVITY
from cstar_async._types import JSON
from cstar_async.hooks import DriftInfo
from cstar_async.models import Boss, BossStatus, Preferences, Settings

from .conftest import MakeClient, Server, ok, raw

ANY: dict[str, JSON] = {"rate": 0.93, "byPriority": {"high": [1, None, True]}, "since": "2026-03-01T00:00:00Z", "object": "metrics"}


class Drifts(Hooks):
    """Collects drift."""

    def __init__(self) -> None:
        self.received: list[DriftInfo] = []

    def on_drift(self, info: DriftInfo) -> None:
        """Keep it."""
        self.received.append(info)


# Free JSON


async def test_free_object_comes_as_it_is(server: Server, client: CStarClient) -> None:
    """No value is parsed or renamed, not even one that looks like a datetime."""
    server.script(ok(ANY))
    assert await client.sla.metrics() == ANY


async def test_free_list_comes_as_it_is(server: Server, client: CStarClient) -> None:
    """Rows stay what they are, even those that are no objects."""
    server.script(ok([ANY, {}, None, 5]))
    assert (await client.activity.list()).data == [ANY, {}, None, 5]


async def test_free_object_has_a_response_too(server: Server, client: CStarClient) -> None:
    """`with_response()` gives the JSON with its circumstances."""
    server.script(ok(ANY))
    response: Response[dict[str, JSON]] = await client.with_response(client.csat.stats)
    assert (response.data, response.request_id) == (ANY, "req_ok")


async def test_untyped_pages_can_be_iterated_over(server: Server, client: CStarClient) -> None:
    """A list in pages of free rows is one like any other."""
    server.script(
        ok([{"n": 1}], pagination={"page": 1, "pageSize": 1, "total": 2, "hasMore": True}),
        ok([{"n": 2}], pagination={"page": 2, "pageSize": 1, "total": 2, "hasMore": False}),
    )
    items = client.__executor__.paginate(attrs.evolve(LIST_ACTIVITY, shape="page"), dict[str, JSON], query={"pageSize": 1})
    assert [row async for row in items] == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize("data", [None, [], "metrics", 5])
async def test_free_object_must_be_an_object(server: Server, client: CStarClient, data: object) -> None:
    """That much is promised: what is no object is a decode error that names the place."""
    server.script(ok(data))
    with pytest.raises(DecodeError) as caught:
        await client.sla.metrics()
    assert (caught.value.where, caught.value.operation) == ("$.data", "get_sla_metrics")


@pytest.mark.parametrize("data", [None, {}, "activity"])
async def test_free_list_must_be_a_list(server: Server, client: CStarClient, data: object) -> None:
    """So is a list that is none."""
    server.script(ok(data))
    with pytest.raises(DecodeError):
        await client.activity.list()


async def test_free_json_cannot_drift(server: Server, make_client: MakeClient) -> None:
    """Where nothing is known, nothing can differ."""
    drifts = Drifts()
    client = make_client(hooks=[drifts])
    server.script(ok(ANY), ok([ANY]))
    await client.sla.metrics()
    await client.activity.list()
    assert drifts.received == []


# Open objects


async def test_open_object_keeps_unknown_fields(server: Server, client: CStarClient) -> None:
    """Without one known field, all that comes is in `extra`, and goes back as it came."""
    server.script(ok(ANY))
    preferences = await client.preferences.get()
    assert (type(preferences), preferences.extra, to_dict(preferences)) == (Preferences, ANY, ANY)


async def test_known_fields_of_an_open_object_are_attributes(server: Server, client: CStarClient) -> None:
    """What the document names is typed, the rest is in `extra`."""
    server.script(ok({"object": "settings", "teamName": "Acme", "statuses": ["new"]}))
    settings = await client.settings.get()
    assert (settings.team_name, settings.team_slug, settings.extra) == ("Acme", None, {"statuses": ["new"]})


async def test_unknown_fields_of_an_open_object_are_no_drift(server: Server, make_client: MakeClient) -> None:
    """The spec allows more fields, so they are not reported."""
    drifts = Drifts()
    client = make_client(hooks=[drifts])
    server.script(ok({"teamName": "Acme", "statuses": ["new"]}), ok(ANY))
    await client.settings.get()
    await client.preferences.get()
    assert drifts.received == []


async def test_known_fields_of_an_open_object_can_drift(server: Server, make_client: MakeClient) -> None:
    """The fields that the spec names are compared with the response."""
    drifts = Drifts()
    client = make_client(hooks=[drifts])
    server.script(ok({"teamName": 5}))
    await client.settings.get()
    assert [(one.where, one.kind) for one in drifts.received] == [("$.data.teamName", "wrong_type")]


async def test_unknown_keys_are_sent_by_extra_body(server: Server, client: CStarClient) -> None:
    """A body of which no key is known is what the caller says."""
    await client.preferences.update(options=RequestOptions(extra_body={"theme": "dark", "mail": {"daily": None}}))
    assert server.requests[0].json == {"theme": "dark", "mail": {"daily": None}}


async def test_unknown_keys_go_beside_known_fields(server: Server, client: CStarClient) -> None:
    """Both are one body."""
    await client.settings.update(team_name="Acme", options=RequestOptions(extra_body={"widget": {"color": "#0ea5e9"}}))
    assert server.requests[0].json == {"teamName": "Acme", "widget": {"color": "#0ea5e9"}}


async def test_update_without_any_key_is_an_empty_object(server: Server, client: CStarClient) -> None:
    """Nothing to change is said as `{}`, with an idempotency key like every PATCH."""
    await client.preferences.update()
    assert server.requests[0].json == {}
    assert server.requests[0].headers["idempotency-key"]


def test_open_object_goes_there_and_back() -> None:
    """`from_dict` and `to_dict` are each other's inverse for unknown fields, too."""
    assert to_dict(from_dict(Preferences, ANY)) == ANY
    assert from_dict(Settings, {"teamName": "Acme", **ANY}) != from_dict(Settings, {"teamName": "Acme"})


# Null


async def test_null_that_the_document_allows_is_none(server: Server, client: CStarClient) -> None:
    """No boss is out."""
    server.script(ok(None))
    assert await client.game.boss() is None


async def test_what_may_be_null_is_a_model_otherwise(server: Server, client: CStarClient) -> None:
    """A boss is out."""
    server.script(ok({"id": "boss_1", "status": "active", "currentHp": 120}))
    boss = await client.game.boss()
    assert isinstance(boss, Boss)
    assert (boss.status, boss.current_hp) == (BossStatus.ACTIVE, 120)


async def test_null_has_a_response_too(server: Server, client: CStarClient) -> None:
    """`with_response()` returns the response of an absent object."""
    server.script(ok(None))
    response = await client.with_response(client.game.boss)
    assert (response.data, response.status) == (None, 200)


async def test_null_that_the_document_allows_is_no_drift(server: Server, make_client: MakeClient) -> None:
    """It is what was promised; a strange field of a boss is not."""
    drifts = Drifts()
    client = make_client(hooks=[drifts])
    server.script(ok(None), ok({"armour": 5}))
    await client.game.boss()
    assert drifts.received == []
    await client.game.boss()
    assert [one.where for one in drifts.received] == ["$.data.armour"]


async def test_null_that_the_document_does_not_allow_is_a_decode_error(server: Server, client: CStarClient) -> None:
    """Null is accepted only where the spec allows it."""
    server.script(ok(None))
    with pytest.raises(DecodeError):
        await client.settings.get()


async def test_no_data_is_not_null(server: Server, client: CStarClient) -> None:
    """An envelope without `data` is broken even where null would do."""
    server.script(raw(b'{"success": true}'))
    with pytest.raises(DecodeError):
        await client.game.boss()


@pytest.mark.parametrize("body", [b"", b" \r\n"])
async def test_empty_body_is_a_decode_error_unless_the_document_allows_it(server: Server, client: CStarClient, body: bytes) -> None:
    """Most responses must have a body."""
    server.script(raw(body))
    with pytest.raises(DecodeError):
        await client.settings.get()
