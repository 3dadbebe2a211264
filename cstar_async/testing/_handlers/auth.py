"""The operation that names the team of an API key."""

from __future__ import annotations

from cstar_async.testing._handlers.request import Call
from cstar_async.testing._http.responses import HandlerResult


def whoami(call: Call) -> HandlerResult:
    """Return the team and type of the key."""
    team = call.key.team
    details = {"keyType": call.key.type, "environment": call.key.environment}
    return HandlerResult({"teamId": team.id, "teamName": team.name, "teamSlug": team.slug, **details})
