"""Publish a Markdown file in the knowledge base. Its first heading is the title; a second run updates the article.

CSTAR_API_KEY=sk_… python examples/publish_article.py Billing invoices.md
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from cstar_async import CStarClient, CStarError
from cstar_async.models import Article, ArticleStatus


async def publish_article(cstar: CStarClient, *, category: str, markdown: str) -> Article:
    """Create or update an article in a category, and create the category if it does not exist."""
    heading, _, content = markdown.partition("\n")
    title = heading.removeprefix("#").strip()
    categories = [one async for one in cstar.categories.list() if one.name == category]
    target = categories[0] if categories else await cstar.categories.create(name=category, is_public=True)
    existing = [one async for one in cstar.articles.list(category=target.id) if one.title == title]
    if existing:
        return await cstar.articles.update(existing[0].id, content=content, status=ArticleStatus.PUBLISHED, is_public=True)
    return await cstar.articles.create(
        title=title, content=content, category_id=target.id, status=ArticleStatus.PUBLISHED, is_public=True
    )


async def main() -> None:
    """Run the script for the team of the key in the environment."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    category, path = sys.argv[1:]
    async with CStarClient.from_env() as cstar:
        article = await publish_article(cstar, category=category, markdown=Path(path).read_text(encoding="utf-8"))
    print(article.id, article.title, article.read_time)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (CStarError, OSError, ValueError) as error:
        sys.exit(str(error))
