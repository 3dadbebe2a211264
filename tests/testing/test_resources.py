"""The special rules of further resources, seen through the client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from cstar_async import ConflictError, CStarClient, InvalidRequestError, PermissionDeniedError
from cstar_async.testing import FakeCStar


@pytest.fixture
async def fake() -> AsyncIterator[FakeCStar]:
    """Start a fake without tickets."""
    async with FakeCStar() as fake:
        yield fake


@pytest.fixture
async def cstar(fake: FakeCStar) -> AsyncIterator[CStarClient]:
    """Open a client of the fake."""
    async with fake.client() as client:
        yield client


async def test_secret_of_a_webhook_is_shown_once(cstar: CStarClient) -> None:
    """Only the response of the create has the secret."""
    created = await cstar.webhooks.create(name="Bot", url="https://bot.example.com/hook", events=["ticket.*"])
    later = [
        await cstar.webhooks.get(created.id),
        await cstar.webhooks.update(created.id, is_active=False),
        *await cstar.webhooks.list(),
    ]

    assert (created.secret or "").startswith("whsec_")
    assert [None, None, None] == [webhook.secret for webhook in later]


@pytest.mark.parametrize(("events", "expected"), [(["ticket.*"], 1), (["ticket.created"], 1), (["customer.*"], 0), (["*"], 1)])
async def test_test_event_goes_to_subscribed_webhooks(cstar: CStarClient, events: list[str], expected: int) -> None:
    """A webhook is subscribed by type or wildcard, and while it is active."""
    on = {"url": "http://127.0.0.1:1/hook", "events": events}
    await cstar.webhooks.create(name="On", **on)  # type: ignore[arg-type]
    off = await cstar.webhooks.create(name="Off", **on)  # type: ignore[arg-type]
    await cstar.webhooks.update(off.id, is_active=False)

    assert expected == (await cstar.webhooks.trigger_test(event="ticket.created")).delivered_to


async def test_list_of_webhooks_is_filtered_by_activity(cstar: CStarClient) -> None:
    """The filter is active, inactive or both."""
    created = await cstar.webhooks.create(name="Bot", url="https://bot.example.com/hook", events=["*"])
    await cstar.webhooks.update(created.id, is_active=False)

    assert [1, 0, 1] == [
        len(await cstar.webhooks.list(active=False)),
        len(await cstar.webhooks.list(active=True)),
        len(await cstar.webhooks.list()),
    ]


async def test_view_has_its_filters_and_its_order(cstar: CStarClient) -> None:
    """A view returns the same as the list with its filters."""
    for title in ("b", "c", "a"):
        await cstar.tickets.create(title=title, priority="urgent")
    await cstar.tickets.create(title="d", priority="low")
    view = await cstar.views.create(
        name="Urgent", entity_type="tickets", filters={"priority": "urgent"}, sort_field="title", sort_direction="desc"
    )

    assert ["c", "b", "a"] == [ticket.title async for ticket in cstar.views.tickets(view.id)]


@pytest.mark.parametrize("field", ["metadata", "tags", "assignedTo", "nothing"])
async def test_view_can_be_sorted_by_any_field(cstar: CStarClient, field: str) -> None:
    """Also by a field with values that have no order, are missing, or that tickets do not have."""
    for title in ("b", "a"):
        await cstar.tickets.create(title=title, tags=[title], metadata={"is": title})
    view = await cstar.views.create(name="Any", entity_type="tickets", sort_field=field)

    assert {"a", "b"} == {ticket.title async for ticket in cstar.views.tickets(view.id)}


async def test_view_of_other_objects_finds_no_tickets(cstar: CStarClient) -> None:
    """The tickets of such a view are empty (not documented)."""
    await cstar.tickets.create(title="a")
    view = await cstar.views.create(name="Customers", entity_type="customers")

    assert [] == await cstar.views.tickets(view.id).collect()


async def test_search_finds_tickets_customers_and_articles(cstar: CStarClient) -> None:
    """An object must contain all words, ignoring case."""
    await cstar.tickets.create(title="The printer is on fire")
    await cstar.customers.create(name="Fire Brigade", email="fire@example.com")
    await cstar.articles.create(title="What to do in case of FIRE", content="Run.")
    await cstar.tickets.create(title="Nothing of the kind")

    found = await cstar.search.query(q="fire")
    assert {"ticket", "customer", "article"} == {one.type for one in found}
    assert ["article"] == [one.type for one in await cstar.search.query(q="fire case", types=["articles", "tickets"])]
    assert 2 == len(await cstar.search.query(q="fire", limit=2))


async def test_search_without_words_is_refused(cstar: CStarClient) -> None:
    """The parameter `q` is required."""
    with pytest.raises(InvalidRequestError):
        await cstar.search.query(q="")


async def test_search_of_no_type_is_refused(cstar: CStarClient) -> None:
    """An empty list of types is an empty str on the wire, which is no type."""
    with pytest.raises(InvalidRequestError):
        await cstar.search.query(q="fire", types=[])


async def test_every_write_leaves_an_entry_in_the_audit_log(cstar: CStarClient) -> None:
    """Entries have action and object, newest first."""
    ticket = await cstar.tickets.create(title="a")
    await cstar.tickets.update(ticket.id, status="open")
    await cstar.tickets.delete(ticket.id)
    entries = await cstar.audit_log.list(resource_type="ticket").collect()

    assert ["ticket.deleted", "ticket.updated", "ticket.created"] == [entry.action for entry in entries]
    assert {ticket.id} == {entry.resource_id for entry in entries}
    assert ["ticket.updated"] == [entry.action async for entry in cstar.audit_log.list(action="ticket.updated")]


async def test_audit_log_is_filtered_by_time(fake: FakeCStar, cstar: CStarClient) -> None:
    """Both ends of the range are included."""
    await cstar.tags.create(name="old")
    fake.clock.advance(3600)
    since = fake.clock.now() - timedelta(minutes=1)
    await cstar.tags.create(name="new")

    assert 1 == len(await cstar.audit_log.list(start_date=since))
    assert 1 == len(await cstar.audit_log.list(end_date=since))


async def test_refused_writes_and_reads_leave_no_entry(cstar: CStarClient) -> None:
    """Only successful writes have an entry."""
    await cstar.tickets.list()
    with pytest.raises(InvalidRequestError):
        await cstar.tickets.create(title="")

    assert 0 == len(await cstar.audit_log.list())


async def test_assignment_is_a_notification_that_can_be_read(cstar: CStarClient) -> None:
    """Each new assignment creates one notification."""
    first = await cstar.tickets.create(title="a", assigned_to="mem_1")
    await cstar.tickets.update(first.id, status="open")
    await cstar.tickets.update(first.id, assigned_to="mem_2")
    notifications = await cstar.notifications.list().collect()
    assert ["ticket_assigned", "ticket_assigned"] == [one.type for one in notifications]

    await cstar.notifications.mark_read(notifications[0].id, read=True)
    assert (1, 1) == ((await cstar.notifications.unread_count()).count, len(await cstar.notifications.list(unread_only=True)))
    assert 1 == (await cstar.notifications.mark_all_read()).updated
    assert 0 == (await cstar.notifications.unread_count()).count


async def test_notification_is_marked_read_by_default(cstar: CStarClient) -> None:
    """The body has a default."""
    await cstar.tickets.create(title="a", assigned_to="mem_1")
    notification = (await cstar.notifications.list()).data[0]

    assert True is (await cstar.notifications.mark_read(notification.id)).read
    assert False is (await cstar.notifications.mark_read(notification.id, read=False)).read


async def test_comments_are_counted_and_go_with_their_post(cstar: CStarClient) -> None:
    """Comments are listed oldest first, counted, and deleted with their post."""
    post = await cstar.community.posts.create(title="Dark mode", body="Please.")
    for text in ("Yes!", "Me too."):
        await cstar.community.comments.create(post.id, body=text)

    assert 2 == (await cstar.community.posts.get(post.id)).comment_count
    assert ["Yes!", "Me too."] == [comment.body for comment in await cstar.community.comments.list(post.id)]


async def test_locked_post_accepts_no_comments(cstar: CStarClient) -> None:
    """The status is inferred."""
    post = await cstar.community.posts.create(title="Dark mode", body="Please.")
    await cstar.community.posts.update(post.id, is_locked=True)

    with pytest.raises(ConflictError):
        await cstar.community.comments.create(post.id, body="Too late.")


async def test_posts_are_sorted_as_asked(cstar: CStarClient) -> None:
    """Community posts can be sorted in several orders."""
    posts = [await cstar.community.posts.create(title=title, body="x") for title in ("a", "b")]
    await cstar.community.comments.create(posts[0].id, body="First!")

    assert ["a", "b"] == [post.title for post in await cstar.community.posts.list(sort="comments")]


@pytest.mark.parametrize("role", ["owner", ""])
async def test_owner_role_cannot_be_assigned(cstar: CStarClient, role: str) -> None:
    """The role `owner` is refused."""
    with pytest.raises(InvalidRequestError):
        await cstar.invites.create(email="new@example.com", role=role)


async def test_fake_responses_are_marked(fake: FakeCStar, cstar: CStarClient) -> None:
    """The log entry of a fake response has `is_sample`."""
    await cstar.analytics.overview()
    await cstar.game.player(user_id="usr_1")
    await cstar.ai.run(action="improve", text="hello")
    await cstar.billing.portal()
    await cstar.tickets.list()

    assert [True, True, True, True, False] == [request.is_sample for request in fake.requests]


@pytest.mark.parametrize("namespace", ["webhooks", "audit_log", "invites"])
async def test_publishable_key_may_not_read_everything(fake: FakeCStar, namespace: str) -> None:
    """Some reads need a secret key (partly documented, partly inferred)."""
    async with fake.client(api_key=fake.publishable_key) as cstar:
        with pytest.raises(PermissionDeniedError):
            await getattr(cstar, namespace).list()


async def test_slugs_and_keys_are_made_from_names(cstar: CStarClient) -> None:
    """A missing slug or key is derived from the name."""
    group = await cstar.customer_groups.create(name="Acme Corp")
    field = await cstar.custom_fields.create(name="Favourite colour", type="text", entity_type="customers", options_=None)

    assert ("acme-corp", "favourite-colour") == (group.slug, field.key)


async def test_seeded_team_has_something_of_everything() -> None:
    """Every list of a seeded team has rows."""
    async with FakeCStar(seed=7) as fake, fake.client() as cstar:
        lists = [cstar.customer_groups.list(), cstar.community.posts.list(), cstar.notifications.list()]
        unpaginated = [cstar.custom_fields.list(), cstar.sla.rules.list(), cstar.views.list(), cstar.webhooks.list()]

        assert all([*[len(await one) for one in lists], *[len(await one) for one in unpaginated]])
