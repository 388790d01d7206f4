"""Migrations of PostgreSQL: each file whole, in one transaction with its record."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from scripts.migrations.files import Applied, Migration, MigrationError, Recorded, load, pending

STORE = "postgres"
# Any constant serves, as long as every run takes the same. It is held within the transaction, not the session, so that it also
# works through a pooler that gives each transaction another connection.
LOCK = "select pg_advisory_xact_lock(hashtextextended('public.schema_migrations', 0))"
CREATE = """
create table if not exists public.schema_migrations (
    version    integer     primary key,
    name       text        not null,
    checksum   text        not null,
    applied_at timestamptz not null default clock_timestamp()
)"""

# The role's own limit of ten seconds (migration 0004) is for requests; an index over many rows takes as long as it takes. A
# lock is waited for longer than a backup holds the one above, and not forever: who waits for a table keeps others from it.
LOCK_TIMEOUT = "60s"
LIMITS = "select set_config('statement_timeout', '0', true), set_config('lock_timeout', %s, true)"

Connection = psycopg.Connection[tuple[Any, ...]]


def migrate_postgres(url: str, folder: Path) -> list[Applied]:
    """Applies what the database lacks and returns it. Runs at the same time wait for each other. Raises MigrationError."""
    migrations = load(folder)
    applied: list[Applied] = []
    with _connect(url) as connection, _told():
        while (one := _apply_next(connection, migrations)) is not None:
            applied.append(one)
    return applied


def pending_postgres(url: str, folder: Path) -> list[Migration]:
    """What migrate_postgres would apply; changes nothing. Raises MigrationError."""
    migrations = load(folder)
    with _connect(url) as connection, _told():
        exists = connection.execute("select to_regclass('public.schema_migrations')").fetchone()
        return pending(migrations, _recorded(connection) if exists and exists[0] else [])


def _connect(url: str) -> Connection:
    try:
        # `discard all` would throw away statements that psycopg believes to be prepared.
        return psycopg.connect(url, autocommit=True, connect_timeout=10, prepare_threshold=None)
    except psycopg.Error as error:
        raise MigrationError(f"No connection to PostgreSQL; check DATABASE_URL. {error}") from None


@contextmanager
def _told() -> Iterator[None]:
    """What PostgreSQL refuses outside of a file, as a MigrationError."""
    try:
        yield
    except psycopg.errors.LockNotAvailable as error:
        raise MigrationError(
            f"A run of migrations or a backup has held the database for {LOCK_TIMEOUT}. Run it again once that is over."
        ) from error
    except psycopg.Error as error:
        raise MigrationError(f"PostgreSQL does not tell what is applied, or takes no record of it: {error}") from error


def _apply_next(connection: Connection, migrations: Sequence[Migration]) -> Applied | None:
    connection.execute("discard all")  # settings of the file before
    with connection.transaction():
        connection.execute(LIMITS, [LOCK_TIMEOUT])
        connection.execute(LOCK)
        connection.execute(CREATE)
        missing = pending(migrations, _recorded(connection))
        if not missing:
            return None
        migration = missing[0]
        begun = time.perf_counter()
        _run(connection, migration)
        connection.execute(
            "insert into public.schema_migrations (version, name, checksum) values (%s, %s, %s)",
            [migration.version, migration.name, migration.checksum],
        )
    return Applied(STORE, migration.version, migration.name, time.perf_counter() - begun)


def _run(connection: Connection, migration: Migration) -> None:
    """Sends the file as it is, by the simple protocol: only the server knows where a statement ends."""
    try:
        connection.execute(migration.sql)
    except psycopg.Error as error:
        raise MigrationError(
            f"{migration.file}{_line(error, migration.sql)}: {error}; the file was rolled back."
        ) from error
    if connection.info.transaction_status != TransactionStatus.INTRANS:
        raise MigrationError(
            f"{migration.file} ends the transaction it runs in, so that part of it is applied and not recorded."
            " Remove commit and rollback from it and undo that part by hand."
        )


def _line(error: psycopg.Error, sql: str) -> str:
    position = error.diag.statement_position
    return f", line {sql.count(chr(10), 0, int(position) - 1) + 1}" if position else ""


def _recorded(connection: Connection) -> list[Recorded]:
    rows = connection.execute("select version, name, checksum from public.schema_migrations order by version")
    return [Recorded(*row) for row in rows]
