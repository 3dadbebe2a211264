"""Singletons (settings, preferences, the boss), and operations with fake responses."""

from __future__ import annotations

import pytest

from cstar_async import ConfigurationError, PermissionDeniedError, RequestOptions
from cstar_async.models import BossStatus
from cstar_async.testing import FakeCStar
from cstar_async.testing._data.spec import FakeOperation, generated_document

from .conftest import Caller, calling

FREE = [operation for operation in generated_document().operations.values() if operation.evidence == "named"]
"""The operations with fake responses."""


async def test_settings_begin_with_the_name_of_the_team(call: Caller) -> None:
    """Settings exist without a create."""
    assert (await call("GET", "/settings")).data == {"object": "settings", "teamName": "Acme Corp", "teamSlug": "acme"}


async def test_settings_keep_what_is_changed(call: Caller) -> None:
    """Known and unknown keys are stored; other keys stay."""
    changed = (await call("PATCH", "/settings", {"teamName": "Acme Support", "widget": {"color": "#0ea5e9"}})).data
    expected = {"object": "settings", "teamName": "Acme Support", "teamSlug": "acme", "widget": {"color": "#0ea5e9"}}
    assert (changed, (await call("GET", "/settings")).data) == (expected, expected)


async def test_read_only_fields_stay(call: Caller) -> None:
    """The slug and the type tag are not fields of the request, so sending them changes nothing."""
    changed = await call("PATCH", "/settings", {"teamSlug": "other", "object": "ticket"})
    assert (changed.status, changed.data["teamSlug"], changed.data["object"]) == (200, "acme", "settings")


async def test_known_field_of_an_open_body_is_validated(call: Caller) -> None:
    """A body with extra fields is still validated."""
    reply = await call("PATCH", "/settings", {"teamName": 5})
    assert (reply.status, reply.code, reply.json["error"]["param"]) == (400, "parameter_invalid", "teamName")


async def test_preferences_begin_empty_and_keep_any_key(call: Caller) -> None:
    """Preferences start empty, and two updates add up."""
    assert (await call("GET", "/preferences")).data == {}
    await call("PATCH", "/preferences", {"theme": "dark"})
    await call("PATCH", "/preferences", {"mail": {"daily": True}})
    assert (await call("GET", "/preferences")).data == {"theme": "dark", "mail": {"daily": True}}


async def test_teams_have_settings_of_their_own(call: Caller, fake: FakeCStar) -> None:
    """Each team has its own settings."""
    other = fake.add_key(team="other")
    await call("PATCH", "/settings", {"teamName": "Renamed"})
    reply = await call("GET", f"/api/v1/teams/{fake.team_of(other).id}/settings", key=other)
    assert reply.data["teamName"] == "Other"


async def test_settings_need_a_secret_key_to_be_read(call: Caller, fake: FakeCStar) -> None:
    """Reading them with a publishable key is the documented error."""
    reply = await call("GET", "/settings", key=fake.publishable_key)
    assert (reply.status, reply.code) == (403, "insufficient_permissions")


async def test_client_with_a_publishable_key_gets_the_error() -> None:
    """The server refuses a read, the client refuses a write before sending it."""
    async with FakeCStar() as fake, fake.client(api_key=fake.publishable_key) as cstar:
        with pytest.raises(PermissionDeniedError):
            await cstar.settings.get()
        with pytest.raises(ConfigurationError):
            await cstar.preferences.update(options=RequestOptions(extra_body={"theme": "dark"}))


async def test_settings_through_the_client() -> None:
    """Known keys are arguments and attributes, others are in `extra_body` and `extra`."""
    async with FakeCStar() as fake, fake.client() as cstar:
        await cstar.settings.update(team_name="Acme Support", options=RequestOptions(extra_body={"statuses": ["new"]}))
        settings = await cstar.settings.get()
        assert (settings.team_name, settings.extra) == ("Acme Support", {"statuses": ["new"]})


async def test_empty_team_has_no_boss(call: Caller) -> None:
    """Without a boss the response is null."""
    reply = await call("GET", "/game/boss")
    assert (reply.status, reply.data) == (200, None)


async def test_seeded_team_has_a_boss() -> None:
    """A seeded team has a boss, which is the same in every read."""
    async with FakeCStar(seed=1) as fake, fake.client() as cstar:
        boss = await cstar.game.boss()
        assert boss is not None
        assert (boss.status, boss.defeated_at) == (BossStatus.ACTIVE, None)
        assert await cstar.game.boss() == boss


def test_every_undescribed_operation_has_a_fake_response() -> None:
    """Every operation without a described response has a fake one, and no description."""
    assert FREE
    action = "fake-response"
    assert {(one.result, one.extensions.get("action"), action in one.extensions) for one in FREE} == {(None, action, True)}


@pytest.mark.parametrize("operation", FREE, ids=lambda operation: operation.id)
async def test_fake_response_is_that_of_the_document(call: Caller, operation: FakeOperation) -> None:
    """The response is the document's, of the promised type and not empty."""
    reply = await call(operation.method, operation.path.replace("{teamId}", call.fake.team_id))
    assert reply.data == operation.extensions["fake-response"]
    assert reply.data
    assert isinstance(reply.data, list if operation.shape == "array" else dict)


async def test_fake_response_needs_the_documented_key() -> None:
    """Operations with fake responses check the key like all others."""
    async with calling(FakeCStar()) as call:
        assert (await call("GET", "/activity", key=call.fake.publishable_key)).status == 403
