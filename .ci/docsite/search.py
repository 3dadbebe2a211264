"""Give the results of the search titles that say where they lead.

zensical compares titles before texts, and the position of the word in a title before all else. So an attribute `retry_at` of the
reference, or the row `tags` of the API coverage, would come before the guide that a reader wants. With the whole path as its title,
a result says what to import, and comes after each heading that begins with the word.
"""

from __future__ import annotations

import json
from pathlib import Path


def name_results(index: Path) -> None:
    """Rewrite the titles in the index of the search."""
    content = json.loads(index.read_text(encoding="utf-8"))
    for item in content["items"]:
        anchor, title = item["location"].partition("#")[2], item["title"]
        if anchor.startswith("cstar_async.") and "." not in title:
            item["title"] = anchor.replace("._generated.events.", ".webhooks.")
        elif item["path"][:1] == ["Project"] and item["level"] > 1:
            item["title"] = f"{item['path'][-1]}: {title}"
    index.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
