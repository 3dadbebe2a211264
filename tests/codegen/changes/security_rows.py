"""Changes of the servers and of the security schemes, and the texts of YAML and JSON in which a document can be written."""

from __future__ import annotations

import inspect
import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

import yaml

from codegen.spec.document import Node
from tests.codegen.changes.document_rows import GET, OPERATION, pets, put
from tests.codegen.changes.rows import Edit, Exchange, WholeChange


def _get(**headers: str | None) -> Exchange:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Exchange(positional=("a",), response={"id": "a"}, request="GET /v1/pets/a", headers=sent)


def _scheme(**scheme: Any) -> Edit:
    """Return an edit that gives the document one security scheme, which every operation needs."""

    def edit(raw: Node) -> None:
        raw["components"]["securitySchemes"] = {"theKey": scheme}
        raw["security"] = [{"theKey": []}]

    return edit


def _two(need: list[Node]) -> Edit:
    def edit(raw: Node) -> None:
        raw["components"]["securitySchemes"] = {
            "appId": {"type": "apiKey", "in": "header", "name": "X-App"},
            "appKey": {"type": "apiKey", "in": "header", "name": "X-Key"},
        }
        raw["security"] = need

    return edit


def _row(name: str, edit: Edit, *exchanges: Exchange, **more: Any) -> WholeChange:
    return WholeChange(name=name, section="Security", edit=edit, exchanges=exchanges, **more)


_FLOWS = {"clientCredentials": {"tokenUrl": "https://example.com/token", "scopes": {"read": "Read."}}}
_BASIC = "Basic " + b64encode(b"u:p").decode()
_BOTH = {"app_id": "i", "app_key": "k"}
_INIT = "str(__import__('inspect').signature(package.ZooClient))"
SECURITY = (
    _row("bearer", _scheme(type="http", scheme="bearer"), _get(Authorization="Bearer k"), client={"api_key": "k"}),
    _row("bearer in capitals", _scheme(type="http", scheme="Bearer", bearerFormat="JWT"), _get(Authorization="Bearer k"), client={"api_key": "k"}),
    _row("basic", _scheme(type="http", scheme="basic"), _get(Authorization=_BASIC), client={"username": "u", "password": "p"}),
    _row("key in a header", _scheme(type="apiKey", **{"in": "header"}, name="X-Key"), _get(X_Key="k", Authorization=None), client={"api_key": "k"}),
    _row("key in the query", _scheme(type="apiKey", **{"in": "query"}, name="api key"),
         Exchange(positional=("a",), response={"id": "a"}, request="GET /v1/pets/a?api%20key=k", headers={"Authorization": None}), client={"api_key": "k"}),
    _row("key in a cookie", _scheme(type="apiKey", **{"in": "cookie"}, name="sid"), _get(Cookie="sid=k"), client={"api_key": "k"}),
    _row("OAuth 2", _scheme(type="oauth2", flows=_FLOWS), _get(Authorization="Bearer k"), client={"api_key": "k"}),
    _row("OpenID Connect", _scheme(type="openIdConnect", openIdConnectUrl="https://example.com/.well-known"), _get(Authorization="Bearer k"),
         client={"api_key": "k"}),
    _row("mutual TLS", _scheme(type="mutualTLS"), _get(Authorization=None), notes=("cannot authenticate with such a security scheme",)),
    _row("digest", _scheme(type="http", scheme="digest"), check=(("hasattr(package.api, 'get_pet')", False),),
         notes=("left out: it needs the security scheme `theKey`, which the client cannot use.",)),
    _row("digest or a key", lambda raw: (_scheme(type="http", scheme="digest")(raw), raw["security"].append({"plain": []}),
         put("components", "securitySchemes", "plain", value={"type": "http", "scheme": "bearer"})(raw)), _get(Authorization="Bearer k"),
         client={"plain": "k"}, notes=("cannot authenticate with such a security scheme",)),
    _row("none", lambda raw: None, _get(Authorization=None)),
    _row("a key is required", _scheme(type="http", scheme="bearer"), check=((f"'api_key: \\'str\\',' in {_INIT} or 'api_key: str' in {_INIT}", True),),
         client={"api_key": "k"}),
    _row("optional", lambda raw: (_scheme(type="http", scheme="bearer")(raw), raw.update(security=[{}, {"theKey": []}])), _get(Authorization=None)),
    _row("two keys together", _two([{"appId": [], "appKey": []}]), _get(X_App="i", X_Key="k"), client=_BOTH),
    _row("one of two keys", _two([{"appId": []}, {"appKey": []}]), _get(X_Key="k", X_App=None), client={"app_key": "k"}),
    _row("scheme of an operation", lambda raw: (_scheme(type="http", scheme="bearer")(raw), raw.pop("security"),
         put(*OPERATION, "security", value=[{"theKey": []}])(raw)), _get(Authorization="Bearer k"), client={"api_key": "k"}),
    _row("no scheme of an operation", lambda raw: (_scheme(type="http", scheme="bearer")(raw), put(*OPERATION, "security", value=[])(raw)),
         _get(Authorization=None), client={"api_key": "k"}),
    _row("one key of two for an operation", lambda raw: (_two([{"appId": []}])(raw), put(*OPERATION, "security", value=[{"appKey": []}])(raw)),
         _get(X_App=None, X_Key="k"), client=_BOTH),
    _row("scheme that nothing uses", lambda raw: (_two([{"appId": []}])(raw),), _get(X_App="i"), client={"api_key": "i"}),
    _row("by reference", lambda raw: (_scheme(**{"$ref": "#/components/securitySchemes/real"})(raw),
         put("components", "securitySchemes", "real", value={"type": "http", "scheme": "bearer"})(raw)), _get(Authorization="Bearer k"), client={"api_key": "k"}),
    _row("reference to nothing", _scheme(**{"$ref": "#/components/securitySchemes/no"}), problem="leads nowhere."),
    _row("undeclared", lambda raw: raw.update(security=[{"ghost": []}]), _get(Authorization=None),
         notes=("the security scheme `ghost` is not declared",)),
    _row("type is unknown", _scheme(type="magic"), notes=("left out: it needs the security scheme `theKey`",)),
    _row("security is an object", lambda raw: raw.update(security={"a": []}), problem="#/security"),
    _row("scopes", lambda raw: (_scheme(type="oauth2", flows=_FLOWS)(raw), put(*OPERATION, "security", value=[{"theKey": ["read"]}])(raw)),
         _get(Authorization="Bearer k"), client={"api_key": "k"}),
)  # fmt: skip


def _server(name: str, servers: Any, url: str | None, **more: Any) -> WholeChange:
    code = f"__import__('inspect').signature(package.{'ZooClient'}).parameters['base_url'].default"
    check = () if "problem" in more else ((code, url or inspect.Parameter.empty),)
    exchanges = () if "problem" in more else (GET,)
    return WholeChange(
        name=name, section="Servers", edit=lambda raw: raw.update(servers=servers), exchanges=exchanges, check=check, **more
    )


_REGION = {"region": {"default": "eu", "enum": ["eu", "us"]}}
SERVERS = (
    _server("another host", [{"url": "https://pets.example.org"}], "https://pets.example.org"),
    _server("a base path", [{"url": "https://api.example.com/v2/"}], "https://api.example.com/v2"),
    _server("a port", [{"url": "http://localhost:8080/api"}], "http://localhost:8080/api"),
    _server("two", [{"url": "https://a.example.com"}, {"url": "https://b.example.com", "description": "Second."}], "https://a.example.com"),
    _server("a variable", [{"url": "https://{region}.example.com", "variables": _REGION}], "https://eu.example.com"),
    _server("a variable in the path", [{"url": "https://example.com/{base}", "variables": {"base": {"default": "v3"}}}], "https://example.com/v3"),
    _server("relative", [{"url": "/v1"}], None),
    _server("empty", [], None),
    _server("a variable without a default", [{"url": "https://{tenant}.example.com", "variables": {"tenant": {"default": ""}}}], None),
    _server("without a URL", [{"description": "No URL."}], None, problem="#/servers/0/url"),
    _server("not a list", {"url": "https://example.com"}, None, problem="#/servers"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TextChange:
    """The same document as another text, which is read or refused."""

    name: str
    text: str | bytes
    problem: str = ""

    @property
    def outcome(self) -> str:
        """What comes of it."""
        return "refused" if self.problem else "right"


def _dumped(**options: Any) -> str:
    return str(yaml.safe_dump(json.loads(json.dumps(pets())), sort_keys=False, **options))


def _edited(old: str, new: str) -> str:
    text = _dumped()
    assert old in text, old
    return text.replace(old, new, 1)


_ESCAPED = json.dumps({**pets(), "x-emoji": "\U0001f43e"})
TEXTS = (
    TextChange(name="YAML", text=_dumped()),
    TextChange(name="YAML in flow style", text=_dumped(default_flow_style=True)),
    TextChange(name="JSON", text=json.dumps(pets())),
    TextChange(name="JSON with indents", text=json.dumps(pets(), indent=2)),
    TextChange(name="JSON with surrogate pairs", text=_ESCAPED),
    TextChange(name="byte order mark", text=b"\xef\xbb\xbf" + _dumped().encode()),
    TextChange(name="CRLF", text=_dumped().replace("\n", "\r\n")),
    TextChange(name="comments", text="# A comment.\n" + _dumped() + "# The end.\n"),
    TextChange(name="document start", text="---\n" + _dumped() + "...\n"),
    TextChange(name="YAML directive", text="%YAML 1.2\n---\n" + _dumped()),
    TextChange(name="status without quotes", text=_dumped().replace("'200'", "200").replace("'201'", "201")),
    TextChange(name="an alias", text=_edited("title: Zoo", "title: &t Zoo") .replace("summary: Get a pet", "summary: *t")),
    TextChange(name="a merge key", text=_edited("    Pet:\n", "    Base: &base\n      type: object\n    Pet:\n      <<: *base\n")),
    TextChange(name="folded text", text=_edited("summary: Get a pet", "summary: >-\n        Get a\n        pet")),
    TextChange(name="`on` as a key", text=_edited("        name:\n", "        on:\n          type: string\n        name:\n")),
    TextChange(name="a date as a string", text=_edited("version: '1'", "version: 2026-03-01")),
    TextChange(name="a key twice", text=_edited("openapi: 3.1.0", "openapi: 3.1.0\nopenapi: 3.1.0"), problem="line 2: the key `openapi` is repeated"),
    TextChange(name="a tab as indent", text=_edited("  title: Zoo", "\ttitle: Zoo"), problem="line "),
    TextChange(name="an unclosed quote", text=_edited("title: Zoo", "title: 'Zoo"), problem="not valid YAML"),
    TextChange(name="JSON cut off", text=json.dumps(pets())[:-5], problem="not valid"),
    TextChange(name="a list", text="- openapi: 3.1.0\n", problem="the document is not a mapping."),
    TextChange(name="nothing", text="", problem="the document is not a mapping."),
    TextChange(name="Latin-1", text=_edited("title: Zoo", "title: Z\xf6o").encode("latin-1"), problem="the document cannot be read"),
    TextChange(name="not a number", text=_edited("version: '1'", "version: '1'\n  x-n: .nan"), problem="#/info/x-n: nan is not a JSON value."),
    TextChange(name="a tag of Python", text=_edited("title: Zoo", "title: !!python/none x"), problem="not valid YAML"),
    TextChange(name="an alias to itself", text=_edited("info:\n", "x-loop: &l [*l]\ninfo:\n"), problem="the document contains itself."),
    TextChange(name="two documents", text=_dumped() + "---\n" + _dumped(), problem="not valid YAML"),
    TextChange(name="2000 levels", text=_edited("info:\n", "x-deep: " + "[" * 2000 + "]" * 2000 + "\ninfo:\n"), problem="nested more than"),
)  # fmt: skip

ROWS: tuple[WholeChange, ...] = (*SECURITY, *SERVERS)
