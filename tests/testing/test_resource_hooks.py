"""The special rules of tickets, messages, customers, articles, categories, tags and members."""

from __future__ import annotations

from typing import Any

import pytest

from cstar_async.testing import FakeCStar

from .conftest import Caller


async def ticket_of(call: Caller, **fields: object) -> tuple[str, Any]:
    """Create a ticket; return its path and the ticket."""
    created = await call.make("/tickets", **{"title": "a", **fields})
    return f"/tickets/{created['id']}", created


# Tickets


async def test_ticket_has_the_name_of_its_customer(call: Caller) -> None:
    """A customer id in any form sets the name; the ticket has the prefixed id."""
    customer = await call.make("/customers", name="Jane", email="a@b.example")
    _, ticket = await ticket_of(call, customerId=customer["id"].removeprefix("cus_"))
    assert (ticket["customerId"], ticket["customerName"]) == (customer["id"], "Jane")


async def test_given_name_overrides_that_of_the_customer(call: Caller) -> None:
    """A name in the request is kept."""
    customer = await call.make("/customers", name="Jane", email="a@b.example")
    _, ticket = await ticket_of(call, customerId=customer["id"], customerName="J. Smith")
    assert ticket["customerName"] == "J. Smith"


async def test_unknown_customer_is_kept(call: Caller) -> None:
    """An unknown customer id is no error."""
    assert (await ticket_of(call, customerId="cus_nobody"))[1]["customerId"] == "cus_nobody"


async def test_single_ticket_includes_its_messages(call: Caller) -> None:
    """A single read includes the messages, oldest first; list, create and update do not."""
    path, ticket = await ticket_of(call)
    for content in ("first", "second"):
        await call.make(f"{path}/messages", content=content)
    assert [message["content"] for message in (await call("GET", path)).data["messages"]] == ["first", "second"]
    for rows in ([ticket], (await call("GET", "/tickets")).data, [(await call("PATCH", path, {})).data]):
        assert "messages" not in rows[0]


async def test_ticket_can_start_with_a_message(call: Caller) -> None:
    """`initialMessage` becomes the customer's first message, not a field of the ticket."""
    path, ticket = await ticket_of(call, initialMessage="Help!", customerName="Jane")
    assert ("initialMessage" in ticket, ticket["messageCount"], ticket["firstResponseAt"]) == (False, 1, None)
    message = (await call("GET", f"{path}/messages")).data[0]
    assert (message["content"], message["sender"], message["senderName"]) == ("Help!", "customer", "Jane")


async def test_null_is_no_first_message(call: Caller) -> None:
    """`initialMessage: null` creates no message."""
    assert (await ticket_of(call, initialMessage=None))[1]["messageCount"] == 0


async def test_status_dates_the_end(call: Caller, fake: FakeCStar) -> None:
    """`resolved` and `closed` set their dates once; reopening clears both."""
    path, _ = await ticket_of(call)
    resolved = (await call("PATCH", path, {"status": "resolved"})).data
    assert (resolved["resolvedAt"], resolved["closedAt"]) == (resolved["updatedAt"], None)
    fake.clock.advance(60)
    closed = (await call("PATCH", path, {"status": "closed"})).data
    assert (closed["resolvedAt"], closed["closedAt"]) == (resolved["resolvedAt"], closed["updatedAt"])
    fake.clock.advance(60)
    same = (await call("PATCH", path, {"status": "closed"})).data
    assert same["closedAt"] == closed["closedAt"]
    opened = (await call("PATCH", path, {"status": "open"})).data
    assert (opened["resolvedAt"], opened["closedAt"]) == (None, None)


async def test_ticket_can_be_created_closed(call: Caller) -> None:
    """A status at creation sets its date too."""
    ticket = (await ticket_of(call, status="closed"))[1]
    assert ticket["closedAt"] == ticket["createdAt"]


async def test_deleted_ticket_deletes_its_messages(call: Caller) -> None:
    """The messages of a deleted ticket are a 404."""
    path, _ = await ticket_of(call, initialMessage="a")
    await call("DELETE", path)
    reply = await call("GET", f"{path}/messages")
    assert (reply.status, reply.json["error"]["message"]) == (404, "Ticket not found")


# Messages


async def test_message_counts(call: Caller) -> None:
    """Every message increases the count of its ticket and sets `updatedAt`."""
    path, before = await ticket_of(call)
    call.fake.clock.advance(5)
    message = await call.make(f"{path}/messages", content="a")
    after = (await call("GET", path)).data
    assert (message["ticketId"], message["sender"], message["isInternal"]) == (before["id"], "agent", False)
    assert (after["messageCount"], after["updatedAt"]) == (1, message["createdAt"])


async def test_messages_of_other_tickets_stay_out(call: Caller) -> None:
    """A ticket lists only its own messages."""
    (first, _), (second, _) = await ticket_of(call), await ticket_of(call)
    await call.make(f"{first}/messages", content="a")
    assert (await call("GET", f"{second}/messages")).data == []


@pytest.mark.parametrize(
    ("message", "is_first_response"),
    [
        ({"sender": "agent"}, True),
        ({}, True),
        ({"sender": "customer"}, False),
        ({"sender": "system"}, False),
        ({"isInternal": True}, False),
    ],
)
async def test_first_response_is_that_of_an_agent_in_public(call: Caller, message: dict[str, Any], is_first_response: bool) -> None:
    """`firstResponseAt` is set by the first message of an agent that is not internal."""
    path, _ = await ticket_of(call)
    created = await call.make(f"{path}/messages", content="a", **message)
    assert (await call("GET", path)).data["firstResponseAt"] == (created["createdAt"] if is_first_response else None)


async def test_second_response_is_not_the_first(call: Caller, fake: FakeCStar) -> None:
    """`firstResponseAt` does not change."""
    path, _ = await ticket_of(call)
    first = await call.make(f"{path}/messages", content="a")
    fake.clock.advance(60)
    await call.make(f"{path}/messages", content="b")
    assert (await call("GET", path)).data["firstResponseAt"] == first["createdAt"]


async def test_message_of_an_unknown_ticket_is_refused(call: Caller) -> None:
    """A message of an unknown ticket is a 404."""
    assert (await call("POST", "/tickets/none/messages", {"content": "a"})).status == 404


# Customers


async def test_customer_counts_tickets(call: Caller) -> None:
    """`ticketCount` follows the tickets, in lists and single reads."""
    customer = await call.make("/customers", name="A", email="a@b.example")
    await ticket_of(call, customerId=customer["id"])
    path, _ = await ticket_of(call, customerId=customer["id"])
    assert (await call("GET", "/customers")).data[0]["ticketCount"] == 2
    await call("DELETE", path)
    assert (await call("GET", f"/customers/{customer['id']}")).data["ticketCount"] == 1


# Articles and categories


async def test_article_is_dated_when_first_published(call: Caller, fake: FakeCStar) -> None:
    """`publishedAt` is the date of the first publication."""
    article = await call.make("/articles", title="a")
    assert article["publishedAt"] is None
    path = f"/articles/{article['id']}"
    first = (await call("PATCH", path, {"status": "published"})).data["publishedAt"]
    fake.clock.advance(60)
    await call("PATCH", path, {"status": "archived"})
    assert (await call("PATCH", path, {"status": "published"})).data["publishedAt"] == first is not None


@pytest.mark.parametrize(("words", "expected"), [(0, "1 min"), (200, "1 min"), (201, "2 min")])
async def test_article_says_how_long_it_takes_to_read(call: Caller, words: int, expected: str) -> None:
    """`readTime` is one minute for 200 words, and at least one."""
    assert (await call.make("/articles", title="a", content="word " * words))["readTime"] == expected


async def test_excerpt_stays_as_given(call: Caller) -> None:
    """The server derives no excerpt."""
    assert (await call.make("/articles", title="a", content="text"))["excerpt"] is None
    assert (await call.make("/articles", title="b", excerpt="short"))["excerpt"] == "short"


async def test_deleted_category_leaves_its_articles(call: Caller) -> None:
    """Articles of a deleted category have none; others keep theirs."""
    gone, kept = [await call.make("/categories", name=name) for name in ("a", "b")]
    for category in (gone, kept):
        await call.make("/articles", title=category["name"], categoryId=category["id"])
    await call("DELETE", f"/categories/{gone['id']}")
    assert [row["categoryId"] for row in (await call("GET", "/articles")).data] == [None, kept["id"]]


# Tags


async def test_tag_comes_with_the_ticket_that_uses_it(call: Caller) -> None:
    """A new tag on a ticket is created; its count is that of the tickets."""
    path, _ = await ticket_of(call, tags=["a", "b", "a"])
    await ticket_of(call, tags=["a"])
    await call("PATCH", path, {"tags": ["a", "c"]})
    tags = {tag["name"]: tag["count"] for tag in (await call("GET", "/tags")).data}
    assert tags == {"a": 2, "b": 0, "c": 1}


async def test_tags_keep_their_case(call: Caller) -> None:
    """Tags that look like e-mail addresses are case-sensitive too."""
    await ticket_of(call, tags=["me@Home", "me@home"])
    assert {"me@Home", "me@home"} == {tag["name"] for tag in (await call("GET", "/tags")).data}


async def test_new_tag_is_unused(call: Caller) -> None:
    """A created tag has a count of 0."""
    assert await call.make("/tags", name="a") == {"object": "tag", "name": "a", "count": 0}


async def test_tag_of_the_same_name_is_a_conflict(call: Caller) -> None:
    """The name of a tag is unique."""
    await call.make("/tags", name="a")
    reply = await call("POST", "/tags", {"name": "a"})
    assert (reply.status, reply.json["error"]["param"]) == (409, "name")


async def test_used_tag_stays(call: Caller) -> None:
    """A tag can be deleted only when no ticket uses it."""
    path, _ = await ticket_of(call, tags=["a b"])
    assert (await call("DELETE", "/tags/a%20b")).code == "resource_in_use"
    await call("PATCH", path, {"tags": []})
    assert (await call("DELETE", "/tags/a%20b")).data == {"deleted": True, "id": "a b"}
    assert (await call("DELETE", "/tags/a%20b")).status == 404


# Members


async def test_team_begins_with_an_owner_and_two_agents(call: Caller) -> None:
    """A team without a seed has its members."""
    members = (await call("GET", "/members")).data
    assert [(member["role"], member["roleDisplayName"]) for member in members] == [
        ("owner", "The Guildmaster"),
        ("agent", "The Hero"),
        ("agent", "The Hero"),
    ]


async def test_title_follows_the_role(call: Caller) -> None:
    """A new role changes the title in the game."""
    member = (await call("GET", "/members?role=agent")).data[0]
    changed = (await call("PATCH", f"/members/{member['id']}", {"role": "manager"})).data
    assert (changed["role"], changed["roleDisplayName"]) == ("manager", "The Captain")


async def test_owner_cannot_be_assigned(call: Caller) -> None:
    """The role `owner` is refused."""
    member = (await call("GET", "/members?role=agent")).data[0]
    reply = await call("PATCH", f"/members/{member['id']}", {"role": "owner"})
    assert (reply.status, reply.json["error"]["param"]) == (400, "role")
