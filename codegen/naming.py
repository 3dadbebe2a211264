"""Derive Python names from the names of the document."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping

from openapi_python_client.strings import ClassName, pascal_case
from openapi_python_client.strings import snake_case as _snake_case

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
        "EMPTY_EXTRA",
        "Date",
        "Any",
    }
    | set(dir(builtins))
    | set(keyword.kwlist)
)
"""Reserved names of schemas: those that generated modules import."""

RESERVED_EVENT_CLASSES = frozenset({"WebhookEvent", "UnknownEvent", "WebhookInbox", "EVENTS"})
"""Reserved names of events: those of `cstar_async.webhooks`."""

RESERVED_ROOTS = frozenset({"shared", "events", "operations", "models", "api", "namespaces"})
"""Reserved names of root namespaces: those of other modules."""


def snake_case(text: str) -> str:
    """Return a name in snake_case, in the form in which Python compares names. An acronym is one word, also in the plural."""
    text = re.sub(r"[^\w]+", "_", unicodedata.normalize("NFKC", text))
    return _snake_case(re.sub(r"([A-Z]{2,})s(?![a-z])", lambda found: f"{found[1].capitalize()}s", text))


def identifier(text: str, prefix: str, reserved: Collection[str] = ()) -> str:
    """Return a public Python name in snake_case; one that is reserved or a keyword ends with an underscore."""
    name = "_".join(re.findall(r"\w+", snake_case(text))).strip("_")
    if not name.isidentifier():
        name = f"{prefix}_{name}".rstrip("_")
    return f"{name}_" if keyword.iskeyword(name) or name in reserved else name


def attribute(wire: str) -> str:
    """Return the Python name of a field or parameter: `customer_id` for `customerId`, `from_` for a keyword."""
    return identifier(wire, "field", RESERVED_ATTRIBUTES)


def argument_of(attribute: str) -> str:
    """Return the argument for an attribute: its name, or `options_` where every function has such an argument."""
    return f"{attribute}_" if attribute in RESERVED_ARGUMENTS else attribute


def attributes(wires: Iterable[str]) -> dict[str, str]:
    """Return the attribute of each field of a model. Of several with one name, the field that has it on the wire keeps it."""
    return distinct(wires, attribute)


def distinct(texts: Iterable[str], rule: Callable[[str], str], taken: Collection[str] = ()) -> dict[str, str]:
    """Return a name of its own for each text. A name that is taken gets a number.

    Texts that are names already come first, so that a new text does not change their names.
    """
    texts = list(texts)
    found: dict[str, str] = {}
    used = set(taken)
    for text in sorted(set(texts), key=lambda text: (rule(text) != text, text)):
        base, number = rule(text), 2
        name = base
        while name in used:
            name = f"{base.rstrip('_')}_{number}"
            number += 1
        used.add(name)
        found[text] = name
    return {text: found[text] for text in texts}


def function(operation_id: str) -> str:
    """Return the name of the function of an operation."""
    return identifier(operation_id, "call", RESERVED_FUNCTIONS)


def constant(text: str) -> str:
    """Return the constant of an enum's value: `AUTO_TAG` for `auto-tag`."""
    return identifier(text, "value").strip("_").upper() if text else "EMPTY"


def class_of(schema: str) -> str:
    """Return the class of a schema: its name, if that can be the name of a class."""
    schema = unicodedata.normalize("NFKC", schema)
    name = schema if re.fullmatch(r"[A-Z][A-Za-z0-9]*", schema) else str(ClassName(schema, "Model"))
    return f"{name}Model" if name in RESERVED_CLASSES else name


class ClassNames:
    """The names of classes, so that no two of them, nor their functions and aliases, are equal."""

    def __init__(self) -> None:
        self._stems: set[str] = set()

    def add(self, name: str) -> str:
        """Return the class for a name; with a number if it is taken."""
        base, number = class_of(name), 2
        name = base
        while self._stems & {function_stem(name), function_stem(name.removesuffix("Like")), function_stem(like_alias(name))}:
            name, number = f"{base}{number}", number + 1
        self._stems.add(function_stem(name))
        return name

    def add_all(self, schemas: Collection[str], wanted: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return a class for each schema: the wanted one, if any. Schemas whose names are classes already keep them."""
        wanted = wanted or {}
        order = sorted(schemas, key=lambda name: (not wanted.get(name), class_of(name) != name, name))
        found = {name: self.add(wanted.get(name) or name) for name in order}
        return {name: found[name] for name in schemas}


def joined(owner: str, wire: str) -> str:
    """Return the class of an inline schema: `TicketCustomer` for the property `customer` of `Ticket`."""
    return owner + pascal_case(unicodedata.normalize("NFKC", wire))


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
