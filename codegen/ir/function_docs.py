"""The docstrings of endpoint functions."""

from __future__ import annotations

import re

from codegen import naming as names
from codegen.ir.docstrings import (
    DEPRECATED,
    Block,
    CodeSection,
    Section,
    described,
    docstring,
    first_sentence,
    paragraphs,
    sentence,
    source_of,
    text_of,
)
from codegen.ir.examples import example_of
from codegen.ir.operations import LimitSpec, batch_size, limits_of
from codegen.spec.document import Document, Node, Operation, is_object
from codegen.spec.queries import (
    BATCHING,
    BODY,
    argument_names,
    attribute_names,
    body_name,
    is_free_object,
    is_open,
    result_name,
    sends_idempotency_key,
)

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

OPTIONS = ("options", "Options of this call.")
KEY = ("idempotency_key", "The same value for every try of one intent. Default: a new key.")
"""The description of the key where the summary is no phrase with one of `_VERBS`."""
ALL_ERRORS = ("CStarError", "See `cstar_async.errors`.")
"""The one entry that all functions share, so it is short. The module says what every call can raise."""
BATCH_KEY = ("idempotency_key", "What the key of each request is derived from. Default: a new key for each call.")
BATCHED_CALL = (
    "The call stops at the first error; what was done before stays done. To continue, repeat it within a day with the same"
    " `idempotency_key` and the same arguments in the same order; nothing is done twice."
)
_VERBS = frozenset(
    {
        *("Add", "Archive", "Assign", "Cancel", "Close", "Convert", "Copy", "Create", "Export", "Import", "Invite", "Mark"),
        *("Merge", "Move", "Place", "Post", "Publish", "Record", "Remove", "Replace", "Run", "Save", "Send", "Set", "Start"),
        *("Submit", "Test", "Trigger", "Update", "Upload", "Write"),
    }
)
"""The verbs of a summary that is a phrase in the imperative: "Create a ticket"."""
OPEN_BODY = "Fields that the document does not list go into `options=RequestOptions(extra_body={…})`."
UNDOCUMENTED_FIELDS = "The fields of the response are not documented."


def function_docstring(document: Document, operation: Operation, arguments: list[tuple[str, str]]) -> str:
    """Return the docstring of the function for an operation.

    Args:
        document: The document of the operation.
        operation: What the function carries out.
        arguments: The names and descriptions of the arguments that come from the document.
    """
    key = [_key_of(operation)] if sends_idempotency_key(operation) else []
    return docstring(
        [
            summary_of(operation),
            _request_line(operation),
            *([DEPRECATED] if operation.node.get("deprecated") is True else []),
            *_description(document, operation),
            Section("Args", (*arguments, *key, OPTIONS)),
            *([Section("Returns", (("", returned),))] if (returned := _returned(document, operation)) else []),
            Section("Raises", (*_limit_errors(document, operation), *_response_errors(document, operation), ALL_ERRORS)),
            CodeSection("Example", example_of(document, operation, operation.name)),
            *source_of(operation.node),
        ],
        depth=1,
    )


def batched_docstring(document: Document, operation: Operation, arguments: list[tuple[str, str]]) -> str:
    """Return the docstring of the function that splits an operation over several requests.

    Args:
        document: The document of the operation.
        operation: What each request carries out.
        arguments: The names and descriptions of the fields of its body.
    """
    split, size = names.attribute(operation.node[BATCHING]["split"]), batch_size(document, operation)
    all_arguments = {**dict(arguments), split: "A list or tuple of any length. Nothing is sent for an empty one."}
    return docstring(
        [
            sentence(f"{summary_of(operation).rstrip('.')}, any number of `{split}`"),
            f"{_request_line(operation)} for {size} `{split}` at a time, one request after the other.",
            BATCHED_CALL,
            Section("Args", (*all_arguments.items(), BATCH_KEY, ("options", "Options of each request."))),
            Section("Returns", (("", _sum_of(operation, split)),)),
            Section("Raises", (*_response_errors(document, operation), ALL_ERRORS)),
            CodeSection("Example", example_of(document, operation, names.batched(operation.name))),
            *source_of(operation.node),
        ],
        depth=1,
    )


def summary_of(operation: Operation) -> str:
    """Return the first line of a docstring: the summary, or else the beginning of the description, or the name of the method."""
    text = text_of(operation.node, "summary") or first_sentence(text_of(operation.node, "description"))
    return sentence(text or operation.id.replace("_", " ").strip().capitalize())


def python_names(document: Document, operation: Operation) -> dict[str, str]:
    """Return the Python name of each wire name that a description of the operation may mention."""
    schemas = [document.schemas[name] for name in (result_name(operation), body_name(operation)) if name]
    attributes = {wire: name for schema in schemas for wire, name in attribute_names(schema).items()}
    arguments = {wire: name for (location, wire), name in argument_names(document, operation).items() if location != BODY}
    return attributes | arguments


def _key_of(operation: Operation) -> tuple[str, str]:
    """Return the entry of the key, which says what a repeated call does not do: create the ticket again."""
    name, text = KEY
    verb, _, rest = summary_of(operation).removesuffix(".").partition(" ")
    if verb not in _VERBS or "." in rest:
        return name, text
    return name, f"A call with the same key does not {verb.lower()} {re.sub(r'^an? ', 'the ', rest)} again. Default: a new key."


def _request_line(operation: Operation) -> str:
    key = {"secret": " (secret key)", "none": " (no key)"}.get(operation.node["x-cstar-key"], "")
    return f"`{operation.method.upper()} {operation.path}`{key}"


def _description(document: Document, operation: Operation) -> list[Block]:
    body, result = body_name(operation), result_name(operation)
    notes = [OPEN_BODY] if body and is_open(document.schemas[body]) else []
    notes += [UNDOCUMENTED_FIELDS] if result and is_free_object(document.schemas[result]) else []
    blocks = paragraphs(operation.node, python_names(document, operation))
    blocks = blocks[1:] if blocks[:1] == [summary_of(operation)] else blocks
    if notes and blocks and isinstance(blocks[-1], str):
        return [*blocks[:-1], " ".join([blocks[-1], *notes])]
    return [*blocks, " ".join(notes)] if notes else blocks


def _returned(document: Document, operation: Operation) -> str:
    result = operation.result
    if result.shape == "none":
        return ""
    sentences = [described(result.node, python_names(document, operation), fallback="The result.")]
    for status in operation.successes:
        node, _ = document.follow(operation.node["responses"][status], "")
        if status != str(result.status) and node is not result.node and text_of(node, "description"):
            sentences.append(f"With {status}: {described(node, python_names(document, operation))}")
    if result.text is not None and result.shape not in ("text", "bytes", "items"):
        sentences.append(f"A str where the server sends `{result.text}`.")
    sentences += {
        "bytes": ["Await it for bytes, `save()` it to a file, or enter it with `async with` to read pieces."],
        "items": ["Enter it with `async with`, and iterate over its items."],
    }.get(result.shape, [])
    sentences += ["None: there is none."] if result.is_nullable else []
    sentences += ["Without fields when the server sends no body."] if result.may_be_empty and not result.is_nullable else []
    return " ".join(sentences)


def _limit_errors(document: Document, operation: Operation) -> list[tuple[str, str]]:
    found = [_exceeded(limit) for limit in limits_of(document, operation)]
    return [("InvalidArgumentError", sentence(f"Before sending: {', or '.join(found)}"))] if found else []


def _exceeded(limit: LimitSpec) -> str:
    circumstance = "" if limit.condition is None else f" while `{names.attribute(limit.condition[0])}` is `{limit.condition[1]}`"
    items = "item" if limit.max_items == 1 else "items"
    return f"`{names.attribute(limit.wire)}` has more than {limit.max_items} {items}{circumstance}"


def _response_errors(document: Document, operation: Operation) -> list[tuple[str, str]]:
    """Return the errors that the document describes for this operation in particular."""
    found: dict[str, list[str]] = {}
    for status, response in operation.node.get("responses", {}).items():
        if status.startswith("x-") or not is_object(response):
            continue
        if text := _reason(document, operation, status, response):
            name = ERRORS.get(status, "ServerError" if status.startswith("5") else "APIError")
            found.setdefault(name, []).append(text)
    return [(name, " ".join(texts)) for name, texts in found.items()]


def _reason(document: Document, operation: Operation, status: str, response: Node) -> str:
    if status in operation.successes:
        return ""
    if set(response) != {"$ref"}:
        node, _ = document.follow(response, "")
        return described(node, python_names(document, operation)) if text_of(node, "description") else ""
    nouns = [_noun(name, operation) for name in operation.placeholders if name not in ("team", "teamId")]
    if status != "404" or not nouns or "x-evidence" not in operation.node:
        return ""
    visible = "is not public" if operation.node["x-cstar-key"] == "none" else "is not visible to this key"
    return f"The {' or the '.join(nouns)} does not exist or {visible}."


def _noun(placeholder: str, operation: Operation) -> str:
    """Return what a part of the path identifies: `/customer-groups/{groupId}` a customer group, `/tags/{name}` a tag."""
    before, _, _ = operation.path.partition(f"/{{{placeholder}}}")
    segment = before.rpartition("/")[2].removesuffix("s").replace("-", " ")
    if not placeholder.endswith("Id"):
        return segment
    noun = names.attribute(placeholder.removesuffix("Id")).replace("_", " ")
    return segment if segment.endswith(noun) else noun


def _sum_of(operation: Operation, split: str) -> str:
    rule = operation.node[BATCHING]
    counted = f", `{names.attribute(rule['shift'])}` counted through all `{split}`" if "shift" in rule else ""
    return f"One result: {_listed(rule['add'])} added up, {_listed(rule['join'])} joined{counted}."


def _listed(wires: list[str]) -> str:
    *first, last = (f"`{names.attribute(wire)}`" for wire in wires)
    return f"{', '.join(first)} and {last}" if first else last
