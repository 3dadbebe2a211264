"""Which changes cause events, and that events conform to the document."""

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
    """Start a receiver."""
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def fake(at: Receiver) -> AsyncIterator[FakeCStar]:
    """Start a fake whose receiver is subscribed to everything."""
    async with FakeCStar(clock=FakeClock(start=1_774_583_010.044, frozen=True)) as fake, fake.client() as cstar:
        await cstar.webhooks.create(name="Bot", url=at.url, events=["*"])
        yield fake


@pytest.fixture
async def cstar(fake: FakeCStar) -> AsyncIterator[CStarClient]:
    """Open a client of the fake."""
    async with fake.client() as cstar:
        yield cstar


async def sent(fake: FakeCStar, since: int = 0) -> list[Any]:
    """Return the events sent from an index on; each is validated against the document."""
    await fake.deliveries.wait_until_idle()
    events: list[Any] = [delivery.json for delivery in fake.deliveries[since:]]
    for event in events:
        conform(event)
    return events


def conform(event: Any) -> None:
    """Validate an event strictly: a field that the schema does not name is an error."""
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
    """Return the types of the events sent."""
    return [event["type"] for event in await sent(fake, since)]


async def test_ticket_changes_are_events(fake: FakeCStar, cstar: CStarClient) -> None:
    """One change can cause several events: the general one, then the special one."""
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


async def test_an_update_has_old_and_new_values(fake: FakeCStar, cstar: CStarClient) -> None:
    """`changes` has the documented fields, in snake_case."""
    ticket = await cstar.tickets.create(title="a", tags=["x"])
    changes: dict[str, Any] = {
        "priority": "urgent",
        "title": "b",
        "tags": ["y"],
        "notes": "n",
        "custom_fields": {"planName": "team"},
    }
    await cstar.tickets.update(ticket.id, status="open", assigned_to=None, metadata={"k": "v"}, **changes)
    event = event_from_dict((await sent(fake))[1])
    assert isinstance(event, TicketUpdated)
    received = {name: (change.from_, change.to) for name, change in (event.data.changes or {}).items()}
    assert received == {
        "status": ("new", "open"),
        "priority": ("normal", "urgent"),
        "title": ("a", "b"),
        "tags": (["x"], ["y"]),
        "notes": (None, "n"),
        "custom_fields": ({}, {"planName": "team"}),
    }


async def test_an_update_without_a_difference_is_no_event(fake: FakeCStar, cstar: CStarClient) -> None:
    """An update to the same values causes no event."""
    ticket = await cstar.tickets.create(title="a")
    await cstar.tickets.update(ticket.id, title="a")
    await cstar.tickets.update(ticket.id)
    assert await types(fake) == ["ticket.created"]


async def test_a_message_comes_with_its_ticket(fake: FakeCStar, cstar: CStarClient) -> None:
    """A message event has the ticket and the sender."""
    ticket = await cstar.tickets.create(title="a")
    message = await cstar.tickets.messages.create(ticket.id, content="Hello", sender="customer", sender_name="Jane")
    event = event_from_dict((await sent(fake))[-1])
    assert isinstance(event, TicketMessageAdded)
    assert event.data.ticket is not None
    assert event.data.message is not None
    assert (event.data.ticket.id, event.data.message.id, event.data.message.ticket_id) == (ticket.id, message.id, ticket.id)
    assert (event.data.message.sender, event.data.message.sender_name, event.data.message.content) == ("customer", "Jane", "Hello")


async def test_customer_group_and_article_changes_are_events(fake: FakeCStar, cstar: CStarClient) -> None:
    """Creates, updates, publications and deletes cause events."""
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
    """A free payload has the complete object under the first part of the type; names from users are unchanged."""
    article = await cstar.articles.create(title="How to", content="So", is_public=True)
    (event,) = await sent(fake)
    received = event["data"]["article"]
    assert (received["id"], received["title"], received["is_public"], received["view_count"]) == (article.id, "How to", True, 0)
    assert not any(re.search("[A-Z]", name) for name in received)


async def test_community_changes_are_events(fake: FakeCStar, cstar: CStarClient) -> None:
    """The event of a comment has its post."""
    post = await cstar.community.posts.create(title="Dark mode", body="Please")
    comment = await cstar.community.comments.create(post.id, body="Yes!")
    await cstar.community.posts.update(post.id, status="planned")
    await cstar.community.posts.update(post.id, title="A dark mode")
    await cstar.community.posts.delete(post.id)
    events = await sent(fake)
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


async def test_preference_changes_are_events(fake: FakeCStar, cstar: CStarClient) -> None:
    """Changed preferences are those of the team; the first read is no change."""
    await cstar.preferences.get()
    await cstar.preferences.update(options=RequestOptions(extra_body={"darkMode": True}))
    (event,) = await sent(fake)
    assert (event["type"], event["data"]["team"]) == ("team.preferences_updated", {"darkMode": True})


async def test_batches_cause_one_event_per_row(fake: FakeCStar, cstar: CStarClient) -> None:
    """Bulk operations and imports cause the events of single calls; a refused row causes none."""
    ids = [(await cstar.tickets.create(title=str(number))).id for number in range(2)]
    await cstar.bulk.run(action="update", resource="tickets", ids=[*ids, "tkt_nobody"], data={"status": "closed"})
    records: list[Any] = [{"name": "A", "email": "a@b.example"}, {"name": "no address"}, {"name": "B", "email": "a@b.example"}]
    await cstar.imports.run(resource="customers", records=records, merge_strategy="update")
    await cstar.bulk.run(action="delete", resource="tickets", ids=ids)
    events = await sent(fake, since=2)
    assert [event["type"] for event in events] == [
        *("ticket.updated", "ticket.closed") * 2,
        *("customer.created", "customer.updated"),
        *("ticket.deleted", "ticket.deleted"),
    ]
    assert len({delivery.headers["x-cstar-request-id"] for delivery in fake.deliveries[2:6]}) == 1


async def test_a_replayed_call_causes_no_event(fake: FakeCStar, cstar: CStarClient) -> None:
    """A replayed response causes no further event."""
    for _ in range(2):
        await cstar.tickets.create(title="a", idempotency_key="same")
    assert await types(fake) == ["ticket.created"]


async def test_seed_data_causes_no_event(at: Receiver) -> None:
    """The initial data of a team causes no events."""
    async with FakeCStar(seed=1) as fake, fake.client() as cstar:
        await cstar.webhooks.create(name="Bot", url=at.url, events=["*"])
        await cstar.tickets.create(title="a")
        await fake.deliveries.wait_until_idle()
    assert at.types == ["ticket.created"]


async def test_ids_have_the_documented_form_and_repeat_with_the_seed(at: Receiver) -> None:
    """An event id is `evt_`, the type, milliseconds and eight characters."""
    ids = []
    for _ in range(2):
        async with FakeCStar(seed=1, clock=FakeClock(start=1_774_583_010.044, frozen=True)) as fake, fake.client() as cstar:
            await cstar.webhooks.create(name="Bot", url=at.url, events=["*"])
            await cstar.tickets.create(title="a")
            ids += [event["id"] for event in await sent(fake)]
    assert ids[0] == ids[1]
    assert re.fullmatch(r"evt_ticket_created_1774583010044_[A-Za-z0-9]{8}", ids[0])


async def test_every_type_can_be_triggered_and_conforms(fake: FakeCStar, cstar: CStarClient) -> None:
    """All test events have the parts of a real one, and the client parses them into their class."""
    for kind in DOCUMENT.events:
        result = await cstar.webhooks.trigger_test(event=kind)
        assert (result.event, result.delivered_to) == (kind, 1)
    events = await sent(fake)
    assert [event["type"] for event in events] == list(DOCUMENT.events)
    for event in events:
        assert not isinstance(event_from_dict(event), UnknownEvent)
        assert event["type"].partition(".")[0] in event["data"]
    parts = {event["type"]: set(event["data"]) for event in events if event["type"].startswith("ticket.")}
    assert parts["ticket.created"] == {"ticket", "customer"}
    assert parts["ticket.updated"] == {"ticket", "customer", "changes"}
    assert parts["ticket.message_added"] == {"ticket", "customer", "message"}


async def test_an_unknown_type_can_be_triggered(fake: FakeCStar, cstar: CStarClient) -> None:
    """The set of types is open."""
    await cstar.webhooks.trigger_test(event="rocket.launched")
    (event,) = await sent(fake)
    assert isinstance(event_from_dict(event), UnknownEvent)


@pytest.mark.parametrize("kind", ["ticket", "Ticket.created", "ticket.created\r\nX-Evil: 1", "*", "ticket.*"])
async def test_an_invalid_type_is_refused(fake: FakeCStar, cstar: CStarClient, kind: str) -> None:
    """An event type of another form is refused before it becomes a header."""
    with pytest.raises(InvalidRequestError, match="must have the form"):
        await cstar.webhooks.trigger_test(event=kind)
    with pytest.raises(InvalidRequestError, match="must have the form"):
        await cstar.webhooks.test((await cstar.webhooks.list())[0].id, event=kind)
    assert await types(fake) == []


@pytest.mark.parametrize(("status", "success", "error"), [(200, True, None), (500, False, "The receiver responded with 500.")])
async def test_a_test_event_reports_the_response(
    fake: FakeCStar, cstar: CStarClient, at: Receiver, status: int, success: bool, error: str | None
) -> None:
    """A test event is sent once, whatever the webhook is subscribed to."""
    at.statuses = [status]
    webhook = await cstar.webhooks.create(name="Other", url=at.url, events=["article.*"])
    result = await cstar.webhooks.test(webhook.id, event="ticket.created")
    (delivery,) = fake.deliveries
    assert (result.success, result.status, result.error, result.url) == (success, status, error, at.url)
    assert (result.delivery_id, result.event, result.response_time_ms) == (delivery.id, "ticket.created", 0)
    conform(orjson.loads(at.bodies[0]))
    fake.clock.advance(100_000)
    assert len(await sent(fake)) == 1


async def test_a_test_event_reports_a_missing_response(fake: FakeCStar, cstar: CStarClient) -> None:
    """The report has the reason, also for a URL of another machine."""
    results = [
        await cstar.webhooks.test((await cstar.webhooks.create(name="x", url=url, events=["*"])).id, event="ticket.closed")
        for url in ("http://127.0.0.1:1/", "https://bot.example.com/")
    ]
    assert [(result.success, result.status, result.response_time_ms) for result in results] == [(False, None, None)] * 2
    assert [result.error for result in results] == [
        "the connection failed: ClientConnectorError",
        "not sent: FakeCStar delivers to this machine only",
    ]


async def test_a_test_of_an_unknown_webhook_is_refused(cstar: CStarClient) -> None:
    """An unknown webhook is a 404."""
    with pytest.raises(NotFoundError):
        await cstar.webhooks.test("whk_nobody", event="ticket.created")


async def test_other_teams_and_environments_get_no_events(fake: FakeCStar, cstar: CStarClient) -> None:
    """Events stay in their team and environment."""
    for key in (fake.add_key(environment="live"), fake.add_key(team="other")):
        async with fake.client(api_key=key, team_id=fake.team_of(key).id) as elsewhere:
            await elsewhere.tickets.create(title="a")
    assert await types(fake) == []


def test_every_rule_is_for_a_documented_type() -> None:
    """Every rule has a documented type and an existing collection."""
    assert RULES.keys() <= DOCUMENT.events.keys()
    collections = {operation.extensions.get("collection") for operation in DOCUMENT.operations.values()}
    assert {rule.collection for rule in RULES.values()} <= collections
