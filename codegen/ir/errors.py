"""Which errors a function raises and when: the document's answers by the class of their status, and what the client adds."""

from __future__ import annotations

from codegen import naming as names
from codegen.ir.docstrings import described, sentence
from codegen.ir.operations import LimitView, limits_of, own_parameters
from codegen.spec.document import Document, Operation, child_pointer

ERRORS = {
    "400": "InvalidRequestError",
    "401": "AuthenticationError",
    "403": "PermissionDeniedError",
    "404": "NotFoundError",
    "409": "ConflictError",
    "422": "InvalidRequestError",
    "429": "RateLimitError",
}
"""The error class of each status that has one of its own."""


def error_for(status: str) -> str:
    """The error class of a status as the document writes it."""
    return ERRORS.get(status, "ServerError" if status.startswith("5") else "APIError")


def raises(document: Document, operation: Operation, *, is_paged: bool, has_limits: bool = True) -> list[tuple[str, str]]:
    """Error classes and when each is raised: before sending, by the answers, by the way there and back."""
    limits = limits_of(document, operation) if has_limits else []
    return [*_before_sending(operation, limits), *_by_answers(document, operation), *_on_the_way(is_paged=is_paged)]


def _before_sending(operation: Operation, limits: list[LimitView]) -> list[tuple[str, str]]:
    has_ids = any(parameter.location == "path" for parameter in own_parameters(operation))
    refused = [
        *(["an id is empty, `.` or `..`"] if has_ids else []),
        *(_exceeded(limit) for limit in limits),
        *(["the body holds what JSON cannot"] if "requestBody" in operation.node else []),
    ]
    found = [("InvalidArgumentError", sentence(f"Before anything is sent: {', or '.join(refused)}"))] if refused else []
    if operation.node["x-cstar-key"] == "secret" and operation.method != "get":
        found.append(("ConfigurationError", "Before anything is sent: the client has a publishable key, which may not write."))
    return found


def _exceeded(limit: LimitView) -> str:
    circumstance = "" if limit.condition is None else f" while `{names.attribute(limit.condition[0])}` is `{limit.condition[1]}`"
    return (
        f"`{names.attribute(limit.wire)}` has more than {limit.max_items} item{'' if limit.max_items == 1 else 's'}{circumstance}"
    )


def _by_answers(document: Document, operation: Operation) -> list[tuple[str, str]]:
    said: dict[str, list[str]] = {}
    for status, response in operation.node["responses"].items():
        if status not in operation.successes:
            node, _ = document.follow(response, child_pointer(operation.pointer, "responses", status))
            said.setdefault(error_for(status), []).append(described(node))
    found = [(name, " ".join(dict.fromkeys(texts))) for name, texts in said.items()]
    waits = ("RateLimitWaitError", "The wait for the rate limit would be longer than `max_wait` or the deadline allows.")
    return [*found, waits]


def _on_the_way(*, is_paged: bool) -> list[tuple[str, str]]:
    found = [
        ("TransportError", "The connection failed or time ran out, on the last attempt too."),
        ("DecodeError", "The answer is a success, but not of the promised form."),
    ]
    return [*found, ("PaginationError", "A walk came to a page that does not lead on.")] if is_paged else found
