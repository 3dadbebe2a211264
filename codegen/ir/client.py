"""Build the client class of a package of its own: its name, its base URL and its credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from codegen import naming as names
from codegen.errors import CodegenError, NoteCollector, Problem
from codegen.ir.docstrings import Section, docstring, escaped, sentence, text_of
from codegen.parser.sdk import api_version
from codegen.spec.document import Document, Node, child_pointer, entries, is_object, items
from codegen.spec.queries import has_usable_key

_RESERVED = frozenset(
    {"self", "base_url", "options", "package", "credentials"}
    | {"timeout", "max_retries", "max_wait", "max_response_size", "retry_budget", "max_connections", "rate_limiter", "priority"}
    | {"proxy", "ssl", "session", "hooks", "coalesce", "cache"}
)
"""The other arguments of a client."""
_CONNECTION = (
    "The arguments of every client: `timeout`, `max_retries`, `max_wait`, `max_response_size`, `retry_budget`, `max_connections`,"
    " `rate_limiter`, `priority`, `proxy`, `ssl`, `session` and `hooks`, as in `cstar_async.CStarClient`."
)


@dataclass(frozen=True, kw_only=True)
class ServiceSpec:
    """What the hand-written clients of `cstar_async` take from the document, as literals."""

    base_url: str
    api_version: str


@dataclass(frozen=True, kw_only=True)
class CredentialSpec:
    """A way to authenticate requests."""

    arguments: tuple[str, ...]
    description: str
    expression: str
    scheme: str = ""
    """The name of its security scheme."""


@dataclass(frozen=True, kw_only=True)
class ClientSpec:
    """The client class of a package of its own."""

    name: str
    title: str
    doc: str
    parameters: str
    credentials: tuple[str, ...]
    """Its credentials, as the items of a dict literal."""


def client_spec(document: Document, name: str | None, notes: NoteCollector) -> ClientSpec:
    """Build the client class; its name is made from the title of the document if none is given."""
    info = entries(document.raw, "info")
    title = text_of(info, "title") or "API"
    class_name = name or f"{names.class_of(re.sub(r'[^0-9A-Za-z]+', ' ', title)).removesuffix('Client')}Client"
    class_name = {"ApiClient": "APIClient"}.get(class_name, class_name)  # its base class has that name
    url = base_url(document)
    credentials = list(_credentials(document, notes))
    is_required = len(credentials) == 1 and bool(items(document.raw, "security")) and {} not in document.raw["security"]
    annotation = "str" if is_required else "str | None = None"
    parameters = [f"{argument}: {annotation}" for one in credentials for argument in one.arguments]
    parameters.append(f"base_url: str = {url!r}" if url else "base_url: str")
    arguments = [(", ".join(one.arguments), one.description) for one in credentials]
    arguments.append(("base_url", "Scheme, host and an optional path prefix of the API."))
    return ClientSpec(
        name=class_name,
        title=escaped(sentence(title)),
        doc=docstring([sentence(f"Call the API `{title}`"), Section("Args", (*arguments, ("options", _CONNECTION)))], depth=1),
        parameters=", ".join([*parameters, "**options: Unpack[ApiClientOptions]"]),
        credentials=tuple(f"{one.scheme!r}: {one.expression}" for one in credentials),
    )


def extended_client_spec(package: str, name: str | None) -> ClientSpec:
    """Build the client class of a package that extends `cstar_async`; its name is made from that of the package without one."""
    class_name = name or f"{names.class_of(package).removesuffix('Client')}Client"
    return ClientSpec(
        name=class_name, title="The cStar API with the additions of this package.", doc="", parameters="", credentials=()
    )


def service_spec(document: Document) -> ServiceSpec:
    """Return the base URL and the version of the API. Raises `CodegenError` without a URL."""
    url = base_url(document)
    if not url:
        raise CodegenError([Problem("#/servers", "the first server must have a URL with a host, which is the default of clients.")])
    return ServiceSpec(base_url=repr(url), api_version=repr(api_version(document)))


def base_url(document: Document) -> str:
    """Return the URL of the first server, with the defaults of its variables; empty if it names no host."""
    servers: list[Node] = items(document.raw, "servers") or [{}]
    server = servers[0]
    url = str(server.get("url") or "")
    for name, variable in entries(server, "variables").items():
        url = url.replace(f"{{{name}}}", str(variable.get("default", "")) if is_object(variable) else "")
    return url.rstrip("/") if re.match(r"https?://[^/{}.:][^{}]*$", url) else ""


def _credentials(document: Document, notes: NoteCollector) -> Iterator[CredentialSpec]:
    """Yield the credentials of the security schemes that operations use, or of all schemes if none is used."""
    schemes = entries(document.components, "securitySchemes")
    owners = [document.raw, *(operation.node for operation in document.operations)]
    used = {name for owner in owners for need in items(owner, "security") if is_object(need) for name in need}
    chosen = {name: document.follow(scheme, "")[0] for name, scheme in schemes.items() if name in used or not used}
    taken: set[str] = set()
    for name, scheme in chosen.items():
        argument = "api_key" if len(chosen) == 1 else names.identifier(name, "key", _RESERVED)
        while argument in taken:
            argument += "_"
        found = _credential(scheme, argument, is_only=len(chosen) == 1)
        if found is None:
            pointer = child_pointer("#/components/securitySchemes", name)
            notes.add(pointer, "the client cannot authenticate with such a security scheme; it is passed over.")
        elif not taken & set(found.arguments):
            taken |= set(found.arguments)
            yield replace(found, scheme=name)


def credential_names(document: Document) -> frozenset[str] | None:
    """Return the security schemes of the client's credentials. None: no operation says which of them it needs."""
    owners = (document.raw, *(operation.node for operation in document.operations))
    if document.is_sdk or not any("security" in owner for owner in owners):
        return None
    return frozenset(one.scheme for one in _credentials(document, NoteCollector()))


def _credential(scheme: Node, argument: str, *, is_only: bool) -> CredentialSpec | None:
    kind, method = scheme.get("type"), str(scheme.get("scheme") or "").lower()
    if kind == "http" and method == "basic":
        arguments = ("username", "password") if is_only else (f"{argument}_username", f"{argument}_password")
        expression = f"basic({', '.join(arguments)})"
        return CredentialSpec(arguments=arguments, description="User name and password.", expression=expression)
    if (kind == "http" and method == "bearer") or kind in ("oauth2", "openIdConnect"):
        what = "The API key or token." if kind == "http" else "An access token."
        return CredentialSpec(arguments=(argument,), description=what, expression=f"bearer({argument}, {argument!r})")
    if has_usable_key(scheme):
        where = {"header": "header", "query": "parameter", "cookie": "cookie"}[scheme["in"]]
        return CredentialSpec(
            arguments=(argument,),
            description=f"The API key, sent as the {where} `{scheme.get('name')}`.",
            expression=f"named_key({scheme['in']!r}, {scheme.get('name')!r}, {argument}, {argument!r})",
        )
    return None
