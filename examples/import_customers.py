"""Import customers from a CSV file with the columns `name` and `email`; all other columns become custom fields.

    CSTAR_API_KEY=sk_… python examples/import_customers.py customers.csv

If it stops half way, run it again with the same file: nothing is imported twice.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import sys
from pathlib import Path

from cstar_async import CStarClient, CStarError, idempotency_key
from cstar_async.models import ImportResult


def read_records(text: str) -> list[dict[str, object]]:
    """Parse the rows of a CSV file as customers."""
    records: list[dict[str, object]] = []
    for row in csv.DictReader(io.StringIO(text, newline="")):
        fields = {column: value for column, value in row.items() if column not in {"name", "email"}}
        records.append({"name": row["name"], "email": row["email"], "customFields": fields})
    return records


async def import_customers(cstar: CStarClient, text: str) -> ImportResult:
    """Import a file of any length; customers whose e-mail address exists are skipped."""
    key = idempotency_key("import-customers", hashlib.sha256(text.encode()).hexdigest())
    return await cstar.imports.run_batched(
        resource="customers", records=read_records(text), merge_strategy="skip", idempotency_key=key
    )


async def main() -> None:
    """Run the script for the team of the key in the environment."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    text = Path(sys.argv[1]).read_text(encoding="utf-8-sig")  # spreadsheets write a byte order mark
    async with CStarClient.from_env() as cstar:
        result = await import_customers(cstar, text)
    print(f"{result.created} of {result.total} created, {result.skipped} exist already")
    for error in result.errors or []:
        print(f"row {(error.index or 0) + 2}: {error.message}", file=sys.stderr)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (CStarError, OSError, ValueError) as error:
        sys.exit(str(error))
