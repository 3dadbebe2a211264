"""Find out what each schema is used for: in responses, in bodies, or both, and by which root namespaces."""

from __future__ import annotations

from typing import Any

from codegen.spec.document import Document, Operation
from codegen.spec.queries import is_free_object

EVENTS = "events"
"""The name of the webhooks section among the root namespaces."""


class SchemaUsage:
    """The use of each schema in data, bodies and parameters."""

    def __init__(self, document: Document) -> None:
        self._document = document
        responses: dict[str, None] = {}
        bodies: dict[str, None] = {}
        parameters: dict[str, None] = {}
        self.roots: dict[str, set[str]] = {}
        """The root namespaces that use each schema."""
        for operation in document.operations:
            body = operation.body.schema if operation.body else {}
            for target, node in ((responses, operation.result.schema), (bodies, body)):
                target.update(self._reach(operation, node))
            schemas = [parameter.node["schema"] for parameter in operation.parameters if not parameter.is_supplied_by_client]
            parameters.update(self._reach(operation, schemas))
        for event in document.events:
            reached = document.reachable_schemas(event.data)
            responses.update(reached)
            for name in reached:
                self.roots.setdefault(name, set()).add(EVENTS)
        self.requests = frozenset(bodies) - frozenset(responses)
        """The schemas that are only sent, so that fields may be omitted."""
        self.shared = frozenset(bodies) & frozenset(responses)
        """The schemas that are sent and received."""
        reached = {**responses, **bodies, **parameters}
        self.generated = [name for name in document.schemas if name in reached and not is_free_object(document.schemas[name])]
        """The schemas that become classes, in the document's order."""
        self.unused = tuple(
            name for name, schema in document.schemas.items() if name not in reached and not schema.get("x-cstar-envelope")
        )
        """The schemas that no operation uses, so that they have no class."""

    def _reach(self, operation: Operation, node: Any) -> dict[str, None]:
        reached = self._document.reachable_schemas(node)
        for name in reached:
            self.roots.setdefault(name, set()).add(operation.root)
        return reached
