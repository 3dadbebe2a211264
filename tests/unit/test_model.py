"""What every model can do."""

from __future__ import annotations

import copy
import pickle

from cstar_async import from_dict
from cstar_async.models import Ticket

WIRE = {"id": "tkt_1", "status": "snoozed", "title": "Ann's password", "createdAt": "2026-03-01T00:00:00Z", "unheardOf": [1]}


def test_repr_shows_id_and_enums_and_nothing_personal() -> None:
    """A log line holds no title."""
    assert "Ticket(id='tkt_1', status='snoozed')" == repr(from_dict(Ticket, WIRE))


def test_repr_of_an_empty_model_is_its_class() -> None:
    """Nothing is known of it."""
    assert "Ticket()" == repr(from_dict(Ticket, {}))


def test_model_survives_pickle_and_copies() -> None:
    """With its unknown fields."""
    model = from_dict(Ticket, WIRE)
    assert [model] * 3 == [pickle.loads(pickle.dumps(model)), copy.copy(model), copy.deepcopy(model)]


def test_models_of_other_content_differ() -> None:
    """Unknown fields count."""
    assert from_dict(Ticket, WIRE) != from_dict(Ticket, WIRE | {"unheardOf": [2]})
