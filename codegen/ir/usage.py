"""What each schema is used for: read in answers, sent in bodies, or both; which root namespaces need it; which nobody needs."""

from __future__ import annotations

from typing import Any

from codegen.errors import ProblemCollector
from codegen.spec.document import Document, Operation
from codegen.spec.queries import body_name, body_schema, data_schema, is_free_object

EVENTS = "events"
"""What stands for the webhooks section among the namespaces that need a schema."""


class SchemaUsage:
    """The use of every schema that operations reach through data, bodies and parameters."""

    def __init__(self, document: Document, problems: ProblemCollector) -> None:
        self._document = document
        answers: dict[str, None] = {}
        bodies: dict[str, None] = {}
        parameters: dict[str, None] = {}
        self.roots: dict[str, set[str]] = {}
        """Schema name to the root namespaces that need it."""
        for operation in document.operations:
            for place, node in ((answers, data_schema(document, operation)), (bodies, body_schema(document, operation))):
                place.update(self._reach(operation, node))
            schemas = [parameter.node["schema"] for parameter in operation.parameters if not parameter.is_supplied_by_client]
            parameters.update(self._reach(operation, schemas))
        for event in document.events:
            reached = document.reachable_schemas(event.data)
            answers.update(reached)
            for name in reached:
                self.roots.setdefault(name, set()).add(EVENTS)
        self.requests = frozenset(bodies) - frozenset(answers)
        """The schemas that are sent and never received: their fields may be left out."""
        self.shared = frozenset(bodies) & frozenset(answers)
        """The schemas that are both sent and received: callers make them whole, servers may leave things out."""
        reached = {**answers, **bodies, **parameters}
        self.generated = [name for name in document.schemas if name in reached and not is_free_object(document.schemas[name])]
        """The schemas that become classes, in the document's order."""
        self.idle = tuple(
            name for name, schema in document.schemas.items() if name not in reached and not schema.get("x-cstar-envelope")
        )
        """The schemas that no operation takes or gives, so that nothing is made of them."""
        self._inspect(answers, problems)

    def _reach(self, operation: Operation, node: Any) -> dict[str, None]:
        reached = self._document.reachable_schemas(node)
        for name in reached:
            self.roots.setdefault(name, set()).add(operation.root)
        return reached

    def _inspect(self, answers: dict[str, None], problems: ProblemCollector) -> None:
        for operation in self._document.operations:
            if (body := body_name(self._document, operation)) in answers:
                problems.add(operation.pointer, f"the body `{body}` is also part of a response; bodies need a schema of their own.")
