"""The public library: public articles and categories of a team, and what readers send.

It uses the tables of the team. Inferred are: an article is public when it is published and marked public, and how search matches.
"""

from __future__ import annotations

from cstar_async._types import UntypedJSON
from cstar_async.testing._data.store import Object
from cstar_async.testing._errors import APIFailure
from cstar_async.testing._handlers.query import sort_rows
from cstar_async.testing._handlers.request import Call
from cstar_async.testing._handlers.search import SNIPPET_CONTEXT
from cstar_async.testing._http.responses import HandlerResult


def list_articles(call: Call) -> HandlerResult:
    """Return the public articles, of one category if the query names one."""
    rows = _articles(call)
    slug = call.query.get("categorySlug")
    if slug is not None:
        categories = {row["id"] for row in call.database.table("categories") if row["slug"] == slug}
        rows = [row for row in rows if row["categoryId"] in categories]
    return HandlerResult([_serialize(call, row) for row in rows[: call.query.get("limit")]])


def get_article(call: Call) -> HandlerResult:
    """Return one public article."""
    return HandlerResult(_serialize(call, _article(call)))


def list_categories(call: Call) -> HandlerResult:
    """Return the public categories, in the order of the team."""
    table = call.database.table("categories")
    return HandlerResult(
        [_serialize(call, row) for row in sort_rows([row for row in table if row["isPublic"]], table.schema.order)]
    )


def search(call: Call) -> HandlerResult:
    """Return the public articles that contain all words of the query, each with a snippet around the first word."""
    words: list[str] = call.query["q"].casefold().split()
    found: list[Object] = []
    for row in _articles(call):
        text = " ".join(str(row[field] or "") for field in ("title", "excerpt", "content"))
        if words and all(word in text.casefold() for word in words):
            start = max(0, text.casefold().find(words[0]) - SNIPPET_CONTEXT)
            found.append({**_serialize(call, row), "snippet": text[start : start + len(words[0]) + 2 * SNIPPET_CONTEXT]})
    return HandlerResult(found[: call.query.get("limit")])


def record_view(call: Call) -> HandlerResult:
    """Count a view."""
    _article(call)["viewCount"] += 1
    return HandlerResult({})


def feedback(call: Call) -> HandlerResult:
    """Accept feedback, which no operation shows."""
    _article(call)
    return HandlerResult({})


def _articles(call: Call) -> list[Object]:
    return [row for row in call.database.table("articles") if row["status"] == "published" and row["isPublic"]]


def _article(call: Call) -> Object:
    for row in _articles(call):
        if row["slug"] == call.path["slug"]:
            return row
    raise APIFailure(404, "resource_missing", "Article not found")


def _serialize(call: Call, row: Object) -> Object:
    """Return the public fields of a row, and the name of its category if that is public."""
    fields = call.database.document.properties(call.operation.result or "")
    category: UntypedJSON = call.database.table("categories").find(row.get("categoryId") or "")
    named = {**row, "category": category["name"]} if category is not None and category["isPublic"] else row
    return {name: named[name] for name in fields if name in named}
