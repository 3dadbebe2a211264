"""Parameters: locations, styles, types, content, defaults, and names."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial
from uuid import UUID

from codegen.spec.document import Node
from tests.codegen.changes.rows import Change, Exchange, call_row, parameter_row
from tests.codegen.changes.schema_rows import INTEGER, STRING
from tests.codegen.packages import ref

_query = partial(parameter_row, "Query")
_header = partial(call_row, "Header parameters")
_path = partial(call_row, "Path parameters")
_param = partial(call_row, "Parameters")

TEXTS = {"type": "array", "items": STRING}
FIELDS = {"type": "object", "properties": {"a": STRING, "b": INTEGER}}
_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

QUERY = (
    _query("string", {"schema": STRING}, ("a b&c=d", "p=a%20b%26c%3Dd"), ("", "p=")),
    _query("integer", {"schema": INTEGER}, (5, "p=5"), (0, "p=0")),
    _query("number", {"schema": {"type": "number"}}, (0.5, "p=0.5")),
    _query("boolean", {"schema": {"type": "boolean"}}, (True, "p=true"), (False, "p=false")),
    _query("date", {"schema": {**STRING, "format": "date"}}, (date(2026, 3, 1), "p=2026-03-01")),
    _query("date-time", {"schema": {**STRING, "format": "date-time"}}, (_NOON, "p=2026-03-01T12%3A00%3A00Z")),
    _query("uuid", {"schema": {**STRING, "format": "uuid"}}, ("0b0f2c4e-7a1d-4f6e-9a35-1c1b2d3e4f50", "p=0b0f2c4e-7a1d-4f6e-9a35-1c1b2d3e4f50"),
           (UUID(int=1), "p=00000000-0000-0000-0000-000000000001")),
    _query("enum", {"schema": {**STRING, "enum": ["open", "on hold"]}}, ("open", "p=open"), ("on hold", "p=on%20hold"), ("other", "p=other")),
    _query("integer enum", {"schema": {**INTEGER, "enum": [1, 2]}}, (2, "p=2")),
    _query("nullable", {"schema": {"type": ["string", "null"]}}, ("a", "p=a")),
    _query("no schema type", {"schema": {}}, ("a", "p=a"), (1, "p=1")),
    _query("one of two types", {"schema": {"oneOf": [STRING, INTEGER]}}, ("a", "p=a"), (1, "p=1")),
    _query("array", {"schema": TEXTS}, (["a", "b&"], "p=a&p=b%26")),
    _query("array of one", {"schema": TEXTS}, ("a", "p=a"), (["a"], "p=a")),
    _query("array of integers", {"schema": {"type": "array", "items": INTEGER}}, ([1, 2], "p=1&p=2")),
    _query("array of enums", {"schema": {"type": "array", "items": {**STRING, "enum": ["x", "y"]}}}, (["x", "y"], "p=x&p=y")),
    _query("array of dates", {"schema": {"type": "array", "items": {**STRING, "format": "date"}}},
           ([date(2026, 3, 1), date(2026, 3, 2)], "p=2026-03-01&p=2026-03-02")),
    _query("empty array", {"schema": TEXTS}, ([], "")),
    _query("array exploded", {"schema": TEXTS, "style": "form", "explode": True}, (["a", "b"], "p=a&p=b")),
    _query("array joined", {"schema": TEXTS, "explode": False}, (["a", "b,c"], "p=a,b%2Cc")),
    _query("array spaces", {"schema": TEXTS, "style": "spaceDelimited", "explode": False}, (["a", "b"], "p=a%20b")),
    _query("array pipes", {"schema": TEXTS, "style": "pipeDelimited", "explode": False}, (["a", "b"], "p=a%7Cb")),
    _query("array spaces exploded", {"schema": TEXTS, "style": "spaceDelimited", "explode": True}, (["a", "b"], "p=a&p=b")),
    _query("array pipes by default", {"schema": TEXTS, "style": "pipeDelimited"}, (["a", "b"], "p=a%7Cb")),
    _query("array reserved", {"schema": TEXTS, "explode": False, "allowReserved": True}, (["a", "b"], "p=a,b"), notes=("`allowReserved`",)),
    _query("array component", {"schema": ref("{C}Ids")}, (["a", "b"], "p=a&p=b"), schemas={"{C}Ids": TEXTS}),
    _query("object exploded", {"schema": FIELDS}, ({"a": "x", "b": 1}, "a=x&b=1")),
    _query("object joined", {"schema": FIELDS, "explode": False}, ({"a": "x", "b": 1}, "p=a,x,b,1")),
    _query("object deep", {"schema": FIELDS, "style": "deepObject", "explode": True}, ({"a": "x", "b": 1}, "p%5Ba%5D=x&p%5Bb%5D=1")),
    _query("object deep with an array", {"schema": {"type": "object", "properties": {"a": TEXTS}}, "style": "deepObject", "explode": True},
           ({"a": ["x", "y"]}, "p%5Ba%5D=x&p%5Ba%5D=y")),
    _query("object deep nested", {"schema": {"type": "object", "properties": {"a": FIELDS}}, "style": "deepObject", "explode": True},
           ({"a": {"b": 1}}, "p%5Ba%5D%5Bb%5D=1")),
    _query("free object deep", {"schema": {"type": "object"}, "style": "deepObject", "explode": True}, ({"k": 1}, "p%5Bk%5D=1")),
    _query("map exploded", {"schema": {"type": "object", "additionalProperties": STRING}}, ({"k": "v", "l": "w"}, "k=v&l=w")),
    _query("json content", {"content": {"application/json": {"schema": FIELDS}}}, ({"a": "x"}, "p=%7B%22a%22%3A%22x%22%7D")),
    _query("json content of a string", {"content": {"application/json": {"schema": STRING}}}, ("x", "p=%22x%22")),
    _query("json content with a charset", {"content": {"application/json; charset=utf-8": {"schema": TEXTS}}}, (["x"], "p=%5B%22x%22%5D")),
    _query("name with brackets", {"name": "p[]", "schema": TEXTS}, (["a", "b"], "p%5B%5D=a&p%5B%5D=b")),
    _query("default", {"schema": {**INTEGER, "default": 20}}, (5, "p=5"), doc=("The server's default is `20`.",)),
    _query("limits", {"schema": {**INTEGER, "minimum": 3, "maximum": 99}}, (5, "p=5"), doc=("3 to 99.",)),
    _query("description", {"schema": STRING, "description": "Words to find."}, ("a", "p=a"), doc=("p: Words to find.",)),
    _query("description of the schema", {"schema": {**STRING, "description": "Words of it."}}, ("a", "p=a"), doc=("Words of it.",)),
    _query("required", {"schema": STRING, "required": True}, ("a", "p=a"), signature="p: 'str', options"),
    _query("optional", {"schema": STRING, "required": False}, ("a", "p=a"), signature="p: 'str | Unset' = UNSET"),
    _query("empty value allowed", {"schema": STRING, "allowEmptyValue": True}, ("", "p="), notes=("`allowEmptyValue`",)),
    _query("example", {"schema": STRING, "example": "green"}, ("a", "p=a")),
    _query("examples", {"schema": STRING, "examples": {"one": {"value": "green"}}}, ("a", "p=a")),
    _query("extension", {"schema": STRING, "x-internal": True}, ("a", "p=a")),
    _query("no schema at all", {}, ("a", "p=a")),
)  # fmt: skip


def _of(name: str, location: str, schema: Node, **more: object) -> Node:
    required = {"required": True} if location == "path" else {}
    return {"name": name, "in": location, "schema": schema, **required, **more}


NAMES = tuple(
    _param(
        f"named {wire}",
        {"parameters": [_of(wire, "query", STRING)]},
        Exchange(arguments={argument: "a"}, request=f"?{query}=a", status=204),
    )
    for wire, argument, query in (
        ("pageToken", "page_token", "pageToken"), ("page-token", "page_token", "page-token"), ("filter[name]", "filter_name", "filter%5Bname%5D"),
        ("$top", "top", "%24top"), ("class", "class_", "class"), ("self", "self_", "self"), ("client", "client_", "client"),
        ("options", "options_", "options"), ("2fa", "field_2fa", "2fa"), ("größe", "größe", "gr%C3%B6%C3%9Fe"), ("a.b", "a_b", "a.b"),
        ("type", "type", "type"), ("operations", "operations_", "operations"),
        ("idempotency_key", "idempotency_key_", "idempotency_key"), ("externalIPs", "external_ips", "externalIPs"),
    )
)  # fmt: skip

HEADERS = (
    _header("string", {"parameters": [_of("X-A", "header", STRING)]}, Exchange(arguments={"x_a": "a b"}, headers={"X-A": "a b"}, status=204)),
    _header("integer", {"parameters": [_of("X-N", "header", INTEGER)]}, Exchange(arguments={"x_n": 5}, headers={"X-N": "5"}, status=204)),
    _header("boolean", {"parameters": [_of("X-B", "header", {"type": "boolean"})]},
            Exchange(arguments={"x_b": True}, headers={"X-B": "true"}, status=204)),
    _header("array", {"parameters": [_of("X-L", "header", TEXTS)]}, Exchange(arguments={"x_l": ["a", "b"]}, headers={"X-L": "a,b"}, status=204)),
    _header("date-time", {"parameters": [_of("X-T", "header", {**STRING, "format": "date-time"})]},
            Exchange(arguments={"x_t": _NOON}, headers={"X-T": "2026-03-01T12:00:00Z"}, status=204)),
    _header("enum", {"parameters": [_of("X-E", "header", {**STRING, "enum": ["a", "b"]})]},
            Exchange(arguments={"x_e": "b"}, headers={"X-E": "b"}, status=204)),
    _header("not given", {"parameters": [_of("X-O", "header", STRING)]}, Exchange(headers={"X-O": None}, status=204)),
    _header("line break", {"parameters": [_of("X-Bad", "header", STRING)]},
            Exchange(arguments={"x_bad": "a\r\nX-Evil: 1"}, error="InvalidArgumentError", status=204)),
    _header("ignored", {"parameters": [_of(name, "header", STRING) for name in ("Accept", "Content-Type", "Authorization")]},
            Exchange(status=204), signature="(client: 'SupportsExecute', /, *, options", notes=("the client sets the header",)),
    _header("name that HTTP does not allow", {"parameters": [_of("X Y", "header", STRING), _of("a=b", "cookie", STRING)]}, Exchange(status=204),
            notes=("HTTP has no header named `X Y`", "HTTP has no cookie named `a=b`")),
    _header("If-Match", {"parameters": [_of("If-Match", "header", STRING)]},
            Exchange(arguments={"if_match": '"1"'}, headers={"If-Match": '"1"'}, status=204)),
    _header("cookie", {"parameters": [_of("sid", "cookie", STRING)]}, Exchange(arguments={"sid": "a b"}, headers={"Cookie": "sid=a%20b"}, status=204)),
    _header("two cookies", {"parameters": [_of("a", "cookie", STRING), _of("b", "cookie", INTEGER)]},
            Exchange(arguments={"a": "x", "b": 1}, headers={"Cookie": "a=x; b=1"}, status=204)),
    _header("idempotency key of a POST", {"parameters": [_of("Idempotency-Key", "header", STRING)]},
            Exchange(arguments={"idempotency_key": "k1"}, headers={"Idempotency-Key": "k1"}, status=204), method="post"),
    _header("idempotency key of a PUT", {"parameters": [_of("Idempotency-Key", "header", STRING)]},
            Exchange(arguments={"idempotency_key": "k1"}, headers={"Idempotency-Key": "k1"}, status=204), method="put"),
    _header("idempotency key of a DELETE", {"parameters": [_of("idempotency-key", "header", STRING, required=True)]},
            Exchange(arguments={"idempotency_key": "k1"}, headers={"Idempotency-Key": "k1"}, status=204), method="delete"),
)  # fmt: skip


def _one_path(name: str, schema: Node, *cases: tuple[object, str], **more: object) -> Change:
    calls = [
        Exchange(arguments={"id": value}, request=f"/{text}", status=204)
        if text
        else Exchange(arguments={"id": value}, error="InvalidArgumentError")
        for value, text in cases
    ]
    return _path(name, {"parameters": [_of("id", "path", schema, **more)]}, *calls, path="/{id}")


PATHS = (
    _one_path("string", STRING, ("abc", "abc"), ("a/b?c#d", "a%2Fb%3Fc%23d"), ("", ""), ("..", ""), (".", "")),
    _one_path("integer", INTEGER, (7, "7"), (-1, "-1"), (None, "")),
    _one_path("uuid", {**STRING, "format": "uuid"}, ("0b0f2c4e-7a1d-4f6e-9a35-1c1b2d3e4f50", "0b0f2c4e-7a1d-4f6e-9a35-1c1b2d3e4f50")),
    _one_path("date", {**STRING, "format": "date"}, (date(2026, 3, 1), "2026-03-01")),
    _one_path("enum", {**STRING, "enum": ["a b", "c"]}, ("a b", "a%20b")),
    _one_path("boolean", {"type": "boolean"}, (True, "true")),
    _one_path("array", TEXTS, (["a,b", "c"], "a%2Cb,c"), ([], "")),
    _one_path("array label", TEXTS, (["a", "b"], ".a,b"), style="label"),
    _one_path("array matrix exploded", TEXTS, (["a", "b"], ";id=a;id=b"), style="matrix", explode=True),
    _one_path("string matrix", STRING, ("a", ";id=a"), style="matrix"),
    _one_path("object", {"type": "object", "properties": {"a": INTEGER}}, ({"a": 1}, "a,1")),
    _one_path("percent", STRING, ("100%", "100%25"), ("%2F", "%252F")),
    _one_path("other letters", STRING, ("ü", "%C3%BC")),
    _path("in the middle", {"parameters": [_of("id", "path", STRING)]}, Exchange(positional=("a",), request="/a/more", status=204), path="/{id}/more"),
    _path("inside a segment", {"parameters": [_of("id", "path", STRING)]}, Exchange(positional=("a",), request="/v-a.json", status=204),
          path="/v-{id}.json"),
    _path("two in a segment", {"parameters": [_of("a", "path", STRING), _of("b", "path", STRING)]},
          Exchange(positional=("x", "y"), request="/x...y", status=204), path="/{a}...{b}"),
    _path("in another order", {"parameters": [_of("b", "path", STRING), _of("a", "path", STRING)]},
          Exchange(positional=("x", "y"), request="/x/y", status=204), path="/{a}/{b}"),
    _path("shared by the item", {}, Exchange(arguments={"id": "a"}, request="/a", status=204), path="/{id}",
          item={"parameters": [_of("id", "path", STRING)]}),
    _path("overridden by the operation", {"parameters": [_of("id", "path", INTEGER)]}, Exchange(arguments={"id": 7}, request="/7", status=204),
          path="/{id}", item={"parameters": [_of("id", "path", STRING)]}, signature="id: 'int'"),
    _path("not declared", {}, Exchange(arguments={"id": "a"}, request="/a", status=204), path="/{id}", notes=("is not declared",)),
    _path("declared but absent", {"parameters": [_of("gone", "path", STRING)]}, Exchange(status=204), notes=("that the path does not have",)),
    _path("camel case", {"parameters": [_of("petId", "path", STRING)]}, Exchange(arguments={"pet_id": "a"}, request="/a", status=204), path="/{petId}"),
    _path("with a dash", {"parameters": [_of("pet-id", "path", STRING)]}, Exchange(arguments={"pet_id": "a"}, request="/a", status=204),
          path="/{pet-id}"),
    _path("named like a field", {"parameters": [_of("id", "path", STRING)], "requestBody": {"content": {"application/json": {
        "schema": {"type": "object", "properties": {"id": STRING}}}}}}, Exchange(arguments={"id": "a", "id_": "b"}, request="/a",
        sent={"id": "b"}, status=204), path="/{id}", method="put"),
    _path("named like a query parameter", {"parameters": [_of("id", "path", STRING), _of("id", "query", STRING)]},
          Exchange(arguments={"id": "a", "id_": "b"}, request="/a?id=b", status=204), path="/{id}"),
    _path("trailing slash", {"parameters": [_of("id", "path", STRING)]}, Exchange(arguments={"id": "a"}, request="/a/", status=204), path="/{id}/"),
)  # fmt: skip

SHARED = (
    _param("component", {"parameters": [{"$ref": "#/components/parameters/{C}Limit"}]}, Exchange(arguments={"limit": 3}, request="?limit=3", status=204),
           components={"parameters": {"{C}Limit": _of("limit", "query", INTEGER)}}),
    _param("component of a component", {"parameters": [{"$ref": "#/components/parameters/{C}B"}]},
           Exchange(arguments={"limit": 3}, request="?limit=3", status=204), components={"parameters": {
               "{C}A": _of("limit", "query", INTEGER), "{C}B": {"$ref": "#/components/parameters/{C}A"}}}),
    _param("of the path item", {}, Exchange(arguments={"lang": "de"}, request="?lang=de", status=204),
           item={"parameters": [_of("lang", "query", STRING)]}),
    _param("of the item, overridden", {"parameters": [_of("n", "query", INTEGER)]}, Exchange(arguments={"n": 1}, request="?n=1", status=204),
           item={"parameters": [_of("n", "query", STRING)]}, signature="n: 'int | Unset'"),
    _param("same name in query and header", {"parameters": [_of("v", "query", STRING), _of("v", "header", STRING)]},
           Exchange(arguments={"v": "a", "v_": "b"}, request="?v=a", headers={"v": "b"}, status=204)),
    _param("names that clash", {"parameters": [_of("pageSize", "query", STRING), _of("page_size", "query", STRING)]},
           Exchange(arguments={"page_size": "a", "page_size_": "b"}, status=204)),
    _param("many", {"parameters": [_of(f"p{number}", "query", STRING) for number in range(40)]},
           Exchange(arguments={"p39": "a"}, request="?p39=a", status=204)),
    _param("schema with a reference", {"parameters": [_of("mood", "query", ref("{C}Mood"))]},
           Exchange(arguments={"mood": "good"}, request="?mood=good", status=204), schemas={"{C}Mood": {**STRING, "enum": ["good", "bad"]}}),
)  # fmt: skip

ROWS: tuple[Change, ...] = (*QUERY, *NAMES, *HEADERS, *PATHS, *SHARED)
