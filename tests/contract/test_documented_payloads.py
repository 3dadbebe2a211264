"""Send and receive the payloads of cStar's documentation with the client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cstar_async import APIError, CStarClient, to_dict
from cstar_async import errors as error_classes
from cstar_async._generated.all_operations import OPERATIONS
from cstar_async._model.model import Model
from cstar_async._model.open_enum import OpenEnum
from cstar_async._operations.operation import Operation
from tests.every_operation import sample_call

SAMPLES: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "samples" / "examples.json").read_text(encoding="utf-8"))
BY_DOCUMENTED_KEY = {f"{one.namespace}.{one.name}".replace(".", "_"): one for one in OPERATIONS.values()}

TYPES = {
    "status": OpenEnum,
    "priority": OpenEnum,
    "sentiment": OpenEnum,
    "sender": OpenEnum,
    "key_type": OpenEnum,
    "environment": OpenEnum,
    "created_at": datetime,
    "updated_at": datetime,
    "published_at": datetime,
}
CLASS_OF_STATUS = {
    400: error_classes.InvalidRequestError,
    401: error_classes.AuthenticationError,
    403: error_classes.PermissionDeniedError,
    429: error_classes.RateLimitError,
}


def samples(kind: str, *, errors: bool) -> list[Any]:
    """Return the samples of a kind as parameters."""
    chosen = [one for one in SAMPLES if one["kind"] == kind and (one["operation"] == "error") is errors]
    return [pytest.param(one, id=one["id"]) for one in chosen]


class Repeater:
    """A server with one response to every request. It records the bodies."""

    def __init__(self, status: int, body: object) -> None:
        self.received: list[bytes] = []
        self._status = status
        self._body = body
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._server = TestServer(application)

    async def _handle(self, request: web.Request) -> web.Response:
        self.received.append(await request.read())
        return web.json_response(self._body, status=self._status)

    async def call(self, operation: Operation, **arguments: object) -> Any:
        """Call an operation with the client; without arguments, with a sample of each."""
        async with (
            self._server,
            CStarClient(api_key="sk_test_sample", team_id="team", base_url=str(self._server.make_url("")), max_retries=0) as client,
        ):
            call = sample_call(operation)
            ids = [parameter.name for parameter in operation.parameters if parameter.location == "path"]
            return await (attrs.evolve(call, arguments=arguments) if arguments else call).make(client, *ids)


def without_nulls(value: Any) -> Any:
    """Return a JSON value without the nulls of its objects."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("sample", samples("response", errors=False))
async def test_documented_response_keeps_its_wire_format(sample: Mapping[str, Any]) -> None:
    """Every object of a response decodes, and `to_dict` returns the payload of the documentation, without nulls."""
    response = await Repeater(sample["status"], sample["body"]).call(BY_DOCUMENTED_KEY[sample["operation"]])
    rows = list(response) if isinstance(sample["body"]["data"], list) else [response]
    printed = sample["body"]["data"] if isinstance(sample["body"]["data"], list) else [sample["body"]["data"]]
    assert [to_dict(row) for row in rows] == without_nulls(printed)
    assert all(row.extra == {} for row in rows)


@pytest.mark.parametrize("sample", samples("response", errors=False))
async def test_documented_response_has_its_types(sample: Mapping[str, Any]) -> None:
    """Enum fields are known open enums, and times are datetimes with a time zone."""
    response = await Repeater(sample["status"], sample["body"]).call(BY_DOCUMENTED_KEY[sample["operation"]])
    for row in list(response) if isinstance(sample["body"]["data"], list) else [response]:
        assert isinstance(row, Model)
        for field in attrs.fields(type(row)):
            value = getattr(row, field.name)
            if value is None or field.name not in TYPES:
                continue
            assert isinstance(value, TYPES[field.name])
            assert value.is_known if isinstance(value, OpenEnum) else value.tzinfo is not None


@pytest.mark.parametrize("sample", samples("request", errors=False))
async def test_documented_request_is_sent_unchanged(sample: Mapping[str, Any]) -> None:
    """The fields of the documentation, as keyword arguments, are sent under their wire names, and nothing else."""
    operation = BY_DOCUMENTED_KEY[sample["operation"]]
    from cstar_async import models

    assert operation.request is not None
    attributes = {wire: attribute for attribute, wire in getattr(models, operation.request).__wire_names__.items()}
    repeater = Repeater(operation.success_status, {"success": True, "data": {}})
    await repeater.call(operation, **{attributes[name]: value for name, value in sample["body"].items()})
    assert [json.loads(body) for body in repeater.received] == [sample["body"]]


@pytest.mark.parametrize("sample", samples("response", errors=True))
async def test_documented_error_has_all_its_fields(sample: Mapping[str, Any]) -> None:
    """The class is that of the status, and code, message, param and request id are those of the documentation."""
    with pytest.raises(APIError) as caught:
        await Repeater(sample["status"], sample["body"]).call(OPERATIONS["list_tickets"])
    stated = sample["body"]["error"]
    stated = {"message": stated} if isinstance(stated, str) else stated
    error = caught.value
    assert type(error) is CLASS_OF_STATUS[sample["status"]]
    assert (error.message, error.code, error.param, error.request_id, error.doc_url) == (
        stated["message"],
        stated.get("code"),
        stated.get("param"),
        stated.get("request_id"),
        stated.get("doc_url"),
    )
