"""Name the methods of operations that only the new document has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from codegen import naming as names
from codegen.adopt.decisions import Decision, Pair
from codegen.adopt.paths import update
from codegen.parser.operations import SUPPORTED_METHODS
from codegen.spec.document import Document, Operation, items
from codegen.spec.queries import namespace_ancestors

_VERBS = {"get": "get", "post": "create", "put": "replace", "patch": "update", "delete": "delete"}


def name_decisions(new: Document, added: Sequence[Operation], known: Sequence[Pair], source: str) -> Iterator[Decision]:
    """Yield a decision for each new operation: the namespace is that of the nearest path, the method the verb of its name.

    Args:
        new: The new document.
        added: The new operations.
        known: The operations that both documents have.
        source: The file of the new document, which is the source of what is new.
    """
    taken = {(one.namespace, one.name) for one, _ in known}
    texts = {tag.get("name"): tag.get("description") for tag in items(new.raw, "tags")}
    described = {above for one, _ in known for above in namespace_ancestors(one.namespace)}
    for operation in (one for one in added if one.method in SUPPORTED_METHODS):
        near = max(known, key=lambda pair: _shared(pair[1].path, operation.path), default=None)
        is_near = near is not None and _shared(near[1].path, operation.path) > _scope(near[1].path)
        tag = next(iter(items(operation.node, "tags")), "")
        words = str(tag) or operation.path.split("/")[-1]
        namespace = near[0].namespace if near and is_near else names.identifier(words, "default")
        name = names.snake_case(operation.id) if operation.id else ""
        method = name.partition("_")[0] or _VERBS.get(operation.method, operation.method)
        method = method if (namespace, method) not in taken else name or f"{method}_{operation.method}"
        taken.add((namespace, method))
        named = {"x-cstar-namespace": namespace, "x-cstar-method": method, "x-evidence": "documented", "x-source": source}
        actions = [update(("paths", operation.path, operation.method), {"tags": [namespace], **named})]
        if namespace not in described:
            described.add(namespace)
            actions.append(
                update((), {"tags": [{"name": namespace, "description": texts.get(tag) or f"Operations of `{words}`."}]})
            )
        yield Decision(
            name=f"{namespace}.{method}",
            place=operation.pointer,
            question=f"`{operation.method.upper()} {operation.path}` is new, and needs a name",
            default=f"call it `{namespace}.{method}`",
            reason="its path is near to those of this namespace" if is_near else "its tag or path says so",
            actions=tuple(actions),
        )


def _shared(one: str, other: str) -> int:
    """Return the number of segments that two paths have in common."""
    count = 0
    for left, right in zip(one.split("/"), other.split("/"), strict=False):
        if left != right and "{" not in left + right:
            break
        count += 1
    return count


def _scope(path: str) -> int:
    """Return the number of segments up to the last parameter that is no resource of its own: version and team."""
    parts = path.split("/")
    return parts.index("teams") + 2 if "teams" in parts else 2
