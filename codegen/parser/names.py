"""Choose the Python names of fields, functions and constants: from the document, from the last output, or by a rule.

A name of the last output stays as long as the thing is there, so that a document that grows renames nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias

from codegen import naming as names
from codegen.errors import ProblemCollector
from codegen.spec.document import Node

NAME = "x-cstar-name"
"""The Python name of a property, a parameter or an operation."""
CLASS = "x-cstar-class"
"""The class of a schema."""
Chosen: TypeAlias = dict[str, dict[str, str]]
"""The names of each scope (a class, or a kind such as `functions`) that differ from their keys."""
FUNCTIONS = "functions"
"""The scope of the names of functions, by the pointers of operations."""


class NameChooser:
    """Chooses names, and collects them for the next run.

    Args:
        kept: The names of the last output.
        problems: Collects names of the document that cannot be used.
    """

    def __init__(self, kept: Mapping[str, Mapping[str, str]], problems: ProblemCollector) -> None:
        self.kept = kept
        self.chosen: Chosen = {}
        self._problems = problems

    def choose(
        self,
        scope: str,
        texts: Mapping[str, str],
        rule: Callable[[str], str],
        *,
        owners: Mapping[str, tuple[Node, str]] | None = None,
        taken: Collection[str] = (),
    ) -> dict[str, str]:
        """Return a name of its own for each key.

        Args:
            scope: Where the names must differ.
            texts: What each name is made from.
            rule: Makes a name from a str.
            owners: The object of the document for each key, with its pointer. It may give the name.
            taken: Names that are not free.
        """
        given: dict[str, str] = {}
        for key, (node, pointer) in (owners or {}).items():
            name = node.get(NAME)
            if not isinstance(name, str):
                continue
            if rule(name) != name or name in (*taken, *given.values()):
                self._problems.add(pointer, f"`{NAME}` must be a free Python name in snake_case, got `{name}`.")
            else:
                given[key] = name
        others = {key: text for key, text in texts.items() if key not in given}
        found = given | names.distinct(others, rule, taken={*taken, *given.values()}, kept=self.kept.get(scope))
        chosen = {key: found[key] for key in texts}
        if differing := {key: name for key, name in chosen.items() if name != key}:
            self.chosen[scope] = self.chosen.get(scope, {}) | differing
        return chosen
