"""Lists that the API gives in pages: `Page`, `Paginator` and what an iteration costs."""

from cstar_async._types import PageInfo
from cstar_async.pagination._page import Page
from cstar_async.pagination._paginator import IterationEstimate, Paginator
from cstar_async.pagination._paging import Paging

__all__ = ["IterationEstimate", "Page", "PageInfo", "Paginator", "Paging"]
