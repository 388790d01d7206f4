"""Migrations of ClickHouse: statement by statement, recorded when the whole file has run.

ClickHouse has no transactions and no locks to take. A file that fails half-way, or that two runs apply at the same time, runs
again from its start: every statement must be idempotent (`if not exists`, `or replace`). A record written twice does no harm.
Each statement is a request of its own, so that a `set` reaches no other.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from sqlglot import TokenType
from sqlglot.dialects.clickhouse import ClickHouse
from sqlglot.errors import TokenError

from scripts.migrations.files import Applied, Migration, MigrationError, Recorded, load, pending

STORE = "clickhouse"
CREATE = """
create table if not exists schema_migrations (
    version    UInt32,
    name       String,
    checksum   String,
    applied_at DateTime64(3, 'UTC') default now64(3, 'UTC')
) engine = MergeTree order by version"""
INSERT = (
    "insert into schema_migrations (version, name, checksum) select {version:UInt32}, {name:String}, {checksum:String}"
)
RECORDED = "select distinct version, name, checksum from schema_migrations order by version"


def migrate_clickhouse(url: str, user: str, password: str, database: str, folder: Path) -> list[Applied]:
    """Applies what the database lacks and returns it. Raises MigrationError."""
    migrations = load(folder)
    applied: list[Applied] = []
    with _client(url, user, password, database) as client:
        client.command(CREATE)
        for migration in pending(migrations, _recorded(client)):
            begun = time.perf_counter()
            _run(client, migration)
            client.command(
                INSERT,
                parameters={"version": migration.version, "name": migration.name, "checksum": migration.checksum},
            )
            applied.append(Applied(STORE, migration.version, migration.name, time.perf_counter() - begun))
    return applied


def pending_clickhouse(url: str, user: str, password: str, database: str, folder: Path) -> list[Migration]:
    """What migrate_clickhouse would apply; changes nothing. Raises MigrationError."""
    migrations = load(folder)
    with _client(url, user, password, database) as client:
        exists = client.query("exists table schema_migrations").result_rows[0][0]
        return pending(migrations, _recorded(client) if exists else [])


def split_statements(sql: str) -> list[str]:
    """The statements between semicolons, those in strings, quoted names and comments aside. Raises ValueError."""
    statements: list[str] = []
    first: int | None = None
    try:
        tokens = ClickHouse().tokenize(sql)
    except TokenError as error:
        raise ValueError(str(error)) from None
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            if first is not None:
                statements.append(sql[first : token.start].strip())
            first = None
        elif first is None:
            first = token.start
    return statements if first is None else [*statements, sql[first:].strip()]


@contextmanager
def _client(url: str, user: str, password: str, database: str) -> Iterator[Client]:
    address = urlsplit(url)
    secure = address.scheme == "https"
    try:
        client = clickhouse_connect.get_client(
            host=address.hostname or "localhost",
            port=address.port or (8443 if secure else 8123),
            username=user, password=password, database=database, secure=secure, autogenerate_session_id=False,
        )  # fmt: skip
    except ClickHouseError as error:
        raise MigrationError(f"No connection to ClickHouse; check CLICKHOUSE_URL and its account. {error}") from None
    with closing(client):
        yield client


def _run(client: Client, migration: Migration) -> None:
    try:
        statements = split_statements(migration.sql)
    except ValueError as error:
        raise MigrationError(f"{migration.file} cannot be split into statements: {error}") from None
    for number, statement in enumerate(statements, 1):
        try:
            client.command(statement)
        except ClickHouseError as error:
            raise MigrationError(f"{migration.file}, statement {number} of {len(statements)}: {error}") from error


def _recorded(client: Client) -> list[Recorded]:
    return [Recorded(*row) for row in client.query(RECORDED).result_rows]
