"""API keys: which are accepted, and what each may do."""

from __future__ import annotations

import re

import pytest

from cstar_async.testing import FakeCStar

from .conftest import Caller, calling


def test_keys_have_the_documented_form() -> None:
    """Keys are a prefix and 32 base64url characters, of the test environment."""
    fake = FakeCStar()
    assert re.fullmatch(r"sk_test_[A-Za-z0-9_-]{32}", fake.secret_key)
    assert re.fullmatch(r"pk_test_[A-Za-z0-9_-]{32}", fake.publishable_key)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({}, "authentication_required"),
        ({"Authorization": "Bearer"}, "authentication_required"),
        ({"Authorization": "Basic c2s6"}, "authentication_required"),
        ({"Authorization": "Bearer abc"}, "invalid_key_format"),
        ({"Authorization": "Bearer sk_test_unknown"}, "invalid_api_key"),
    ],
)
async def test_bad_key_is_refused(call: Caller, header: dict[str, str], code: str) -> None:
    """No key, a malformed header, a wrong prefix and an unknown key are 401 with the documented codes."""
    reply = await call("GET", "/tickets", key=None, headers=header)
    assert (reply.status, reply.code, reply.json["error"]["type"]) == (401, code, "authentication_error")


async def test_scheme_ignores_case(call: Caller, fake: FakeCStar) -> None:
    """The scheme `bearer` is accepted in lower case, as HTTP says."""
    reply = await call("GET", "/tickets", key=None, headers={"Authorization": f"bearer {fake.secret_key}"})
    assert reply.status == 200


async def test_expired_key_is_refused(call: Caller, fake: FakeCStar) -> None:
    """A key expires by the fake's clock."""
    key = fake.add_key(expires_in=60)
    assert (await call("GET", "/tickets", key=key)).status == 200
    fake.clock.advance(60)
    assert (await call("GET", "/tickets", key=key)).code == "key_expired"


async def test_revoked_key_is_unknown(call: Caller, fake: FakeCStar) -> None:
    """A revoked key is refused like an unknown one."""
    fake.revoke_key(fake.secret_key)
    assert (await call("GET", "/tickets")).code == "invalid_api_key"


async def test_publishable_key_reads(call: Caller, fake: FakeCStar) -> None:
    """A publishable key can call reads that need no secret key."""
    assert (await call("GET", "/tickets", key=fake.publishable_key)).status == 200


async def test_publishable_key_cannot_write(call: Caller, fake: FakeCStar) -> None:
    """A write with a publishable key is 403 `publishable_key_write`."""
    reply = await call("POST", "/tickets", {"title": "a"}, key=fake.publishable_key)
    assert (reply.status, reply.code, reply.json["error"]["type"]) == (403, "publishable_key_write", "authentication_error")


async def test_publishable_key_is_refused_where_secret_is_required(call: Caller, fake: FakeCStar) -> None:
    """A read that needs a secret key is 403 `insufficient_permissions` for a publishable key."""
    reply = await call("GET", "/members", key=fake.publishable_key)
    assert (reply.status, reply.code, reply.json["error"]["type"]) == (403, "insufficient_permissions", "authorization_error")


async def test_other_team_is_refused(call: Caller) -> None:
    """A key gives access to its own team only."""
    reply = await call("GET", "/api/v1/teams/other/tickets")
    assert (reply.status, reply.code) == (403, "team_access_denied")


async def test_whoami_returns_the_key_type(call: Caller, fake: FakeCStar) -> None:
    """Whoami returns the team, type and environment of the key."""
    reply = await call("GET", "/api/v1/auth/whoami", key=fake.publishable_key)
    team = fake.team_of(fake.publishable_key)
    names = {"teamId": fake.team_id, "teamName": team.name, "teamSlug": team.slug}
    assert reply.data == {**names, "keyType": "publishable", "environment": "test"}


async def test_teams_are_separate(call: Caller, fake: FakeCStar) -> None:
    """A team does not see the data of another one."""
    await call.make("/tickets", title="ours")
    key = fake.add_key(team="other-team")
    other = fake.team_of(key)
    assert (other.name, other.id != fake.team_id) == ("Other Team", True)
    assert (await call("GET", f"/api/v1/teams/{other.id}/tickets", key=key)).data == []


async def test_environments_are_separate(call: Caller, fake: FakeCStar) -> None:
    """A live key does not see the data of the test environment."""
    await call.make("/tickets", title="test")
    key = fake.add_key(environment="live")
    assert key.startswith("sk_live_")
    assert (await call("GET", "/tickets", key=key)).data == []


async def test_second_key_of_a_team_sees_the_same(call: Caller, fake: FakeCStar) -> None:
    """Keys of one team and environment share its data."""
    await call.make("/tickets", title="ours")
    first, second = fake.add_key(team="two"), fake.add_key("publishable", team="two")
    assert fake.team_of(first) == fake.team_of(second)
    assert len((await call("GET", "/tickets", key=fake.add_key("publishable"))).data) == 1


async def test_keys_of_two_seeds_differ() -> None:
    """Fakes of different seeds have different keys, those of one seed the same."""
    assert FakeCStar(seed=1).secret_key == FakeCStar(seed=1).secret_key != FakeCStar(seed=2).secret_key


async def test_seed_fills_only_the_own_team() -> None:
    """A seed fills the fake's own team; another one has only its members."""
    fake = FakeCStar(seed=1)
    async with calling(fake) as call:
        key = fake.add_key(team="other")
        team = fake.team_of(key).id
        assert (await call("GET", f"/api/v1/teams/{team}/tickets", key=key)).data == []
        assert len((await call("GET", f"/api/v1/teams/{team}/members", key=key)).data) == 3
