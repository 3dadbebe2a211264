"""Which changes are told of, and that what is told is what the document says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from cstar_async import CStarClient, InvalidRequestError, NotFoundError, RequestOptions
from cstar_async.testing import FakeClock, FakeCStar
from cstar_async.testing._data.spec import generated_document
from cstar_async.testing._events.factory import RULES
from cstar_async.webhooks import TicketMessageAdded, TicketUpdated, UnknownEvent, event_from_dict

from .receiving import Receiver, receiving

FORMATS = FormatChecker(("date-time", "email", "uri"))
DOCUMENT = generated_document()


@pytest.fixture
async def at() -> AsyncIterator[Receiver]:
    """A receiver."""
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def fake(at: Receiver) -> AsyncIterator[FakeCStar]:
    """A fake that tells the receiver everything."""
    async with FakeCStar(clock=FakeClock(start=1_774_583_010.044, frozen=True)) as fake, fake.client() as cstar:
        await cstar.webhooks.create(name="Bot", url=at.url, events=["*"])
        yield fake


@pytest.fixture
async def cstar(fake: FakeCStar) -> AsyncIterator[CStarClient]:
    """A client of the fake."""
    async with fake.client() as cstar:
        yield cstar


async def heard(fake: FakeCStar, since: int = 0) -> list[Any]:
    """The events sent, from one on; each is checked against the document."""
    await fake.deliveries.wait_until_idle()
    events: list[Any] = [delivery.json for delivery in fake.deliveries[since:]]
    for event in events:
        conform(event)
    return events


def conform(event: Any) -> None:
    """Judge an event by the schema of its type, strictly: what the schema does not name must not be there."""
    data = DOCUMENT.events.get(event["type"], {"type": "object"})
    frame = {"$ref": "#/components/schemas/WebhookEvent"}
    schema = {"allOf": [frame, {"properties": {"data": data}}], "components": {"schemas": DOCUMENT.components}}
    Draft202012Validator(schema, format_checker=FORMATS).validate(event)
    named = DOCUMENT.resolved(data).get("properties")
    assert named is None or event["data"].keys() <= named.keys()
    for part, value in event["data"].items():
        fields = DOCUMENT.resolved((named or {}).get(part, {})).get("properties")
        assert fields is None or value is None or value.keys() == fields.keys()


async def types(fake: FakeCStar, since: int = 0) -> list[str]:
    """The types of the events sent."""
    return [event["type"] for event in await heard(fake, since)]


async def test_the_life_of_a_ticket_is_told(fake: FakeCStar, cstar: CStarClient) -> None:
    """One change may be several events: the general one, then the special."""
    member = (await cstar.members.list()).data[0]
    ticket = await cstar.tickets.create(title="a", initial_message="Help!")
    await cstar.tickets.messages.create(ticket.id, content="On it.")
    await cstar.tickets.update(ticket.id, assigned_to=member.id)
    await cstar.tickets.update(ticket.id, status="closed")
    await cstar.tickets.update(ticket.id, status="closed")
    await cstar.tickets.delete(ticket.id)
    assert await types(fake) == [
        "ticket.created",
        "ticket.message_added",
        "ticket.updated",
        "ticket.assigned",
        "ticket.updated",
        "ticket.closed",
        "ticket.deleted",
    ]


async def test_an_update_tells_what_was_and_what_is(fake: FakeCStar, cstar: CStarClient) -> None:
    """Of the documented fields, in snake_case."""
    ticket = await cstar.tickets.create(title="a", tags=["x"])
    changes: dict[str, Any] = {
        "priority": "urgent",
        "title": "b",
        "tags": ["y"],
        "notes": "n",
        "custom_fields": {"planName": "team"},
    }
    await cstar.tickets.update(ticket.id, status="open", assigned_to=None, metadata={"k": "v"}, **changes)
    event = event_from_dict((await heard(fake))[1])
    assert isinstance(event, TicketUpdated)
    told = {name: (change.from_, change.to) for name, change in (event.data.changes or {}).items()}
    assert told == {
        "status": ("new", "open"),
        "priority": ("normal", "urgent"),
        "title": ("a", "b"),
        "tags": (["x"], ["y"]),
        "notes": (None, "n"),
        "custom_fields": ({}, {"planName": "team"}),
    }


async def test_an_update_without_a_difference_is_none(fake: FakeCStar, cstar: CStarClient) -> None:
    """Nothing has happened."""
    ticket = await cstar.tickets.create(title="a")
    await cstar.tickets.update(ticket.id, title="a")
    await cstar.tickets.update(ticket.id)
    assert await types(fake) == ["ticket.created"]


async def test_a_message_comes_with_its_ticket(fake: FakeCStar, cstar: CStarClient) -> None:
    """And says who wrote it."""
    ticket = await cstar.tickets.create(title="a")
    message = await cstar.tickets.messages.create(ticket.id, content="Hello", sender="customer", sender_name="Jane")
    event = event_from_dict((await heard(fake))[-1])
    assert isinstance(event, TicketMessageAdded)
    assert event.data.ticket is not None
    assert event.data.message is not None
    assert (event.data.ticket.id, event.data.message.id, event.data.message.ticket_id) == (ticket.id, message.id, ticket.id)
    assert (event.data.message.sender, event.data.message.sender_name, event.data.message.content) == ("customer", "Jane", "Hello")


async def test_customers_groups_and_articles_are_told_of(fake: FakeCStar, cstar: CStarClient) -> None:
    """Made, changed, published, gone."""
    customer = await cstar.customers.create(name="Jane", email="jane@example.com")
    await cstar.customers.update(customer.id, name="Jane Doe")
    await cstar.customers.delete(customer.id)
    group = await cstar.customer_groups.create(name="Acme")
    await cstar.customer_groups.update(group.id, name="Acme Corp")
    await cstar.customer_groups.delete(group.id)
    article = await cstar.articles.create(title="How to", content="So")
    await cstar.articles.update(article.id, status="published")
    await cstar.articles.update(article.id, is_public=True)
    await cstar.articles.delete(article.id)
    await cstar.articles.create(title="At once", status="published")
    assert await types(fake) == [
        *("customer.created", "customer.updated", "customer.deleted"),
        *("customer_group.created", "customer_group.updated", "customer_group.deleted"),
        *("article.created", "article.updated", "article.published", "article.updated", "article.deleted"),
        *("article.created", "article.published"),
    ]


async def test_free_payloads_are_whole_objects_in_snake_case(fake: FakeCStar, cstar: CStarClient) -> None:
    """Keyed by the part of the type before the dot, as the oldest readers expect; names that users chose stay."""
    article = await cstar.articles.create(title="How to", content="So", is_public=True)
    (event,) = await heard(fake)
    told = event["data"]["article"]
    assert (told["id"], told["title"], told["is_public"], told["view_count"]) == (article.id, "How to", True, 0)
    assert not any(re.search("[A-Z]", name) for name in told)


async def test_the_community_is_told_of(fake: FakeCStar, cstar: CStarClient) -> None:
    """A comment comes with its post."""
    post = await cstar.community.posts.create(title="Dark mode", body="Please")
    comment = await cstar.community.comments.create(post.id, body="Yes!")
    await cstar.community.posts.update(post.id, status="planned")
    await cstar.community.posts.update(post.id, title="A dark mode")
    await cstar.community.posts.delete(post.id)
    events = await heard(fake)
    assert [event["type"] for event in events] == [
        "community_post.created",
        "community_post.commented",
        "community_post.updated",
        "community_post.status_changed",
        "community_post.updated",
        "community_post.deleted",
    ]
    assert events[1]["data"]["community_post"]["id"] == post.id
    assert events[1]["data"]["comment"]["id"] == comment.id


async def test_preferences_are_told_of(fake: FakeCStar, cstar: CStarClient) -> None:
    """As those of the team; to read them for the first time is no change."""
    await cstar.preferences.get()
    await cstar.preferences.update(options=RequestOptions(extra_body={"darkMode": True}))
    (event,) = await heard(fake)
    assert (event["type"], event["data"]["team"]) == ("team.preferences_updated", {"darkMode": True})


async def test_batches_are_told_of_row_by_row(fake: FakeCStar, cstar: CStarClient) -> None:
    """Bulk runs and imports change what single calls change; a row that is refused is no news."""
    ids = [(await cstar.tickets.create(title=str(number))).id for number in range(2)]
    await cstar.bulk.run(action="update", resource="tickets", ids=[*ids, "tkt_nobody"], data={"status": "closed"})
    records: list[Any] = [{"name": "A", "email": "a@b.example"}, {"name": "no address"}, {"name": "B", "email": "a@b.example"}]
    await cstar.imports.run(resource="customers", records=records, merge_strategy="update")
    await cstar.bulk.run(action="delete", resource="tickets", ids=ids)
    events = await heard(fake, since=2)
    assert [event["type"] for event in events] == [
        *("ticket.updated", "ticket.closed") * 2,
        *("customer.created", "customer.updated"),
        *("ticket.deleted", "ticket.deleted"),
    ]
    assert len({delivery.headers["x-cstar-request-id"] for delivery in fake.deliveries[2:6]}) == 1


async def test_a_repeated_call_is_told_of_once(fake: FakeCStar, cstar: CStarClient) -> None:
    """The answer of a replay is a stored one, and nothing has happened."""
    for _ in range(2):
        await cstar.tickets.create(title="a", idempotency_key="same")
    assert await types(fake) == ["ticket.created"]


async def test_what_a_team_begins_with_is_no_news(at: Receiver) -> None:
    """A seed tells nobody."""
    async with FakeCStar(seed=1) as fake, fake.client() as cstar:
        await cstar.webhooks.create(name="Bot", url=at.url, events=["*"])
        await cstar.tickets.create(title="a")
        await fake.deliveries.wait_until_idle()
    assert at.types == ["ticket.created"]


async def test_ids_have_the_documented_form_and_repeat_with_the_seed(at: Receiver) -> None:
    """`evt_`, the type, milliseconds, eight characters."""
    ids = []
    for _ in range(2):
        async with FakeCStar(seed=1, clock=FakeClock(start=1_774_583_010.044, frozen=True)) as fake, fake.client() as cstar:
            await cstar.webhooks.create(name="Bot", url=at.url, events=["*"])
            await cstar.tickets.create(title="a")
            ids += [event["id"] for event in await heard(fake)]
    assert ids[0] == ids[1]
    assert re.fullmatch(r"evt_ticket_created_1774583010044_[A-Za-z0-9]{8}", ids[0])


async def test_every_type_can_be_triggered_and_conforms(fake: FakeCStar, cstar: CStarClient) -> None:
    """All 35, each with the parts that it has in earnest; the client reads them with their class."""
    for kind in DOCUMENT.events:
        result = await cstar.webhooks.trigger_test(event=kind)
        assert (result.event, result.delivered_to) == (kind, 1)
    events = await heard(fake)
    assert [event["type"] for event in events] == list(DOCUMENT.events)
    assert len(events) == 35
    for event in events:
        assert not isinstance(event_from_dict(event), UnknownEvent)
        assert event["type"].partition(".")[0] in event["data"]
    parts = {event["type"]: set(event["data"]) for event in events if event["type"].startswith("ticket.")}
    assert parts["ticket.created"] == {"ticket", "customer"}
    assert parts["ticket.updated"] == {"ticket", "customer", "changes"}
    assert parts["ticket.message_added"] == {"ticket", "customer", "message"}


async def test_a_type_that_nobody_knows_can_be_triggered(fake: FakeCStar, cstar: CStarClient) -> None:
    """The set is open, and receivers must bear that."""
    await cstar.webhooks.trigger_test(event="rocket.launched")
    (event,) = await heard(fake)
    assert isinstance(event_from_dict(event), UnknownEvent)


@pytest.mark.parametrize("kind", ["ticket", "Ticket.created", "ticket.created\r\nX-Evil: 1", "*", "ticket.*"])
async def test_what_is_no_type_is_refused(fake: FakeCStar, cstar: CStarClient, kind: str) -> None:
    """Before it can become a header."""
    with pytest.raises(InvalidRequestError, match="must have the form"):
        await cstar.webhooks.trigger_test(event=kind)
    with pytest.raises(InvalidRequestError, match="must have the form"):
        await cstar.webhooks.test((await cstar.webhooks.list())[0].id, event=kind)
    assert await types(fake) == []


@pytest.mark.parametrize(("status", "success", "error"), [(200, True, None), (500, False, "The receiver responded with 500.")])
async def test_a_test_event_reports_how_the_receiver_answered(
    fake: FakeCStar, cstar: CStarClient, at: Receiver, status: int, success: bool, error: str | None
) -> None:
    """It is sent once, whatever the subscription asks for."""
    at.answers = [status]
    webhook = await cstar.webhooks.create(name="Other", url=at.url, events=["article.*"])
    result = await cstar.webhooks.test(webhook.id, event="ticket.created")
    (delivery,) = fake.deliveries
    assert (result.success, result.status, result.error, result.url) == (success, status, error, at.url)
    assert (result.delivery_id, result.event, result.response_time_ms) == (delivery.id, "ticket.created", 0)
    conform(orjson.loads(at.bodies[0]))
    fake.clock.advance(100_000)
    assert len(await heard(fake)) == 1


async def test_a_test_event_reports_that_nobody_answered(fake: FakeCStar, cstar: CStarClient) -> None:
    """With the reason, also where the fake must not send."""
    results = [
        await cstar.webhooks.test((await cstar.webhooks.create(name="x", url=url, events=["*"])).id, event="ticket.closed")
        for url in ("http://127.0.0.1:1/", "https://bot.example.com/")
    ]
    assert [(result.success, result.status, result.response_time_ms) for result in results] == [(False, None, None)] * 2
    assert [result.error for result in results] == [
        "the connection failed: ClientConnectorError",
        "not sent: FakeCStar delivers to this machine only",
    ]


async def test_a_test_of_a_webhook_that_nobody_has_is_refused(cstar: CStarClient) -> None:
    """Like any other call of it."""
    with pytest.raises(NotFoundError):
        await cstar.webhooks.test("whk_nobody", event="ticket.created")


async def test_other_teams_and_environments_hear_nothing(fake: FakeCStar, cstar: CStarClient) -> None:
    """Events stay in their database."""
    for key in (fake.add_key(environment="live"), fake.add_key(team="other")):
        async with fake.client(api_key=key, team_id=fake.team_of(key).id) as elsewhere:
            await elsewhere.tickets.create(title="a")
    assert await types(fake) == []


def test_every_rule_is_for_a_documented_type() -> None:
    """And for a collection that there is."""
    assert RULES.keys() <= DOCUMENT.events.keys()
    collections = {operation.extensions.get("collection") for operation in DOCUMENT.operations.values()}
    assert {rule.collection for rule in RULES.values()} <= collections
