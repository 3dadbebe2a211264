"""What became of an object, as a value: made, changed or deleted. A database notes it, and events are made of it."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from cstar_async._types import UntypedJSON

ChangeAction: TypeAlias = Literal["created", "updated", "deleted"]


@attrs.frozen(kw_only=True)
class Change:
    """One change of one object. The fields are copies, so that they stay what they were."""

    collection: str
    action: ChangeAction
    fields: dict[str, UntypedJSON]
    """The object after the change; a deleted one as it was at last."""
    before: dict[str, UntypedJSON] | None = None
    """A changed object as it was; None for a new or deleted one."""
    parent: dict[str, UntypedJSON] | None = None
    """What a new object belongs to."""
    at: str
    """The timestamp of now."""
