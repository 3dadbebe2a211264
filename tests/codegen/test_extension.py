"""The package of a user who has the document of cStar and overlays."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import cstar_async
from codegen.__main__ import REFUSED, main
from cstar_async.models import Tag, Ticket, TicketStatus
from cstar_async.testing import FakeCStar
from tests.codegen.packages import imported
from tests.codegen.private import COMPATIBLE, CONTRADICTING, PRIVATE, SCHEMAS, generate, overlay, update


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with private fields and endpoints."""
    return generate(tmp_path_factory.mktemp("extension"), PRIVATE)


@pytest.fixture(scope="module")
def acme(package: Path) -> Iterator[Any]:
    """The package, imported."""
    with imported(package) as module:
        yield module


def test_models_with_more_fields_are_subclasses(acme: Any) -> None:
    """Code for a ticket of cStar works with one of the package."""
    ticket = cstar_async.from_dict(acme.models.Ticket, {"id": "tkt_1", "sentiment": "good", "mood": {"id": "m", "name": "calm"}})
    assert isinstance(ticket, Ticket)
    assert (ticket.id, ticket.sentiment, ticket.mood.name, ticket.extra) == ("tkt_1", "good", "calm", {})


def test_models_that_stay_are_those_of_the_package(acme: Any) -> None:
    """They are the same classes, and the package offers all of them."""
    assert acme.models.Member is cstar_async.models.Member
    assert acme.api.list_members is cstar_async.api.list_members
    assert set(dir(acme.models)) >= set(dir(cstar_async.models)) | {"Mood", "MoodCreate"}
    assert all(getattr(acme.models, name) is not None for name in dir(acme.models))
    assert all(getattr(acme.api, name) is not None for name in dir(acme.api))


def test_new_value_of_an_enum_has_a_constant(acme: Any) -> None:
    """The class with it is a subclass, and all its constants are its own members."""
    status = acme.models.TicketStatus
    assert (status.SNOOZED, status.SNOOZED.is_known, TicketStatus("snoozed").is_known) == ("snoozed", True, False)
    assert isinstance(status.OPEN, status)
    assert issubclass(status, TicketStatus)


def test_models_convert_both_ways(acme: Any) -> None:
    """As those of cStar do: to JSON and back, and by pickle."""
    wire = {"id": "tkt_1", "title": "A", "status": "snoozed", "sentiment": "bad", "other": 1}
    ticket = cstar_async.from_dict(acme.models.Ticket, wire)
    assert (cstar_async.to_dict(ticket), type(ticket.status)) == (wire, acme.models.TicketStatus)
    assert pickle.loads(pickle.dumps(ticket)) == ticket


async def test_private_field_is_sent_and_read(acme: Any) -> None:
    """The fake server of the package stores it, and every method of the client has it."""
    async with FakeCStar(package="acme") as fake, fake.client(acme.AcmeClient) as cstar:
        created = await cstar.tickets.create(title="Cannot log in", sentiment="angry")
        assert fake.requests[-1].json == {"title": "Cannot log in", "sentiment": "angry"}
        found = [ticket.sentiment async for ticket in cstar.tickets.list()]
        assert (created.sentiment, found) == ("angry", ["angry"])


async def test_private_endpoints_are_called(acme: Any) -> None:
    """They are methods of the client, under the team."""
    async with FakeCStar(package="acme") as fake, fake.client(acme.AcmeClient) as cstar:
        mood = await cstar.moods.create(name="calm")
        assert fake.requests[-1].idempotency_key
        assert (fake.requests[-1].method, fake.requests[-1].path) == ("POST", f"/api/v1/teams/{fake.team_id}/moods")
        assert [one async for one in cstar.moods.list()] == [mood]


async def test_private_upload_is_called(acme: Any) -> None:
    """The bytes are a form of parts, whose fields the fake reads."""
    async with FakeCStar(package="acme") as fake, fake.client(acme.AcmeClient) as cstar:
        attachment = await cstar.tickets.attachments.upload("tkt_1", file=b"\x89PNG\r\n--", note="Look at this.")
        sent = fake.requests[-1]
        assert (attachment.note, sent.status, sent.path.rpartition("/")[2]) == ("Look at this.", 200, "upload")
        assert b"\x89PNG\r\n--" in sent.body
        with pytest.raises(cstar_async.InvalidRequestError, match="file"):
            await cstar.request("POST", "/tickets/tkt_1/upload", files={"other": b"x"})


async def test_endpoint_without_behaviour_returns_a_sample(acme: Any) -> None:
    """The log of requests says that nothing but the schema made it."""
    async with FakeCStar(package="acme") as fake, fake.client(acme.AcmeClient) as cstar:
        mood = await cstar.tickets.mood("tkt_1")
        assert (mood.id, mood.name, fake.requests[-1].is_sample) == ("tkt_1", "sample", True)


async def test_client_has_all_of_the_other_client(acme: Any) -> None:
    """Namespaces that stay, views, and the raw request."""
    async with FakeCStar(package="acme") as fake, fake.client(acme.AcmeClient) as cstar:
        assert isinstance(cstar, cstar_async.CStarClient)
        tag = await cstar.with_options(max_retries=0).tags.create(name="vip")
        assert isinstance(tag, Tag)
        assert (await cstar.request("GET", "/tags")).data == [cstar_async.to_dict(tag)]


async def test_drift_is_compared_with_the_own_document(acme: Any) -> None:
    """A private field is no difference there."""
    drift = cstar_async.hooks.DriftCounter()
    async with FakeCStar(package="acme") as fake, fake.client(acme.AcmeClient, hooks=[drift]) as cstar:
        await cstar.tickets.create(title="A", sentiment="calm")
    assert drift.counts == {}


@pytest.mark.no_cover
async def test_the_fake_says_what_it_cannot_serve(tmp_path: Path) -> None:
    """An action without code is a 501 with the name of the operation."""
    action = update("$.paths.*[?@.operationId=='get_tag']", {"x-cstar-action": "special"})
    special = {"target": "$.paths.*[?@.operationId=='list_moods']", "update": {"x-cstar-action": "special"}}
    with imported(generate(tmp_path, PRIVATE, overlay(special, action), name="own")) as own:
        async with FakeCStar(package="own") as fake, fake.client(own.OwnClient, max_retries=0) as cstar:
            with pytest.raises(cstar_async.ServerError, match="cannot serve list_moods") as caught:
                await cstar.moods.list()
    assert caught.value.status == 501


def test_the_fake_refuses_another_package() -> None:
    """One that has no data for it."""
    with pytest.raises(cstar_async.InvalidArgumentError, match="must be the name of a package that extends cstar_async"):
        FakeCStar(package="json")


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (update(f"{SCHEMAS}.Tag.properties.name", {"type": "integer"}), "its field `name` has another type"),
        ({"target": f"{SCHEMAS}.Tag.properties.count", "remove": True}, "it has no field `count`"),
    ],
)
def test_class_that_contradicts_is_no_subclass(
    action: Any, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A note says so, with the reason, and type checkers agree with the output."""
    package = generate(tmp_path, overlay(action), name="other")
    note = f"note: #/components/schemas/Tag: the class `Tag` is no subclass of that of cstar_async: {reason}."
    assert note in capsys.readouterr().err.splitlines()
    with imported(package):
        assert not issubclass(importlib.import_module("other.models").Tag, Tag)
    _check_types(package)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with additions of many kinds."""
    return generate(tmp_path_factory.mktemp("many"), COMPATIBLE, name="many")


@pytest.mark.no_cover
def test_additions_of_all_kinds_pass_mypy(many: Path, tmp_path: Path) -> None:
    """Whether or not they contradict the classes and methods that they extend."""
    _check_types(many)
    _check_types(generate(tmp_path, CONTRADICTING, name="contradicting"))


@pytest.mark.no_cover
def test_additions_without_contradiction_are_subclasses(many: Path) -> None:
    """All models and enums that both packages have."""
    with imported(many):
        models = importlib.import_module("many.models")
        names = [name for name in cstar_async.models.__all__ if isinstance(getattr(models, name), type)]
        assert len(names) > 100
        assert not [name for name in names if not issubclass(getattr(models, name), getattr(cstar_async.models, name))]


@pytest.mark.no_cover
async def test_results_of_other_forms(many: Path) -> None:
    """Without an envelope, outside the team, as text, and none at all."""
    with imported(many) as module:
        async with FakeCStar(package="many") as fake, fake.client(module.ManyClient) as cstar:
            assert (await cstar.health.health()).ok is True
            assert fake.requests[-1].path == "/api/health"
            assert await cstar.report.report() == "sample"
            assert await cstar.reset.reset() is None
            assert await cstar.picture.picture() == b"sample"
            assert (await cstar.survey.survey(score=5, ok=False)).ok is False
            with pytest.raises(cstar_async.InvalidRequestError, match="score") as caught:
                await cstar.survey.survey(score="many")
            assert caught.value.param == "score"
            assert (await cstar.tickets.moods.get("tkt_1")).private == "sample"


def test_notes_say_what_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An operation, the server and events are those of the package that is extended."""
    removed = {"target": "$.paths[?@.get.operationId=='list_tags']", "remove": True}
    server = update("$.servers[0]", {"url": "https://other.example.com"})
    event = update(f"{SCHEMAS}.EventTicket.properties", {"private": {"type": "string"}})
    generate(tmp_path, overlay(removed, server, event), name="stays")
    notes = capsys.readouterr().err
    assert "the client still has `tags.list`, which it inherits." in notes
    assert "#/servers: the client has the URL and version of cstar_async; pass `base_url` or `api_version` to it." in notes
    assert "events are those of cstar_async; what they have beyond is in `extra`." in notes


@pytest.mark.no_cover
async def test_overlay_of_the_page(tmp_path: Path) -> None:
    """It gives what the text says."""
    page = (Path(__file__).parents[2] / "docs/private-api.md").read_text(encoding="utf-8")
    text = page.partition("```yaml\noverlay:")[2].partition("```")[0]
    with imported(generate(tmp_path, yaml.safe_load(f"overlay:{text}"), name="described")) as module:
        async with FakeCStar(package="described") as fake, fake.client(module.DescribedClient) as cstar:
            created = await cstar.tickets.create(title="A")
            assert (await cstar.tickets.get(created.id)).sentiment is None
            assert await cstar.moods.get("mood_1") == {}
            assert fake.requests[-1].path.endswith("/moods/mood_1")


CALLER = """
from typing import assert_type
from cstar_async import CStarClient, Page, Paginator, models
from cstar_async.testing import FakeCStar
import acme.models
from acme import AcmeClient

def subject(ticket: models.Ticket) -> str: return ticket.title
async def titles(tickets: Paginator[models.Ticket]) -> list[str]: return [one.title async for one in tickets]
def first(page: Page[models.Ticket]) -> models.Ticket: return page[0]
async def close(client: CStarClient) -> None: await client.tickets.update("tkt_1", status="closed")

async def main() -> None:
    async with FakeCStar(package="acme") as fake, fake.client(AcmeClient) as cstar:
        ticket = await cstar.tickets.create(title="A", sentiment="bad", status=acme.models.TicketStatus.SNOOZED)
        assert_type(ticket, acme.models.Ticket)
        assert_type(ticket.sentiment, str | None)
        assert_type(ticket.status, acme.models.TicketStatus)
        subject(ticket)
        await close(cstar)
        await titles(cstar.tickets.list())
        first(await cstar.tickets.list())
        async for one in cstar.tickets.list():
            assert_type(one, acme.models.Ticket)
        assert_type(await cstar.moods.create(name="calm"), acme.models.Mood)
        assert_type(await cstar.members.get("mem_1"), models.Member)
        await cstar.tickets.create(title="A", sentiment=1)  # type: ignore[arg-type]
"""


def _check_types(package: Path, *more: str) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", package.name, *more]
    run = subprocess.run(command, cwd=package.parent, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_package_and_its_callers_pass_mypy(package: Path) -> None:
    """In strict mode: callers see private fields, and functions for models of cStar take those of the package."""
    (package.parent / "caller.py").write_text(CALLER, encoding="utf-8")
    _check_types(package, "caller.py")


@pytest.mark.no_cover
def test_output_does_not_depend_on_the_run(package: Path, tmp_path: Path) -> None:
    """A second run writes the same bytes."""
    again = generate(tmp_path, PRIVATE)
    files = [path.relative_to(package) for path in sorted(package.rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    assert files
    assert [(again / name).read_bytes() for name in files] == [(package / name).read_bytes() for name in files]


def test_package_has_only_what_differs(package: Path) -> None:
    """The rest is imported from `cstar_async`."""
    assert not (package / "models" / "members.py").exists()
    assert not (package / "api" / "members.py").exists()


def test_overlay_that_cannot_be_read_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its file; nothing is written."""
    missing = tmp_path / "missing.yaml"
    assert REFUSED == main(["--overlay", str(missing), "--output", str(tmp_path / "none")])
    assert capsys.readouterr().err == "missing.yaml: the document cannot be read: No such file or directory.\n"
    assert not (tmp_path / "none").exists()
