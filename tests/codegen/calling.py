"""Call every operation of a generated package with values of the document, and compare what is sent and what comes back."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from codegen.naming import RESERVED_ARGUMENTS
from codegen.spec.document import Node
from cstar_async import Model, Page, Paginator
from tests.codegen.changes.running import fits, hints_of, plain
from tests.codegen.packages import Stub
from tests.codegen.samples import Samples, path_of, query_of

_KEY = "Idempotency-Key"
_FILE = b"\x89some bytes\r\n"


@dataclass
class Report:
    """What came of the calls of a package."""

    called: dict[str, int] = field(default_factory=dict)
    """The number of operations by kind: the method, the body and the result."""
    faults: list[str] = field(default_factory=list)


def client_of(package: ModuleType, url: str) -> Any:
    """Return a client of a package, with a value for each of its credentials."""
    client_class = getattr(package, package.__all__[0])
    given = inspect.signature(client_class).parameters
    credentials = {name: "k1" for name, one in given.items() if name != "base_url" and one.kind is inspect.Parameter.KEYWORD_ONLY}
    return client_class(base_url=url, max_retries=0, **credentials)


def _operations(package: ModuleType) -> Iterator[tuple[Any, Any]]:
    """Yield each operation of a package with its function."""
    operations = importlib.import_module(f"{package.__name__}._generated.all_operations").OPERATIONS
    api = importlib.import_module(f"{package.__name__}.api")
    for name, operation in operations.items():
        yield operation, getattr(api, name)


async def call_all(package: ModuleType, raw: Node, stub: Stub) -> Report:
    """Call each operation once with all arguments."""
    report, samples = Report(), Samples(raw)
    async with client_of(package, f"{stub.url}/base") as client:
        for operation, function in _operations(package):
            item = samples.resolved(raw["paths"][operation.path])
            call = _Call(samples, item, item[operation.method.lower()], operation, function)
            try:
                kind = await call.run(client, stub)
            except Exception as error:
                report.faults.append(f"{operation.method} {operation.path}: {type(error).__name__}: {error}"[:400])
            else:
                report.called[kind] = report.called.get(kind, 0) + 1
                report.faults += (f"{operation.method} {operation.path}: {fault}"[:400] for fault in call.faults)
    return report


class _Call:
    def __init__(self, samples: Samples, item: Node, node: Node, operation: Any, function: Any) -> None:
        self._samples, self._operation, self._function = samples, operation, function
        given = [samples.resolved(one) for one in (*item.get("parameters", ()), *node.get("parameters", ()))]
        self._parameters = {(one["in"], one["name"]): one for one in given}
        self._body = samples.resolved(node.get("requestBody", {}))
        good = [status for status in node["responses"] if status[:1] == "2"] or ["default"]
        responses = [samples.resolved(node["responses"].get(status, {})) for status in good]
        self._status = next((int(status) for status in good if status.isdecimal()), 200)
        self._response = next((one for one in responses if one.get("content")), responses[0])
        self.faults: list[str] = []

    def _value_of(self, parameter: Node) -> Any:
        schema = parameter.get("schema") or next(iter(parameter.get("content", {"": {}}).values())).get("schema", {})
        value = self._samples.of(schema, 2)
        return [one for one in value if one is not None] if isinstance(value, list) else value

    async def run(self, client: Any, stub: Stub) -> str:
        arguments: dict[str, Any] = {}
        values: dict[tuple[str, str], Any] = {}
        for one in self._operation.parameters:
            parameter = self._parameters.setdefault((one.location, one.name), {"name": one.name, "in": one.location})
            arguments[one.attribute] = values[one.location, one.name] = self._value_of(parameter)
        body, media = self._add_body(arguments)
        response, response_media = self._sample_response()
        stub.set(response, self._status, response_media)
        result = self._function(client, **arguments)
        is_paged = isinstance(result, Paginator)
        result = await result
        self._check_request(stub, values, body, media)
        self._check_result(result, response, response_media)
        shape = "list" if is_paged else self._operation.shape
        return f"{self._operation.method} {media or '-'} -> {shape}"

    def _add_body(self, arguments: dict[str, Any]) -> tuple[Any, str]:
        """Add the arguments of the body, and return it with its type."""
        content = self._body.get("content", {})
        chosen = next((one for one in content if "json" in one or one == "*/*"), None)
        chosen = chosen or next((one for one in content if one.startswith(("application/x-www-form", "multipart/"))), None)
        names = inspect.signature(self._function).parameters
        if chosen is None and self._operation.body_format == "file":
            arguments["body"] = _FILE
            return _FILE, next(iter(content))
        if chosen is None:
            return None, ""
        value = self._samples.of(content[chosen].get("schema", {}))
        for wire in self._operation.file_fields & value.keys() if isinstance(value, dict) else ():
            value[wire] = [_FILE] if isinstance(value[wire], list) else _FILE
        model = self._body_model()
        if model is None:
            arguments["body_" if "body" in arguments else "body"] = value
            return value, chosen
        sent: dict[str, Any] = {}
        for attribute, wire in model.__wire_names__.items():
            taken = {*arguments, *RESERVED_ARGUMENTS}
            name = next(one for one in (attribute, f"{attribute}_", f"{attribute}_2") if one in names and one not in taken)
            if wire in value:
                arguments[name] = sent[wire] = value[wire]
        return sent, chosen

    def _body_model(self) -> Any:
        module = importlib.import_module(self._function.__module__)
        found = re.search(r"\bbody ?= ?([A-Z]\w*)\(", inspect.getsource(self._function))
        return getattr(module, found[1]) if found else None

    def _sample_response(self) -> tuple[Any, str]:
        content = self._response.get("content", {})
        media = next((one for one in content if "json" in one or one == "*/*"), None) or next(iter(content), "")
        if not media:
            return b"", "text/plain"
        if "json" in media or media == "*/*":
            return self._samples.of(content[media].get("schema", {})), "application/json"
        return b"some text", media

    def _check_request(self, stub: Stub, values: dict[tuple[str, str], Any], body: Any, media: str) -> None:
        line, headers, content = stub.requests[-1]
        method, _, target = line.partition(" ")
        url = urlsplit(target)
        path = path_of(self._operation.path, {name: value for (place, name), value in values.items() if place == "path"})
        self._expect(f"{self._operation.method} /base{path}", f"{method} {url.path}")
        query: list[tuple[str, str]] = []
        for (place, name), value in values.items():
            parameter = self._parameters[place, name]
            if place == "query" and "content" in parameter:
                query.append((name, json.dumps(value, separators=(",", ":"), ensure_ascii=False)))
            elif place == "query":
                query += query_of(parameter, value)
            elif place == "header" and name != _KEY and not isinstance(value, dict | list):
                text = str(value).lower() if isinstance(value, bool) else str(value)
                self._expect(text if text.isascii() else headers.get(name), headers.get(name))
        self._expect(sorted(query), sorted(parse_qsl(url.query, keep_blank_values=True)))
        if media and "json" in media:
            self._expect(body, json.loads(content))
            self._expect(media.partition(";")[0].lower(), headers["Content-Type"].partition(";")[0].lower())
        elif media.startswith("multipart/"):
            self._expect(_parts_of(body), _parts_sent(content, headers["Content-Type"]))
        elif isinstance(body, bytes):
            self._expect((media if media.count("/") == 1 else "application/octet-stream", body), (headers["Content-Type"], content))
        elif media:
            self._expect("application/x-www-form-urlencoded", headers.get("Content-Type") if content else media.partition(";")[0])

    def _check_result(self, result: Any, response: Any, media: str) -> None:
        if media != "application/json":
            self._expect(True, result in (None, "some text", b"some text"))
            return
        value = response["data"] if self._operation.has_envelope and isinstance(response, dict) and "data" in response else response
        is_page = isinstance(result, Page) and not self._operation.has_envelope
        for key in (self._operation.paging.items or ()) if is_page and self._operation.paging else ():
            value = value.get(key, [])
        found = [plain(one) for one in result] if isinstance(result, Page) else plain(result)
        self._expect(_without_null(value), _without_null(found))
        for one in _models_in(result):
            hints = hints_of(type(one))
            for name in one.__wire_names__:
                if not fits(getattr(one, name), hints[name]) and getattr(one, name) is not None:
                    self.faults.append(f"{type(one).__name__}.{name} is {getattr(one, name)!r}, not {hints[name]}")

    def _expect(self, wanted: Any, got: Any) -> None:
        if wanted != got:
            self.faults.append(f"wanted {wanted!r}, got {got!r}")


def _parts_of(body: Any) -> list[tuple[str, bytes]]:
    """Return the parts that a form must have."""
    found: list[tuple[str, bytes]] = []
    for wire, value in body.items():
        for one in value if isinstance(value, list) else [value]:
            text = one if isinstance(one, str) else json.dumps(one, separators=(",", ":"), ensure_ascii=False, default=str)
            found.append((wire, one if isinstance(one, bytes) else text.encode()))
    return found


def _parts_sent(content: bytes, content_type: str) -> list[tuple[str, bytes]]:
    """Return the parts of a form as it was sent."""
    boundary = b"--" + content_type.partition("boundary=")[2].encode()
    parts = [part.removeprefix(b"\r\n").removesuffix(b"\r\n").partition(b"\r\n\r\n") for part in content.split(boundary)[1:-1]]
    return [(re.search(r'name="([^"]*)"', head.decode())[1], part) for head, _, part in parts]  # type: ignore[index]


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(inner) for key, inner in value.items() if inner is not None}
    return [_without_null(inner) for inner in value] if isinstance(value, list) else value


def _models_in(value: Any) -> Iterator[Model]:
    if isinstance(value, Model):
        yield value
        for name in value.__wire_names__:
            yield from _models_in(getattr(value, name))
    elif isinstance(value, list | Page):
        for one in value:
            yield from _models_in(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _models_in(one)
