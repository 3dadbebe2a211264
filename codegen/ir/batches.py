"""The prose of functions that carry an operation out for an array of any length."""

from __future__ import annotations

from codegen import naming as names
from codegen.ir.docstrings import Section, docstring, sentence, source_of
from codegen.ir.errors import raises
from codegen.ir.operations import size_of_call
from codegen.lint.batches import RUN_ALL
from codegen.spec.document import Document, Operation

_HOW = (
    "Calls `{method}` for {size} at a time, one call after the other, and adds the results up. A call that fails ends it with its"
    " error; what was done before stays done. To go on after that, or after a crash, repeat it within a day with the same"
    " *idempotency_key* and the same arguments in the same order: nothing is done twice."
)
_ITEMS = "A list or tuple of any length. Without items nothing is called, and the result counts zeros."
_KEY = (
    "A text that names this one intent, the same however often it is tried; each call has a key that is derived from it. None: one"
    " is made, which protects the attempts of each call but not a repetition of the whole."
)
_OPTIONS = "Settings for each of the calls; a deadline is that of a single call."


def docstring_for_all(document: Document, operation: Operation, arguments: dict[str, str]) -> str:
    """The docstring of the function.

    Args:
        document: Where the operation is from.
        operation: What is carried out.
        arguments: The prose of all fields of the body, by their Python names.
    """
    split = names.attribute(operation.node[RUN_ALL]["split"])
    how = _HOW.format(method=f"{operation.namespace}.{operation.node['x-cstar-method']}", size=size_of_call(document, operation))
    told = {**arguments, split: _ITEMS, "idempotency_key": _KEY, "options": _OPTIONS}
    return docstring(
        [
            sentence(f"{operation.node['summary'].rstrip('.')}, any number of `{split}`"),
            how,
            Section("Args", tuple(told.items())),
            Section("Returns", (("", _sum_of(operation, split)),)),
            Section("Raises", tuple(raises(document, operation, is_paged=False, has_limits=False))),
            source_of(operation.node),
        ],
        depth=1,
    )


def _sum_of(operation: Operation, split: str) -> str:
    rule = operation.node[RUN_ALL]
    counted = f", with `{names.attribute(rule['shift'])}` counted through all of `{split}`" if "shift" in rule else ""
    return f"One result: {_listed(rule['add'])} added up, {_listed(rule['join'])} joined{counted}."


def _listed(wires: list[str]) -> str:
    *first, last = (f"`{names.attribute(wire)}`" for wire in wires)
    return f"{', '.join(first)} and {last}" if first else last
