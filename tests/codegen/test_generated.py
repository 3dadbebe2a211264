"""The generated code of the real document."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from typing import Any

import attrs
import pytest

from codegen.__main__ import ROOT
from codegen.spec.vocabulary import RESERVED_CLIENT_NAMES
from cstar_async import CStarClient, api, models
from cstar_async._generated.all_operations import OPERATIONS
from cstar_async._model.model import Model
from cstar_async._model.open_enum import OpenEnum
from cstar_async._types import UNSET
from cstar_async.api._namespaces import ClientNamespaces
from cstar_async.models.tickets import Ticket, TicketStatus, TicketUpdate, decode_ticket, decode_ticket_update

CLASSES = [getattr(models, name) for name in models.__all__ if isinstance(getattr(models, name), type)]
MODELS = [kind for kind in CLASSES if issubclass(kind, Model)]


def _decoder(kind: type[Model]) -> Any:
    return sys.modules[kind.__module__].DECODERS[kind]


def test_every_operation_is_a_function_and_a_method() -> None:
    """The function, its public name and the method are one object."""
    for operation in OPERATIONS.values():
        root, *below = operation.namespace.split(".")
        module = importlib.import_module(f"cstar_async.api.{root}")
        constants = importlib.import_module(f"cstar_async._generated.operations.{root}")
        namespace = getattr(module, "".join(part.title().replace("_", "") for part in (root, *below)) + "Namespace")

        assert getattr(api, operation.id) is getattr(namespace, operation.name)
        assert getattr(constants, operation.id.upper()) is operation


def test_every_class_is_a_model_or_an_open_enum() -> None:
    """The package exports nothing else."""
    assert all(issubclass(kind, (Model, OpenEnum)) for kind in CLASSES)


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_model_decodes_an_empty_object(kind: type[Model]) -> None:
    """A missing field is None in a response and UNSET in a body."""
    found = _decoder(kind)({})

    nothing = UNSET if kind.__keeps_null__ else None
    assert dict.fromkeys(kind.__wire_names__, nothing) == {
        attribute: getattr(found, attribute) for attribute in kind.__wire_names__
    }


@pytest.mark.parametrize("value", [None, 5, "text", [], {}, [None], True])
@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_model_decodes_unexpected_values(kind: type[Model], value: Any) -> None:
    """A value of another type than documented is decoded or passed through."""
    found = _decoder(kind)(dict.fromkeys(kind.__wire_names__.values(), value))

    assert isinstance(found, kind)


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_annotations_of_models_resolve(kind: type[Model]) -> None:
    """Users and cattrs can ask a model for its types."""
    resolved = attrs.fields_dict(attrs.resolve_types(kind))

    assert {*kind.__wire_names__, "extra"} == resolved.keys()
    assert not any(isinstance(field.type, str) for field in resolved.values())


def test_unknown_fields_are_kept() -> None:
    """Fields that the document does not list are in `extra`, and only those."""
    assert {"mood": "good"} == decode_ticket({"id": "tkt_1", "mood": "good"}).extra


def test_models_of_bodies_distinguish_null_from_absent() -> None:
    """None clears a field, UNSET leaves it alone."""
    found = decode_ticket_update({"notes": None})

    assert (TicketUpdate(notes=None), True) == (found, TicketUpdate.__keeps_null__)


def test_models_are_made_by_keyword() -> None:
    """Required fields must be given; all others are None."""
    ticket = Ticket(id="tkt_1", title="T", status=TicketStatus.OPEN, priority="low", tags=[], created_at=None)  # type: ignore[arg-type]

    assert "Ticket(id='tkt_1', status='open', tags=0)" == repr(ticket)
    with pytest.raises(TypeError):
        Ticket()  # type: ignore[call-arg]


def test_client_has_a_property_for_every_root_namespace() -> None:
    """The namespaces of the client are those of the operations."""
    roots = {operation.namespace.partition(".")[0] for operation in OPERATIONS.values() if operation.scope != "library"}

    assert roots == {name for name in vars(ClientNamespaces) if not name.startswith("_")}


def test_names_of_the_client_are_reserved() -> None:
    """No namespace can replace an attribute of the client."""
    own = {name for name in dir(CStarClient) if not name.startswith("_")} - set(vars(ClientNamespaces))

    assert own <= RESERVED_CLIENT_NAMES


@pytest.mark.parametrize("package", [models, api])
def test_package_lists_its_names(package: Any) -> None:
    """`dir()` of a package is its public names, and any other name is an `AttributeError`."""
    assert sorted(package.__all__) == dir(package)
    with pytest.raises(AttributeError, match="has no attribute 'Ghost'"):
        _ = package.Ghost


def test_packages_import_their_modules_lazily() -> None:
    """Importing a package imports none of its modules; a name imports the module that has it."""
    code = (
        "import sys, cstar_async.api, cstar_async.models as models\n"
        "def loaded(): return sorted(one for one in sys.modules if one.startswith(('cstar_async.models.', 'cstar_async.api.')))\n"
        "assert loaded() == [], loaded()\n"
        "models.Whoami\n"
        "assert loaded() == ['cstar_async.models.auth'], loaded()\n"
    )

    assert 0 == subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode


def test_a_call_imports_the_operations_of_its_own_namespace_only() -> None:
    """The first call imports only what it uses."""
    code = (
        "import sys, cstar_async\n"
        "cstar_async.CStarClient(api_key='sk_test_a').tickets.list\n"
        "made = [name for name in sys.modules if name.startswith('cstar_async._generated.') and 'operations' in name]\n"
        "assert made == ['cstar_async._generated.operations', 'cstar_async._generated.operations.tickets'], made\n"
    )

    assert 0 == subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_docstring_of_a_class_lists_its_attributes(kind: type[Model | OpenEnum]) -> None:
    """`help()` shows the fields of a model and the constants of an enum, in the order of the document."""
    section = (inspect.getdoc(kind) or "").partition("\nAttributes:\n")[2].partition("\n\n")[0]
    listed = [line.strip().partition(":")[0] for line in section.splitlines() if line.startswith("    ") and line[4] != " "]
    names = kind.__wire_names__ if issubclass(kind, Model) else (name for name in vars(kind) if name.isupper())

    assert list(names) == listed
