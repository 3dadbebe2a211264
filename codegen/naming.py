"""Names: from the words of the document to those of Python. Every rule stands here once, so that preflight and views agree."""

from __future__ import annotations

import builtins
import keyword
import re

from openapi_python_client.strings import ClassName, pascal_case, snake_case

_ANNOTATIONS = {"str", "int", "float", "bool", "dict", "list", "tuple", "datetime"}

RESERVED_ATTRIBUTES = frozenset({"self", "attrs", "extra"}) | _ANNOTATIONS
"""What a field may not be called: what every model has, and types, which such a field would hide from the fields after it."""

RESERVED_ARGUMENTS = frozenset({"client", "operations", "options", "idempotency_key"})
"""What every function has or needs inside; an argument from the document that is called so gets an underscore."""

RESERVED_FUNCTIONS = frozenset({"operations", "datetime", "annotations"}) | frozenset(dir(builtins))
"""What an operation may not be called: its function would hide what the module needs."""

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
"""What a schema may not be called: generated modules import these."""

RESERVED_EVENT_CLASSES = frozenset({"WebhookEvent", "UnknownEvent", "WebhookInbox", "EVENTS"})
"""What no event may be called: `cstar_async.webhooks` has these itself."""

RESERVED_ROOTS = frozenset({"shared", "events", "operations", "models", "api", "namespaces"})
"""What a root namespace may not be called: its modules would take the place of others."""


def attribute(wire: str) -> str:
    """The Python name of a field or parameter: `customerId` is `customer_id`, and only keywords get an underscore (`from_`)."""
    name = snake_case(wire)
    return f"{name}_" if keyword.iskeyword(name) else name


def argument(wire: str) -> str:
    """The name of an argument: that of the attribute, unless every function has an argument of this name (`options_`)."""
    name = attribute(wire)
    return f"{name}_" if name in RESERVED_ARGUMENTS else name


def constant(text: str) -> str:
    """The name of an enum's value: `auto-tag` is `AUTO_TAG`."""
    return snake_case(text.upper()).upper()


def class_of(schema: str) -> str:
    """The class that the library gives a schema."""
    return str(ClassName(schema, "field_"))


def function_stem(schema: str) -> str:
    """A class name as part of a function's or a constant's name: `TicketCustomer` is `ticket_customer`."""
    return snake_case(schema)


def decoder(schema: str) -> str:
    """The function that reads a model."""
    return f"decode_{function_stem(schema)}"


def members(schema: str) -> str:
    """The mapping that has a member of an enum for every text."""
    return f"_{function_stem(schema).upper()}"


def reader(schema: str) -> str:
    """The function that reads a model from an object or from a text."""
    return f"decode_{function_stem(schema)}_or_str"


def like_alias(enum: str) -> str:
    """The type of an argument that takes a value of the enum."""
    return f"{enum}Like"


def batched(name: str) -> str:
    """Return the name of the function or method that splits an operation over several requests."""
    return f"{name}_batched"


def namespace_class(namespace: str) -> str:
    """`tickets.messages` is `TicketsMessagesNamespace`."""
    return f"{pascal_case(namespace.replace('.', '_'))}Namespace"


def event_class(type_: str) -> str:
    """`ticket.message_added` is `TicketMessageAdded`."""
    return pascal_case(type_.replace(".", "_"))


def is_plain(name: str) -> bool:
    """Whether a name is a lower-case Python identifier that needs no change."""
    return re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) is not None and not keyword.iskeyword(name)


def is_usable(name: str) -> bool:
    """Whether a derived name can stand in Python code as a public name."""
    return name.isidentifier() and not name.startswith("_")
