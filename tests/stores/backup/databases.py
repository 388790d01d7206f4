"""Databases that are backed up and restored, by the task and by the command, and what stands in them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from typer import Typer
from typer.testing import CliRunner

from dotdo.fakes import FakeBindings, FakeBucket, FakeClock
from dotdo.instants import utc_text
from dotdo.log import Logger
from dotdo.sql import Sql
from schedule.domain.registry import TaskContext
from scripts.backups.files import RestoreError
from scripts.restore import main

NewDatabase = Callable[..., str]
"""Makes an empty, migrated database; its URL."""


class SqlPeer:
    """The db service, as far as backups use it, on psycopg. `answers` counts down to a failure."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def call(self, method: str, *params: Any) -> Any:
        with psycopg.connect(self.url, cursor_factory=psycopg.RawCursor) as connection:
            if method == "query":
                return self._run(connection, *params)
            assert method == "transaction"
            statements, options = params
            assert options["isolation"] == "repeatable_read"
            connection.execute("set transaction isolation level repeatable read")
            return [self._run(connection, one["sql"], one["params"]) for one in statements]

    def _run(self, connection: Any, sql: str, params: list[Any], *_options: Any) -> dict[str, Any]:
        cursor = connection.execute(sql, params)
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, map(_plain, row), strict=True)) for row in (cursor.fetchall() if names else ())]
        return {"rows": rows, "rowCount": cursor.rowcount}


def _plain(value: Any) -> Any:
    return utc_text(value) if isinstance(value, datetime) else value


def context(
    url: str,
    bucket: FakeBucket,
    clock: FakeClock | None = None,
    seconds: float = 3600,
    environment: str = "production",
) -> TaskContext:
    texts = {"ENVIRONMENT": environment}
    bindings = FakeBindings(texts, peers={"DB": SqlPeer(url)}, bound={"BACKUPS": bucket}, clock=clock)
    now_s = bindings.clock.now_s()
    return TaskContext(bindings, Sql(bindings), Logger("schedule"), now_s, now_s + seconds)


def saved(bucket: FakeBucket, folder: Path, id: str) -> Path:
    """The backup of the bucket as files."""
    folder.mkdir(exist_ok=True)
    for key, content in bucket.objects.items():
        if key.startswith(f"postgres/production/{id}/"):
            (folder / key.rpartition("/")[2]).write_bytes(content)
    return folder


def restored(folder: Path, url: str) -> str:
    """What the command prints. Raises RestoreError for what it refuses."""
    app = Typer()
    app.command()(main)
    result = CliRunner().invoke(app, [str(folder), "--database-url", url])
    if result.exit_code:
        raise RestoreError(result.output)
    return result.output


def fetch(url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(sql).fetchall()


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement)


def content_of(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table as text, read by other means than the backup's."""
    tables = fetch(
        url, "select tablename from pg_tables where schemaname = 'public' and tablename <> 'schema_migrations'"
    )
    return {table: sorted(fetch(url, f"select t::text from public.{table} as t")) for (table,) in tables}


FILL = """
insert into things (ns, id, type, content, data, embedding)
select 'n' || n % 7, 'id ' || n, 'note', 'content ' || n, jsonb_build_object('n', n, 'null', null, 'text', 'line' || chr(10)),
    case when n % 50 = 0 then (select array_agg(sin(n + m))::vector from generate_series(1, 768) as m) end
from generate_series(1, 3000) as n
"""
ROWS = (
    FILL,
    "insert into relationships (ns, id, type, from_ns, from_id, to_ns, to_id) values ('n', 'r', 'likes', 'n', 'a', 'n', 'b')",
    "insert into users (id, email) values ('u1', 'ä@example.com'), ('u2', 'b@example.com')",
    # One refers to another that comes behind it.
    """
    insert into api_keys (id, user_id, name, key_hash, prefix, last4, environment, scopes, replaced_by)
    select id, 'u1', E'tab\\t"quote" \\\\ 😀', sha256(id::bytea), 'sk', 'last', 'test', array['a,b', '', null, '"'], successor
    from (values ('k1', 'k2'), ('k2', null)) as key (id, successor)
    """,
    "insert into audit_log (actor, action) select 'u1', 'did ' || n from generate_series(1, 5) as n",
    "insert into analytics_snapshots values ('infinity', 'x', 'null'), ('0044-03-15 12:00:00.123456+00 BC', 'y', '{}')",
)
