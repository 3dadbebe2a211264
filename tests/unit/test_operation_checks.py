"""Arrays of bodies that are too long are refused."""

from __future__ import annotations

import pytest

from cstar_async import InvalidArgumentError
from cstar_async._client.operation_checks import check_item_limits
from cstar_async._generated.operations.bulk import RUN_BULK
from cstar_async._generated.operations.exports import RUN_EXPORT
from cstar_async._generated.operations.tickets import CREATE_TICKET
from cstar_async.models import BulkRun, ExportRun, TicketCreate


def test_body_of_plain_json_is_held_to_the_limit_too() -> None:
    """Whatever form it has, the field is looked up by its wire name."""
    with pytest.raises(InvalidArgumentError, match="ids must have at most 100 items, got 101"):
        check_item_limits(RUN_BULK, {"ids": ["tkt_1"] * 101})


def test_refusal_names_the_operation() -> None:
    """As every error of a call does."""
    with pytest.raises(InvalidArgumentError) as caught:
        check_item_limits(RUN_BULK, BulkRun(action="delete", resource="tickets", ids=["tkt_1"] * 101))
    assert caught.value.operation == "run_bulk"


@pytest.mark.parametrize("format", ["json", "xml"])
def test_limit_of_one_value_does_not_hold_for_others(format: str) -> None:
    """Nor where the field is left out."""
    check_item_limits(RUN_EXPORT, ExportRun(resources=[{}, {}], format=format))
    check_item_limits(RUN_EXPORT, ExportRun(resources=[{}, {}]))


def test_operation_without_limits_refuses_nothing() -> None:
    """Tags of a ticket may be as many as they like; a call without a body is none of its business."""
    check_item_limits(CREATE_TICKET, TicketCreate(title="a", tags=["x"] * 1_000))
    check_item_limits(RUN_BULK, None)


def test_what_is_no_array_is_left_to_the_server() -> None:
    """A long text is not counted by its letters."""
    check_item_limits(RUN_BULK, {"ids": "x" * 200})
