"""The initial data of a team: members always, and with a seed customers, articles, tickets and more.

All values come from one `Random`, so the same seed gives the same ids and texts. All dates are before the time of the clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Final

from cstar_async.testing._data.ids import new_id
from cstar_async.testing._data.store import Database, Object
from cstar_async.testing._handlers.crud import apply_update, insert_object
from cstar_async.testing._handlers.resource_hooks import ROLE_NAMES
from cstar_async.testing.clock import timestamp

CUSTOMERS: Final = 12
TICKETS: Final = 30

_DAY_S: Final = 86_400.0
_HOUR_S: Final = 3_600.0

_MEMBERS: Final = (("Ada Brandt", "owner"), ("Bob Okafor", "agent"), ("Carla Mendes", "agent"))
_FIRST_NAMES: Final = (
    "Jane",
    "Ravi",
    "Lena",
    "Tom",
    "Aiko",
    "Marta",
    "Noah",
    "Priya",
    "Omar",
    "Ines",
    "Paul",
    "Sofia",
    "Liam",
    "Zoe",
)
_LAST_NAMES: Final = ("Smith", "Nair", "Vogel", "Okoye", "Tanaka", "Silva", "Berg", "Haddad", "Costa", "Novak", "Keller", "Moreau")
_PROBLEMS: Final = (
    ("Cannot log in to my account", "login", 'I keep getting "invalid credentials" when I try to log in.'),
    ("Invoice shows the wrong VAT number", "billing", "Our VAT number changed in March, the invoice still has the old one."),
    ("Export stops at 90 percent", "export", "The CSV export of last month stops at 90 percent, three times in a row."),
    ("How do I invite a colleague?", "onboarding", "I cannot find where to invite a second person to our team."),
    ("Webhook deliveries arrive twice", "api", "Since yesterday every delivery reaches us twice, with the same id."),
    ("Please change my e-mail address", "account", "I have a new address and would like to log in with it."),
    ("Page stays white on my phone", "bug", "After the update the start page stays white on my phone."),
)
_REPLIES: Final = ("I'll look into this for you right away.", "Could you send us a screenshot?", "This should work again. Does it?")
_CATEGORIES: Final = (
    ("Getting Started", "Beginner guides and onboarding"),
    ("Account", "Login and profile"),
    ("Billing", "Invoices and plans"),
)
_ARTICLES: Final = (
    ("How to reset your password", 1, "published"),
    ("Invite your team", 0, "published"),
    ("Your first ticket", 0, "published"),
    ("Where to find your invoices", 2, "published"),
    ("Change your plan", 2, "draft"),
    ("Two-factor authentication", 1, "archived"),
)


_TEAM_CONFIG: Final[Mapping[str, Sequence[Object]]] = MappingProxyType(
    {
        "customer_groups": (
            {"name": "Acme Corp", "description": "All employees of Acme", "externalId": "crm-4711"},
            {"name": "Design partners"},
        ),
        "custom_fields": (
            {"name": "Plan", "type": "select", "entityType": "customers", "options": ["free", "team", "enterprise"], "position": 1},
            {"name": "Browser", "type": "text", "entityType": "tickets", "position": 1},
        ),
        "sla_rules": (
            {"name": "Urgent", "priority": "urgent", "responseTarget": 30, "resolutionTarget": 240},
            {"name": "Usual", "priority": "normal", "responseTarget": 480, "resolutionTarget": 2880, "businessHoursOnly": True},
        ),
        "views": (
            {"name": "Urgent and open", "entityType": "tickets", "filters": {"status": "open", "priority": "urgent"}},
            {"name": "Enterprise", "entityType": "customers", "filters": {"tag": "enterprise"}, "visibility": "team"},
        ),
        "webhooks": ({"name": "Bot", "url": "https://bot.example.com/hooks/cstar", "events": ["ticket.*"]},),
    }
)
"""The configuration of a team, by collection."""

_POSTS: Final = (
    ("Dark mode for the widget", "The widget is very bright at night.", "planned", ("Yes, please!", "On phones, too.")),
    ("Export as a spreadsheet", "I need my tickets in a spreadsheet.", "completed", ("CSV would do.",)),
    ("How do I invite a colleague?", "I cannot find the button.", "answered", ()),
)
"""Community posts: title, text, status and comments."""


def add_members(database: Database, *, now_s: float) -> None:
    """Add the members of a team: an owner and two agents."""
    for name, role in _MEMBERS if database.has("members") else ():
        email = f"{name.split()[0].lower()}@{database.team.slug}.example"
        score = {"level": database.random.randint(1, 20), "xp": database.random.randint(0, 9_000)}
        fields = {"userId": new_id("usr_", database.random), "name": name, "email": email, "role": role}
        joined_at = timestamp(now_s - 90 * _DAY_S)
        database.insert("members", {**fields, "roleDisplayName": ROLE_NAMES[role], **score, "joinedAt": joined_at}, at=joined_at)


def add_seed_data(database: Database, *, now_s: float, rows: int | None = None) -> None:
    """Add customers, a small knowledge base, tickets of every status, some with messages, and a boss.

    Collections that the document does not have are left out, with all that depends on them. *rows* is the number of customers and
    of tickets; None: 12 and 30. The tickets are of the last 30 days.
    """
    random = database.random
    customer_count, ticket_count = (CUSTOMERS, TICKETS) if rows is None else (rows, rows)
    customers = [_add_customer(database, number, now_s) for number in range(customer_count)] if database.has("customers") else []
    if database.has("categories") and database.has("articles"):
        _add_library(database, now_s)
    agents = [member for member in database.table("members") if member["role"] == "agent"]
    for number in range(ticket_count) if customers and agents and database.has("tickets") else ():
        opened_s = now_s - (ticket_count - number) * _DAY_S * TICKETS / ticket_count + random.uniform(0, 8 * _HOUR_S)
        _add_ticket(database, random.choice(customers), agents, opened_s)
    if database.has("bosses"):
        spawned_at = timestamp(now_s - _HOUR_S)
        boss = {"name": "The Backlog", "level": 3, "currentHp": random.randint(1, 400), "maxHp": 400, "status": "active"}
        database.insert("bosses", {**boss, "spawnedAt": spawned_at, "defeatedAt": None}, at=spawned_at)
    _add_team_config(database, now_s)


def _add_team_config(database: Database, now_s: float) -> None:
    """Add the configuration of a team, and community posts."""
    at = timestamp(now_s - 30 * _DAY_S)
    for collection, bodies in _TEAM_CONFIG.items():
        for body in bodies if database.has(collection) else ():
            insert_object(database, collection, body, at=at)
    for title, text, status, comments in _POSTS if database.has("community_posts") else ():
        post = insert_object(database, "community_posts", {"title": title, "body": text, "status": status}, at=at)
        post["vote_count"] = database.random.randint(3, 90)
        for comment in comments if database.has("community_comments") else ():
            insert_object(database, "community_comments", {"body": comment}, post, at=timestamp(now_s - 20 * _DAY_S))


def _add_customer(database: Database, number: int, now_s: float) -> Object:
    random = database.random
    first, last = _FIRST_NAMES[number % len(_FIRST_NAMES)], random.choice(_LAST_NAMES)
    body = {
        "name": f"{first} {last}",
        "email": f"{first}.{last}@mail{number}.example".lower(),
        "status": "inactive" if number % 6 == 5 else "active",
        "sentiment": random.choice(("positive", "neutral", "negative")),
        "tags": random.sample(("enterprise", "trial", "design-partner", "newsletter"), k=random.randint(0, 2)),
        "customFields": {"plan": random.choice(("free", "team", "enterprise"))},
    }
    return insert_object(database, "customers", body, at=timestamp(now_s - random.uniform(40, 80) * _DAY_S))


def _add_library(database: Database, now_s: float) -> None:
    at = timestamp(now_s - 60 * _DAY_S)
    categories = [
        insert_object(
            database, "categories", {"name": name, "description": description, "sortOrder": index, "isPublic": True}, at=at
        )
        for index, (name, description) in enumerate(_CATEGORIES)
    ]
    for title, category, status in _ARTICLES:
        content = f"# {title}\n\n" + " ".join(_random_words(database.random, database.random.randint(60, 600)))
        body = {
            "title": title,
            "content": content,
            "excerpt": f"{title}, step by step.",
            "categoryId": categories[category]["id"],
            "status": status,
        }
        article = insert_object(database, "articles", {**body, "isPublic": status == "published", "tags": ["guide"]}, at=at)
        article["viewCount"], article["useCount"] = database.random.randint(0, 900), database.random.randint(0, 60)


def _add_ticket(database: Database, customer: Object, agents: Sequence[Object], opened_s: float) -> None:
    random = database.random
    title, tag, question = random.choice(_PROBLEMS)
    status = random.choice(("new", "open", "open", "pending", "resolved", "closed"))
    agent = None if status == "new" else random.choice(agents)
    body = {"title": title, "customerId": customer["id"], "priority": random.choice(("low", "normal", "normal", "high", "urgent"))}
    values = {**body, "tags": [tag], "assignedTo": agent and agent["id"], "initialMessage": question}
    ticket = insert_object(database, "tickets", values, at=timestamp(opened_s))
    message_s = opened_s
    for number in range(random.randint(1, 3) if agent is not None and database.has("messages") else 0):
        message_s += random.uniform(0.1, 4) * _HOUR_S
        by_agent = {"sender": "agent", "senderName": agent and agent["name"], "content": random.choice(_REPLIES)}
        by_customer = {"sender": "customer", "senderName": customer["name"], "content": "Thank you, I will try that."}
        insert_object(database, "messages", by_customer if number % 2 else by_agent, ticket, at=timestamp(message_s))
    apply_update(database, "tickets", ticket, {"status": status}, at=timestamp(message_s))


def _random_words(random: Random, count: int) -> list[str]:
    return random.choices(("open", "the", "settings", "and", "choose", "your", "team", "then", "save", "a", "new", "name"), k=count)
