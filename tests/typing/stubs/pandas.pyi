# What `cstar_async.sync` uses of pandas, which needs not be installed.
from collections.abc import Mapping, Sequence

class DataFrame:
    def __init__(self, data: Mapping[str, Sequence[object]]) -> None: ...
