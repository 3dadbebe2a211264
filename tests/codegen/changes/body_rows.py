"""Request bodies and responses: content types, forms, statuses, headers, envelopes and empty responses."""

from __future__ import annotations

from functools import partial

from codegen.spec.document import Node
from tests.codegen.changes.rows import Change, Exchange, call_row
from tests.codegen.changes.schema_rows import INTEGER, LABEL, STRING
from tests.codegen.packages import ref, returns, takes

_body = partial(call_row, "Request body", method="post")
_response = partial(call_row, "Responses")

FORM = "application/x-www-form-urlencoded"
TEXTS = {"type": "array", "items": STRING}
_JSON = {"Content-Type": "application/json"}
_LABELS = {"{C}Label": LABEL}
_NAMED: Node = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": STRING, "note": {"type": ["string", "null"]}, "n": INTEGER},
}
_NEW = {"{C}New": _NAMED}


def _sends(sent: object, **arguments: object) -> Exchange:
    return Exchange(arguments=arguments, sent=sent, status=204, headers=_JSON)


BODIES = (
    _body("component", {"requestBody": takes(ref("{C}New"))}, _sends({"name": "a"}, name="a"), _sends({"name": "a", "note": None, "n": 1},
          name="a", note=None, n=1), schemas=_NEW),
    _body("inline object", {"requestBody": takes(_NAMED)}, _sends({"name": "a", "n": 0}, name="a", n=0)),
    _body("by reference", {"requestBody": {"$ref": "#/components/requestBodies/{C}Body"}}, _sends({"name": "a"}, name="a"),
          components={"requestBodies": {"{C}Body": takes(_NAMED)}}),
    _body("array of texts", {"requestBody": takes(TEXTS)}, _sends(["a"], body=["a"])),
    _body("array of models", {"requestBody": takes({"type": "array", "items": ref("{C}Label")})}, _sends([{"text": "a"}], body=[{"text": "a"}]),
          schemas=_LABELS),
    _body("text", {"requestBody": takes(STRING)}, _sends("a", body="a")),
    _body("integer", {"requestBody": takes(INTEGER)}, _sends(3, body=3)),
    _body("boolean", {"requestBody": takes({"type": "boolean"})}, _sends(False, body=False)),
    _body("map", {"requestBody": takes({"type": "object", "additionalProperties": INTEGER})}, _sends({"a": 1}, body={"a": 1})),
    _body("free object", {"requestBody": takes({"type": "object"})}, _sends({"a": [1]}, body={"a": [1]}), _sends({}, body={})),
    _body("anything", {"requestBody": takes({})}, _sends([1], body=[1]), _sends("a", body="a")),
    _body("one of two models", {"requestBody": takes({"oneOf": [ref("{C}Label"), ref("{C}New")]})}, _sends({"name": "a"}, body={"name": "a"}),
          schemas={**_LABELS, **_NEW}),
    _body("nullable object", {"requestBody": takes({"type": ["object", "null"], "properties": {"a": STRING}})}, _sends({"a": "x"}, body={"a": "x"}),
          _sends(None, body=None)),
    _body("anything, null", {"requestBody": takes({})}, _sends(None, body=None)),
    _body("not required", {"requestBody": takes(ref("{C}New"), required=None)}, Exchange(status=204, sent=b""), _sends({"name": "a"}, name="a"),
          schemas=_NEW),
    _body("optional", {"requestBody": takes(_NAMED, required=False)}, Exchange(status=204, sent=b""), _sends({"n": 1}, n=1)),
    _body("optional without required fields", {"requestBody": takes(LABEL, required=False)}, _sends({"text": "a"}, text="a")),
    _body("no fields given", {"requestBody": takes(LABEL)}, _sends({})),
    _body("field names", {"requestBody": takes({"type": "object", "properties": {"fromDate": STRING, "class": STRING, "_id": STRING, "self": STRING}})},
          _sends({"fromDate": "a", "class": "b", "_id": "c", "self": "d"}, from_date="a", class_="b", id="c", self_="d")),
    _body("field that hides a method", {"requestBody": takes({"type": "object", "properties": {"runAll": STRING, "create": STRING}})},
          _sends({"runAll": "a", "create": "b"}, run_all="a", create="b")),
    _body("field named body", {"requestBody": takes({"type": "object", "properties": {"body": STRING}})}, _sends({"body": "a"}, body="a")),
    _body("all of", {"requestBody": takes({"allOf": [ref("{C}New"), LABEL]})}, _sends({"name": "a", "text": "b"}, name="a", text="b"), schemas=_NEW),
    _body("nested null", {"requestBody": takes({"type": "object", "properties": {"inner": _NAMED}})},
          _sends({"inner": {"name": "a", "note": None}}, inner={"name": "a", "note": None})),
    _body("charset", {"requestBody": takes(_NAMED, "application/json; charset=utf-8")}, _sends({"name": "a"}, name="a")),
    _body("merge patch", {"requestBody": takes(_NAMED, "application/merge-patch+json")},
          Exchange(arguments={"name": "a", "note": None}, sent={"name": "a", "note": None}, status=204,
                   headers={"Content-Type": "application/merge-patch+json"})),
    _body("vendor json", {"requestBody": takes(_NAMED, "application/vnd.api+json")},
          Exchange(arguments={"name": "a"}, sent={"name": "a"}, status=204, headers={"Content-Type": "application/vnd.api+json"})),
    _body("any type", {"requestBody": takes(_NAMED, "*/*")}, _sends({"name": "a"}, name="a")),
    _body("two types", {"requestBody": {"content": {FORM: {"schema": _NAMED}, "application/json": {"schema": _NAMED}}}},
          _sends({"name": "a"}, name="a"), notes=(f"the type `{FORM}` is passed over",)),
    _body("empty content", {"requestBody": {"content": {}}}, Exchange(status=204, sent=b"")),
    _body("no schema", {"requestBody": {"content": {"application/json": {}}}}, _sends({"a": 1}, body={"a": 1})),
    _body("description", {"requestBody": {**takes(TEXTS), "description": "The names to add."}}, _sends(["a"], body=["a"]),
          doc=("body: The names to add.",)),
    _body("example", {"requestBody": {"required": True, "content": {"application/json": {"schema": _NAMED, "example": {"name": "Rex"}}}}},
          _sends({"name": "a"}, name="a")),
    _body("body of a DELETE", {"requestBody": takes(_NAMED)}, _sends({"name": "a"}, name="a"), method="delete"),
    _body("body of a PUT", {"requestBody": takes(_NAMED)}, _sends({"name": "a"}, name="a"), method="put"),
    _body("body of a PATCH", {"requestBody": takes(_NAMED)}, _sends({"name": "a"}, name="a"), method="patch"),
    _body("no body", {}, Exchange(status=204, sent=b"")),
    _body("form", {"requestBody": takes({"type": "object", "properties": {"a": STRING, "b": INTEGER, "c": {"type": "boolean"}, "d": TEXTS}}, FORM)},
          Exchange(arguments={"a": "x y&", "b": 1, "c": True, "d": ["p", "q"]}, sent=b"a=x+y%26&b=1&c=true&d=p&d=q", status=204,
                   headers={"Content-Type": FORM})),
    _body("form joined", {"requestBody": {"content": {FORM: {"schema": {"type": "object", "properties": {"d": TEXTS}},
          "encoding": {"d": {"style": "form", "explode": False}}}}}}, Exchange(arguments={"d": ["p", "q"]}, sent=b"d=p%2Cq", status=204)),
    _body("form with an object", {"requestBody": takes({"type": "object", "properties": {"o": LABEL}}, FORM)},
          Exchange(arguments={"o": {"text": "a"}}, sent=b"o=%7B%22text%22%3A%22a%22%7D", status=204)),
    _body("form deep", {"requestBody": {"content": {FORM: {"schema": {"type": "object", "properties": {"o": LABEL}},
          "encoding": {"o": {"style": "deepObject", "explode": True}}}}}},
          Exchange(arguments={"o": {"text": "a"}}, sent=b"o%5Btext%5D=a", status=204)),
    _body("form component", {"requestBody": takes(ref("{C}New"), FORM)}, Exchange(arguments={"name": "a"}, sent=b"name=a", status=204), schemas=_NEW),
)  # fmt: skip


def _gives(response: object, result: object, type_name: str = "", **more: object) -> Exchange:
    return Exchange(response=response, result=result, type_name=type_name, **more)  # type: ignore[arg-type]


_TEXT = {"text": "a"}
RESPONSES = (
    _response("model", {"responses": returns(ref("{C}Label"))}, _gives(_TEXT, _TEXT, "{C}Label"), schemas=_LABELS),
    _response("inline model", {"responses": returns(LABEL)}, _gives(_TEXT, _TEXT, "Call{C}Response")),
    _response("by reference", {"responses": {"200": {"$ref": "#/components/responses/{C}Answer"}}}, _gives(_TEXT, _TEXT, "{C}Label"),
              components={"responses": {"{C}Answer": returns(ref("{C}Label"))["200"]}}, schemas=_LABELS),
    _response("list of models", {"responses": returns({"type": "array", "items": ref("{C}Label")})}, _gives([_TEXT], [_TEXT], "Page[{C}Label]"),
              schemas=_LABELS),
    _response("list by POST", {"responses": returns({"type": "array", "items": ref("{C}Label")})}, _gives([_TEXT], [_TEXT], "list[{C}Label]"),
              schemas=_LABELS, method="post"),
    _response("list of texts", {"responses": returns(TEXTS)}, _gives(["a"], ["a"], "list[str]")),
    _response("text", {"responses": returns(STRING)}, _gives("a", "a", "str")),
    _response("integer", {"responses": returns(INTEGER)}, _gives(3, 3, "int")),
    _response("boolean", {"responses": returns({"type": "boolean"})}, _gives(False, False, "bool")),
    _response("date", {"responses": returns({**STRING, "format": "date"})}, _gives("2026-03-01", "2026-03-01", "date")),
    _response("enum", {"responses": returns({**STRING, "enum": ["a", "b"]})}, _gives("a", "a", "Call{C}Response")),
    _response("map of models", {"responses": returns({"type": "object", "additionalProperties": ref("{C}Label")})},
              _gives({"k": _TEXT}, {"k": _TEXT}, "dict[{C}Label]"), schemas=_LABELS),
    _response("free object", {"responses": returns({"type": "object"})}, _gives({"k": [1]}, {"k": [1]})),
    _response("anything", {"responses": returns({})}, _gives([1, "a"], [1, "a"])),
    _response("nullable model", {"responses": returns({"oneOf": [ref("{C}Label"), {"type": "null"}]})}, _gives(_TEXT, _TEXT, "{C}Label"),
              _gives(b"null", None, "NoneType"), schemas=_LABELS),
    _response("union", {"responses": returns({"oneOf": [ref("{C}A"), ref("{C}B")]})}, _gives({"kind": "a", "x": 1}, {"kind": "a", "x": 1}, "{C}A"),
              schemas={f"{{C}}{name.upper()}": {"type": "object", "required": ["kind"], "properties": {"kind": {"const": name}, "x": INTEGER}}
                       for name in ("a", "b")}),
    _response("text or model", {"responses": returns({"oneOf": [STRING, ref("{C}Label")]})}, _gives("a", "a", "str"), _gives(_TEXT, _TEXT, "{C}Label"),
              schemas=_LABELS),
    _response("no content", {"responses": returns(None, "204")}, _gives(b"", None, "NoneType", status=204)),
    _response("no content by DELETE", {"responses": returns(None, "204")}, _gives(b"", None, "NoneType", status=204), method="delete"),
    _response("accepted", {"responses": returns(None, "202")}, _gives(b"", None, "NoneType", status=202), method="post"),
    _response("created", {"responses": returns(LABEL, "201")}, _gives(_TEXT, _TEXT, status=201), method="post"),
    _response("200 or 204", {"responses": {**returns(ref("{C}Label")), **returns(None, "204")}}, _gives(_TEXT, _TEXT, "{C}Label"),
              _gives(b"", None, "NoneType", status=204), schemas=_LABELS),
    _response("200 or 201 of one schema", {"responses": {**returns(ref("{C}Label")), **returns(ref("{C}Label"), "201")}},
              _gives(_TEXT, _TEXT, "{C}Label"), _gives(_TEXT, _TEXT, "{C}Label", status=201), schemas=_LABELS, method="put"),
    _response("2XX", {"responses": returns(ref("{C}Label"), "2XX")}, _gives(_TEXT, _TEXT, "{C}Label", status=203), schemas=_LABELS),
    _response("default alone", {"responses": returns(ref("{C}Label"), "default")}, _gives(_TEXT, _TEXT, "{C}Label"), schemas=_LABELS),
    _response("default for errors", {"responses": {**returns(ref("{C}Label")), **returns({"type": "object"}, "default")}},
              _gives(_TEXT, _TEXT, "{C}Label"), Exchange(response={"message": "m"}, status=418, error="APIError"), schemas=_LABELS),
    _response("no responses", {"responses": {}}, _gives({"a": 1}, {"a": 1}), notes=("returns any JSON",)),
    _response("vendor json", {"responses": returns(LABEL, media="application/vnd.api+json")},
              _gives(_TEXT, _TEXT, media="application/vnd.api+json; charset=utf-8")),
    _response("json with a charset", {"responses": returns(LABEL, media="application/json; charset=utf-8")}, _gives(_TEXT, _TEXT)),
    _response("json in capitals", {"responses": returns(LABEL, media="Application/JSON")}, _gives(_TEXT, _TEXT)),
    _response("any type", {"responses": returns(LABEL, media="*/*")}, _gives(_TEXT, _TEXT)),
    _response("plain text", {"responses": returns(STRING, media="text/plain")}, _gives("ü".encode(), "ü", "str", media="text/plain")),
    _response("plain text with a charset", {"responses": returns(STRING, media="Text/Plain; charset=utf-8")},
              _gives("ü".encode(), "ü", "str", media="text/plain; charset=utf-8")),
    _response("html", {"responses": returns(STRING, media="text/html")}, _gives(b"<p>", "<p>", "str", media="text/html")),
    _response("xml", {"responses": returns(STRING, media="application/xml")}, _gives(b"<a/>", "<a/>", "str", media="application/xml")),
    _response("csv", {"responses": returns(STRING, media="text/csv")}, _gives(b"a,b", "a,b", "str", media="text/csv")),
    _response("json or xml", {"responses": {"200": {"description": "It.", "content": {"application/xml": {}, "application/json": {"schema": LABEL}}}}},
              _gives(_TEXT, _TEXT)),
    _response("json or csv", {"responses": {"200": {"description": "It.", "content": {"application/json": {"schema": LABEL}, "text/csv": {}}}}},
              _gives(_TEXT, _TEXT), _gives(b"a,b", "a,b", "str", media="text/csv")),
    _response("description", {"responses": {"200": {"description": "The label of it.", "content": {"application/json": {"schema": LABEL}}}}},
              _gives(_TEXT, _TEXT), doc=("The label of it.",)),
    _response("404 described", {"responses": {**returns(LABEL), "404": {"description": "There is no label."}}},
              Exchange(response={}, status=404, error="NotFoundError"), doc=("NotFoundError: There is no label.",)),
    *(
        _response(f"error {status}", {"responses": {**returns(LABEL), str(status): {"description": f"Reason {status}."}}},
                  Exchange(response={"error": {"code": "c", "message": "m"}}, status=status, error=error), doc=(f"{error}: Reason {status}.",))
        for status, error in {400: "InvalidRequestError", 401: "AuthenticationError", 402: "APIError", 403: "PermissionDeniedError",
                              409: "ConflictError", 410: "APIError", 418: "APIError", 422: "InvalidRequestError"}.items()
    ),
    _response("problem details", {"responses": {**returns(LABEL), "400": {"description": "Wrong.", "content": {"application/problem+json": {
        "schema": {"type": "object"}}}}}}, Exchange(response={"title": "t", "detail": "d"}, status=400, error="InvalidRequestError",
        media="application/problem+json")),
    _response("redirect", {"responses": {"302": {"description": "Elsewhere."}, **returns(LABEL)}},
              Exchange(response=b"", status=302, error="APIError", response_headers={"Location": "/elsewhere"})),
    _response("not what is promised", {"responses": returns(ref("{C}Label"))}, Exchange(response=b"[1", error="DecodeError"),
              Exchange(response=[1], error="DecodeError"), schemas=_LABELS),
    _response("links", {"responses": {"200": {**returns(LABEL)["200"], "links": {"next": {"operationId": "x"}}}}}, _gives(_TEXT, _TEXT)),
    _response("a list in an object", {"responses": returns({"type": "object", "properties": {"items": {"type": "array", "items": ref("{C}Label")}}})},
              _gives({"items": [_TEXT]}, {"items": [_TEXT]}), schemas=_LABELS),
)  # fmt: skip

ROWS: tuple[Change, ...] = (*BODIES, *RESPONSES)
