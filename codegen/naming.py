"""Derive Python names from the names of the document."""

from __future__ import annotations

import builtins
import keyword
import re

from openapi_python_client.strings import ClassName, pascal_case, snake_case

_ANNOTATIONS = {"str", "int", "float", "bool", "dict", "list", "tuple", "datetime"}

RESERVED_ATTRIBUTES = frozenset({"self", "attrs", "extra"}) | _ANNOTATIONS
"""Reserved names of fields: those of every model, and types that a field would hide from the annotations after it."""

RESERVED_ARGUMENTS = frozenset({"client", "operations", "options", "idempotency_key"})
"""Names that every function uses itself; such an argument of the document gets an underscore."""

RESERVED_FUNCTIONS = frozenset({"operations", "datetime", "annotations"}) | frozenset(dir(builtins))
"""Reserved names of operations: those that the module uses itself."""

RESERVED_CLASSES = frozenset(
    {
        "Callable",
        "ClassVar",
        "Final",
        "SupportsExecute",
        "JSON",
        "JSONObject",
        "Literal",
        "Mapping",
        "Model",
        "Namespace",
        "OpenEnum",
    }
    | {
        "Operation",
        "Paginator",
        "Parameter",
        "RequestOptions",
        "Sequence",
        "TypeAlias",
        "UNSET",
        "UntypedJSON",
        "Unset",
        "DECODERS",
    }
)
"""Reserved names of schemas: those that generated modules import."""

RESERVED_EVENT_CLASSES = frozenset({"WebhookEvent", "UnknownEvent", "WebhookInbox", "EVENTS"})
"""Reserved names of events: those of `cstar_async.webhooks`."""

RESERVED_ROOTS = frozenset({"shared", "events", "operations", "models", "api", "namespaces"})
"""Reserved names of root namespaces: those of other modules."""


def attribute(wire: str) -> str:
    """Return the Python name of a field or parameter: `customer_id` for `customerId`, `from_` for a keyword."""
    name = snake_case(wire)
    return f"{name}_" if keyword.iskeyword(name) else name


def argument(wire: str) -> str:
    """Return the name of an argument: that of the attribute, or `options_` where every function has such an argument."""
    name = attribute(wire)
    return f"{name}_" if name in RESERVED_ARGUMENTS else name


def constant(text: str) -> str:
    """Return the constant of an enum's value: `AUTO_TAG` for `auto-tag`."""
    return snake_case(text.upper()).upper()


def class_of(schema: str) -> str:
    """Return the class that openapi-python-client gives a schema."""
    return str(ClassName(schema, "field_"))


def function_stem(schema: str) -> str:
    """Return a class name as part of a function's name: `ticket_customer` for `TicketCustomer`."""
    return snake_case(schema)


def decoder(schema: str) -> str:
    """Return the name of the function that decodes a model."""
    return f"decode_{function_stem(schema)}"


def members(schema: str) -> str:
    """Return the name of the mapping from strings to members of an enum."""
    return f"_{function_stem(schema).upper()}"


def reader(schema: str) -> str:
    """Return the name of the function that decodes a model from an object or from a str."""
    return f"decode_{function_stem(schema)}_or_str"


def like_alias(enum: str) -> str:
    """Return the type of an argument that takes a value of an enum."""
    return f"{enum}Like"


def batched(name: str) -> str:
    """Return the name of the function or method that splits an operation over several requests."""
    return f"{name}_batched"


def namespace_class(namespace: str) -> str:
    """Return the class of a namespace: `TicketsMessagesNamespace` for `tickets.messages`."""
    return f"{pascal_case(namespace.replace('.', '_'))}Namespace"


def event_class(type_: str) -> str:
    """Return the class of an event type: `TicketMessageAdded` for `ticket.message_added`."""
    return pascal_case(type_.replace(".", "_"))


def is_plain(name: str) -> bool:
    """Return whether a name is in snake_case and not a keyword."""
    return re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) is not None and not keyword.iskeyword(name)


def is_usable(name: str) -> bool:
    """Return whether a derived name is a public Python identifier."""
    return name.isidentifier() and not name.startswith("_")
