"""Lists that the API gives in pages: `Page`, `Paginator` and what an iteration costs."""

from cstar_async._types import Pagination
from cstar_async.pagination._paginator import Page, Paginator, WalkCost

__all__ = ["Page", "Pagination", "Paginator", "WalkCost"]
