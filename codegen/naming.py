"""Derive Python names from the names of the document."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping

from openapi_python_client.strings import ClassName, pascal_case

_ANNOTATIONS = {"str", "int", "float", "bool", "dict", "list", "tuple", "datetime"}

RESERVED_ATTRIBUTES = frozenset({"self", "attrs", "extra"}) | _ANNOTATIONS
"""Reserved names of fields: those of every model, and types that a field would hide from the annotations after it."""

RESERVED_ARGUMENTS = frozenset({"client", "operations", "options", "idempotency_key"})
"""Names that every function uses itself; such an argument of the document gets an underscore."""

RESERVED_FUNCTIONS = frozenset(
    {
        "annotations",
        "datetime",
        "decode_list",
        "decode_map",
        "decode_map_values",
        "decode_values",
        "deprecated",
        "deprecated_arguments",
        "deprecated_values",
        "header_value",
        "is_object",
        "namespace_property",
        "operations",
        "overload",
        "parse_date",
        "parse_datetime",
        "path_text",
        "path_value",
        "renamed_arguments",
        "run_in_batches",
    }
) | frozenset(dir(builtins))
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
        "DeprecatedConstant",
        "Download",
        "FileInput",
        "NoneType",
        "RenamedField",
        "ServerSentEvent",
        "Stream",
        "UnionRules",
    }
    | {"List", "Map", "MapValues", "Values"}  # their decoders would be `decode_list` and so on
    | set(dir(builtins))
    | set(keyword.kwlist)
)
"""Reserved names of schemas: those that generated modules import."""

RESERVED_EVENT_CLASSES = frozenset({"WebhookEvent", "UnknownEvent", "WebhookInbox", "EVENTS"})
"""Reserved names of events: those of `cstar_async.webhooks`."""

RESERVED_CLIENTS = frozenset(
    {"ApiClient", "ApiClientOptions", "CStarClient", "ClassVar", "ClientNamespaces", "Unpack"}
    | {"annotations", "api", "basic", "bearer", "client", "models", "named_key"}
    | set(dir(builtins))
)
"""Reserved names of the client: those that its module and its package use."""

RESERVED_ROOTS = frozenset(
    {"annotations", "api", "events", "models", "namespace_property", "namespaces", "operations", "shared", "str", "type"}
)
"""Reserved names of root namespaces: those of other modules, and those that the modules which import them use."""


def snake_case(text: str) -> str:
    """Return a name in snake_case, in the form in which Python compares names.

    An acronym is one word, also in the plural: `external_ips` for `externalIPs`. A number belongs to the word before it.
    """
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"OAuth|IPv(?=[46])|[A-Z]{2,}s(?![a-z])", lambda found: found[0].capitalize(), text)
    text = re.sub(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=\d)(?=[A-Z])|(?<=[A-Z])(?=[A-Z][^\W\d_A-Z])", "_", text)
    return "_".join(re.findall(r"[^\W_]+", text)).lower()


_SYMBOLS = {
    "+": "plus",
    "-": "minus",
    "<": "less",
    ">": "greater",
    "=": "equal",
    "!": "not",
    "~": "tilde",
    "*": "star",
    "/": "slash",
    "%": "percent",
    "&": "and",
    "|": "or",
    "^": "caret",
    "?": "question",
    ".": "dot",
    ",": "comma",
    ":": "colon",
    "#": "hash",
    "@": "at",
    "$": "dollar",
    " ": "space",
}
"""The words for symbols that distinguish names."""


def spelled(text: str) -> str:
    """Return a str with words for its symbols where nothing else is left to name it: `+1`, `-1`, `>=`."""
    if found := re.fullmatch(r"([+\-<>=!~])(\w.*)", text):
        return f"{_SYMBOLS[found[1]]}_{found[2]}"
    return text if re.search(r"\w", text) else "_".join(_SYMBOLS.get(symbol, "") for symbol in text)


def identifier(text: str, prefix: str, reserved: Collection[str] = ()) -> str:
    """Return a public Python name in snake_case; one that is reserved or a keyword ends with an underscore."""
    name = unicodedata.normalize("NFKC", snake_case(spelled(text)))
    if not name.isidentifier():
        name = f"{prefix}_{name}".rstrip("_")
    return f"{name}_" if keyword.iskeyword(name) or name in reserved else name


def attribute(wire: str) -> str:
    """Return the Python name of a field or parameter: `customer_id` for `customerId`, `from_` for a keyword."""
    return identifier(wire, "field", RESERVED_ATTRIBUTES)


def argument_of(attribute: str) -> str:
    """Return the argument for an attribute: its name, or `options_` where every function has such an argument."""
    return f"{attribute}_" if attribute in RESERVED_ARGUMENTS else attribute


def distinct(
    texts: Mapping[str, str], rule: Callable[[str], str], *, taken: Collection[str] = (), kept: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return a name of its own for each key. A name that is taken gets a number.

    Names of the last output come first, then texts that are names already, then the others in their order.

    Args:
        texts: What each name is made from.
        rule: Makes a name from a str.
        taken: Names that are not free.
        kept: The names of the last output. One stays as long as its text still leads to it.
    """
    bases = {key: rule(text) for key, text in texts.items()}
    found: dict[str, str] = {}
    used = set(taken)
    for key, name in (kept or {}).items():
        if key in bases and name not in used and is_numbered(name, bases[key]):
            found[key] = name
            used.add(name)
    order = list(bases)
    for key in sorted(bases.keys() - found.keys(), key=lambda key: (bases[key] != texts[key], order.index(key))):
        found[key] = numbered(bases[key], used)
        used.add(found[key])
    return {key: found[key] for key in bases}


def numbered(base: str, used: Collection[str]) -> str:
    """Return a name that is not used, with a number if necessary."""
    name, number = base, 2
    while name in used:
        name, number = f"{base.rstrip('_')}_{number}", number + 1
    return name


def is_numbered(name: str, base: str) -> bool:
    """Return whether a name is a base, or that with a number."""
    return name == base or re.fullmatch(rf"{re.escape(base.rstrip('_'))}_?[0-9]+", name) is not None


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
    if name.startswith("ClassVar"):  # attrs would take a field with this annotation for a class variable
        return f"Model{name}"
    return f"{name}Model" if name in RESERVED_CLASSES else name


class ClassNames:
    """The names of classes, so that no two of them, nor their functions and aliases, are equal.

    Args:
        kept: The class of the last output for each place of the document. No other place gets one of them.
    """

    def __init__(self, kept: Mapping[str, str] | None = None) -> None:
        self._kept = dict(kept or {})
        self._stems = {stem for name in self._kept.values() for stem in _stems(name)}
        self.chosen: dict[str, str] = {}
        """The class of each place that has one."""

    def add(self, name: str, place: str, *, is_given: bool = False) -> str:
        """Return the class for a name, with a number if it is taken; that of the last output, unless the document gives one."""
        base, number = class_of(name), 2
        name = self._kept.get(place, "")
        if name != base and (is_given or not is_numbered(name, base)):
            name = base
            while self._stems & _stems(name):
                name, number = f"{base}{number}", number + 1
        self._stems |= _stems(name)
        self.chosen[place] = name
        return name

    def add_all(self, schemas: Mapping[str, str]) -> dict[str, str]:
        """Return a class for each place. Schemas whose names are classes already keep them."""
        order = list(schemas)
        places = sorted(schemas, key=lambda place: (class_of(schemas[place]) != schemas[place], order.index(place)))
        return {place: self.add(schemas[place], place) for place in places}


def _stems(name: str) -> set[str]:
    return {function_stem(name), function_stem(name.removesuffix("Like")), function_stem(like_alias(name))}


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


def namespace_class(namespace: str, taken: Collection[str] = ()) -> str:
    """Return the class of a namespace: `TicketsMessagesNamespace` for `tickets.messages`. A name that is taken gets a number."""
    base, number = f"{pascal_case(namespace.replace('.', '_'))}Namespace", 2
    name = base
    while name in taken:
        name, number = f"{base}{number}", number + 1
    return name


def event_class(type_: str) -> str:
    """Return the class of an event type: `TicketMessageAdded` for `ticket.message_added`."""
    return pascal_case(type_.replace(".", "_"))


def is_plain(name: str) -> bool:
    """Return whether a name is in snake_case and not a keyword."""
    return re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) is not None and not keyword.iskeyword(name)


def is_client(name: str) -> bool:
    """Return whether an identifier can be the name of a client class."""
    return name == unicodedata.normalize("NFKC", name) and name not in RESERVED_CLIENTS


def is_usable(name: str) -> bool:
    """Return whether a derived name is a public Python identifier."""
    return name.isidentifier() and not name.startswith("_")
