"""Which subscription asks for which event, and the answers to test events.

The fake does not send events yet, and its answers say so: a test event is a failed delivery, a trigger counts who would hear of it.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from cstar_async.testing.answers import Outcome
from cstar_async.testing.call import Call
from cstar_async.testing.ids import new_id
from cstar_async.testing.world import Object


def listens(webhook: Object, event: str) -> bool:
    """Whether a subscription is switched on and asks for events of a type, by name or by a wildcard such as `ticket.*`."""
    return bool(webhook["isActive"]) and any(fnmatchcase(event, wanted) for wanted in webhook["events"])


def test_webhook(call: Call) -> Outcome:
    """The report of a delivery that could not be made."""
    webhook = call.table.get(call.path["webhookId"])
    return Outcome(
        {
            "deliveryId": new_id("whd_", call.world.random),
            "event": call.body["event"],
            "url": webhook["url"],
            "success": False,
            "status": None,
            "responseTimeMs": None,
            "error": "The fake sends no events.",
        }
    )


def trigger_test_webhooks(call: Call) -> Outcome:
    """How many subscriptions ask for the event."""
    event = str(call.body["event"])
    return Outcome({"event": event, "deliveredTo": sum(listens(webhook, event) for webhook in call.table)})
