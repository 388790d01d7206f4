"""A namespace of a million things, loaded once and kept with the benchmark's store."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg

NAMESPACE = "bench"
ROWS = 1_000_000

_START = datetime(2025, 1, 1, tzinfo=UTC)
_COPY = "copy things (ns, id, type, content, data, created_at, updated_at) from stdin"


def id_of(n: int) -> str:
    return f"thing-{n:07}"


async def ensure_rows(database_url: str) -> None:
    """Nothing to do when they are there: a load is one transaction, whole or not at all."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        found = await connection.execute("select from things where ns = %s limit 1", [NAMESPACE])
        if found.rowcount:
            return
        await connection.execute("set statement_timeout = 0")
        async with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            for row in _rows():
                await copy.write_row(row)
        await connection.execute("vacuum analyze things")


def _rows() -> Iterator[tuple[object, ...]]:
    for n in range(ROWS):
        instant = _START + timedelta(seconds=n)
        content = f"Thing number {n}, of no further interest to anybody but the one who measures."
        data = json.dumps({"n": n, "name": f"name {n % 1000}", "tags": ["bench", f"tag-{n % 50}"]})
        yield NAMESPACE, id_of(n), f"type-{n % 5}", content, data, instant, instant
