"""Responses of the fake conform to the document."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cstar_async.testing import FakeCStar
from cstar_async.testing._data.spec import generated_document

from .conftest import Caller, Reply, calling

DOCUMENT = generated_document()


def conform(reply: Reply, operation: str) -> None:
    """Validate a response by the schemas of its operation."""
    described = DOCUMENT.operations[operation]
    assert reply.status == described.success_status
    data: dict[str, Any] = {"$ref": f"#/components/schemas/{described.result}"}
    if described.shape in ("array", "page"):
        data = {"type": "array", "minItems": 1, "items": data}
    envelope = {"$ref": "#/components/schemas/ListEnvelope" if described.shape == "page" else "#/components/schemas/Envelope"}
    schema = {"allOf": [envelope, {"properties": {"data": data}}], "components": {"schemas": DOCUMENT.components}}
    Draft202012Validator(schema).validate(reply.json)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_reads_of_a_seeded_team_conform(seed: int) -> None:
    """Every list, and every object read alone, conforms."""
    async with calling(FakeCStar(seed=seed, limits=False)) as call:
        conform(await call("GET", "/api/v1/auth/whoami"), "whoami")
        for collection, one in (("tickets", "ticket"), ("customers", "customer"), ("articles", "article"), ("members", "member")):
            reply = await call("GET", f"/{collection}?pageSize=100")
            conform(reply, f"list_{collection}")
            for row in reply.data:
                conform(await call("GET", f"/{collection}/{row['id']}"), f"get_{one}")
        conform(await call("GET", "/tickets?expand=customer"), "list_tickets")
        conform(await call("GET", "/tags"), "list_tags")
        categories = await call("GET", "/categories")
        conform(categories, "list_categories")
        conform(await call("GET", f"/categories/{categories.data[0]['id']}"), "get_category")


async def test_writes_conform(call: Caller) -> None:
    """The responses of creates, updates and deletes conform."""
    customer = await call("POST", "/customers", {"name": "A", "email": "a@b.example"})
    conform(customer, "create_customer")
    ticket = await call("POST", "/tickets", {"title": "a", "customerId": customer.data["id"], "tags": ["x"]})
    conform(ticket, "create_ticket")
    path = f"/tickets/{ticket.data['id']}"
    conform(await call("PATCH", path, {"status": "closed", "tags": []}), "update_ticket")
    conform(await call("POST", f"{path}/messages", {"content": "a"}), "create_ticket_message")
    conform(await call("GET", f"{path}/messages"), "list_ticket_messages")
    article = await call("POST", "/articles", {"title": "a", "status": "published", "content": "b"})
    conform(article, "create_article")
    category = await call("POST", "/categories", {"name": "a"})
    conform(category, "create_category")
    conform(await call("POST", "/tags", {"name": "y"}), "create_tag")
    conform(await call("PATCH", f"/customers/{customer.data['id']}", {"sentiment": None}), "update_customer")
    conform(await call("PATCH", f"/articles/{article.data['id']}", {"isPublic": True}), "update_article")
    conform(await call("PATCH", f"/categories/{category.data['id']}", {"color": "#fff"}), "update_category")
    member = (await call("GET", "/members?role=agent")).data[0]["id"]
    conform(await call("PATCH", f"/members/{member}", {"role": "admin"}), "update_member")
    for gone, operation in (
        (path, "delete_ticket"),
        (f"/customers/{customer.data['id']}", "delete_customer"),
        (f"/articles/{article.data['id']}", "delete_article"),
        (f"/categories/{category.data['id']}", "delete_category"),
        ("/tags/y", "delete_tag"),
        (f"/members/{member}", "delete_member"),
    ):
        conform(await call("DELETE", gone), operation)


async def test_batches_and_rules_conform(call: Caller) -> None:
    """The responses of batches and rules conform, with failed rows and unknown actions."""
    ticket = await call.make("/tickets", title="a")
    ids = [ticket["id"], "tkt_nobody"]
    conform(await call("POST", "/bulk", {"action": "update", "resource": "tickets", "ids": ids, "data": {}}), "run_bulk")
    records = [{"name": "A", "email": "a@b.example"}, {"name": "A"}]
    conform(await call("POST", "/import", {"resource": "customers", "records": records}), "run_import")
    conform(await call("POST", "/export", {"resources": [{"type": "tickets", "filters": None}]}), "run_export")
    conditions = {"all": [], "any": [{"field": "title", "operator": "contains", "value": "a"}]}
    rule = {"name": "a", "triggerEvent": "ticket.created", "conditions": conditions, "actions": [{"type": "new", "x": 1}]}
    created = await call("POST", "/automations", rule)
    conform(created, "create_automation")
    path = f"/automations/{created.data['id']}"
    conform(await call("GET", "/automations"), "list_automations")
    conform(await call("GET", path), "get_automation")
    conform(await call("PATCH", path, {"enabled": False, "conditions": None}), "update_automation")
    tested = {"resourceType": "ticket", "resourceId": ticket["id"]}
    conform(await call("POST", f"{path}/test", tested), "test_automation")
    conform(await call("DELETE", path), "delete_automation")


@pytest.mark.parametrize("path", ["/tickets/none", "/nothing", "/tickets?page=0"])
async def test_errors_conform(call: Caller, path: str) -> None:
    """Errors are an `ErrorEnvelope`."""
    reply = await call("GET", path)
    schema = {"$ref": "#/components/schemas/ErrorEnvelope", "components": {"schemas": DOCUMENT.components}}
    Draft202012Validator(schema).validate(reply.json)
