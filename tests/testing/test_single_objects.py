"""Settings, preferences and the boss: collections of one object; and paths of which only the name is known."""

from __future__ import annotations

import pytest

from cstar_async import ConfigurationError, PermissionDeniedError, RequestOptions
from cstar_async.models import BossStatus
from cstar_async.testing import FakeCStar
from cstar_async.testing._data.spec import FakeOperation, generated_document

from .conftest import Caller, calling

FREE = [operation for operation in generated_document().operations.values() if operation.evidence == "named"]
"""What is known by name only."""


async def test_settings_begin_with_the_name_of_the_team(call: Caller) -> None:
    """Nobody has to make them."""
    assert (await call("GET", "/settings")).data == {"object": "settings", "teamName": "Acme Corp", "teamSlug": "acme"}


async def test_settings_keep_what_is_changed(call: Caller) -> None:
    """A known and an unknown key are stored and read back; what was not sent stays."""
    changed = (await call("PATCH", "/settings", {"teamName": "Acme Support", "widget": {"color": "#0ea5e9"}})).data
    expected = {"object": "settings", "teamName": "Acme Support", "teamSlug": "acme", "widget": {"color": "#0ea5e9"}}
    assert (changed, (await call("GET", "/settings")).data) == (expected, expected)


async def test_known_fields_that_nobody_may_send_stay(call: Caller) -> None:
    """The slug and the type tag are fields of the answer and none of the request, so sending them changes nothing."""
    changed = await call("PATCH", "/settings", {"teamSlug": "other", "object": "ticket"})
    assert (changed.status, changed.data["teamSlug"], changed.data["object"]) == (200, "acme", "settings")


async def test_known_field_of_an_open_body_is_checked(call: Caller) -> None:
    """That other keys are free does not make a wrong one right."""
    reply = await call("PATCH", "/settings", {"teamName": 5})
    assert (reply.status, reply.code, reply.json["error"]["param"]) == (400, "parameter_invalid", "teamName")


async def test_preferences_begin_empty_and_keep_any_key(call: Caller) -> None:
    """There is nothing in them until somebody puts it there; two changes add up."""
    assert (await call("GET", "/preferences")).data == {}
    await call("PATCH", "/preferences", {"theme": "dark"})
    await call("PATCH", "/preferences", {"mail": {"daily": True}})
    assert (await call("GET", "/preferences")).data == {"theme": "dark", "mail": {"daily": True}}


async def test_teams_have_settings_of_their_own(call: Caller, fake: FakeCStar) -> None:
    """What one team sets, another does not see."""
    other = fake.add_key(team="other")
    await call("PATCH", "/settings", {"teamName": "Renamed"})
    reply = await call("GET", f"/api/v1/teams/{fake.team_of(other).id}/settings", key=other)
    assert reply.data["teamName"] == "Other"


async def test_settings_need_a_secret_key_to_be_read(call: Caller, fake: FakeCStar) -> None:
    """The documented failure of publishable keys."""
    reply = await call("GET", "/settings", key=fake.publishable_key)
    assert (reply.status, reply.code) == (403, "insufficient_permissions")


async def test_client_with_a_publishable_key_hears_the_refusal() -> None:
    """A read is left to the server to refuse, a write is not even sent."""
    async with FakeCStar() as fake, fake.client(api_key=fake.publishable_key) as cstar:
        with pytest.raises(PermissionDeniedError):
            await cstar.settings.get()
        with pytest.raises(ConfigurationError):
            await cstar.preferences.update(options=RequestOptions(extra_body={"theme": "dark"}))


async def test_settings_through_the_client() -> None:
    """Known keys are arguments and attributes, others go and come by `extra_body` and `extra`."""
    async with FakeCStar() as fake, fake.client() as cstar:
        await cstar.settings.update(team_name="Acme Support", options=RequestOptions(extra_body={"statuses": ["new"]}))
        settings = await cstar.settings.get()
        assert (settings.team_name, settings.extra) == ("Acme Support", {"statuses": ["new"]})


async def test_empty_team_has_no_boss(call: Caller) -> None:
    """Where none is out the answer is null."""
    reply = await call("GET", "/game/boss")
    assert (reply.status, reply.data) == (200, None)


async def test_seeded_team_has_a_boss() -> None:
    """With a seed one is out, and stays the same for everybody who asks."""
    async with FakeCStar(seed=1) as fake, fake.client() as cstar:
        boss = await cstar.game.boss()
        assert boss is not None
        assert (boss.status, boss.defeated_at) == (BossStatus.ACTIVE, None)
        assert await cstar.game.boss() == boss


def test_everything_known_by_name_only_has_a_sample() -> None:
    """No path is left without an answer for want of a description, and none is described all the same."""
    assert FREE
    action = "fake-response"
    assert {(one.result, one.extensions.get("action"), action in one.extensions) for one in FREE} == {(None, action, True)}


@pytest.mark.parametrize("operation", FREE, ids=lambda operation: operation.id)
async def test_sample_is_what_the_document_says(call: Caller, operation: FakeOperation) -> None:
    """The answer is the document's sample, of the promised kind and with something in it."""
    reply = await call(operation.method, operation.path.replace("{teamId}", call.fake.team_id))
    assert reply.data == operation.extensions["fake-response"]
    assert reply.data
    assert isinstance(reply.data, list if operation.shape == "array" else dict)


async def test_sample_needs_a_secret_key() -> None:
    """What is known by name is read like what is known in full: with the key that the document names."""
    async with calling(FakeCStar()) as call:
        assert (await call("GET", "/activity", key=call.fake.publishable_key)).status == 403
