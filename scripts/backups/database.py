"""Loads a backup into an empty, migrated database, and compares what then stands there with what was written.

All in one transaction: whatever goes wrong, the database stays empty.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from schedule.domain.backup.manifest import Manifest, Table
from schedule.domain.backup.snapshot import TABLES, TEXT_SETTINGS
from scripts.backups.files import Progress, RestoreError, rows_of
from scripts.migrations.postgres import LOCK

Connection = psycopg.Connection[tuple[Any, ...]]

SETTINGS = {**TEXT_SETTINGS, "statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}

_MIGRATIONS = "select version, name, checksum from public.schema_migrations order by version"
_REFERENCES = """
select child.relname, parent.relname from pg_constraint
join pg_class as child on child.oid = conrelid join pg_class as parent on parent.oid = confrelid
where contype = 'f' and conrelid <> confrelid and child.relnamespace = 'public'::regnamespace
"""
# Indexes are made anew over all rows at once. What a constraint stands on stays: rows are checked as they come.
_INDEXES = """
select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index
join pg_class on pg_class.oid = indrelid
where relnamespace = 'public'::regnamespace and relname <> 'schema_migrations' and not exists (
    select from pg_constraint where conindid = indexrelid
)
order by 1
"""
# Rows that are older than such a constraint need not meet it.
_NOT_VALID = """
select conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) from pg_constraint
where connamespace = 'public'::regnamespace and not convalidated
order by 1, 2
"""


@dataclass(frozen=True, slots=True)
class TargetTable:
    """A table of the database that is restored into, and how its rows are read; see `snapshot.TABLES`."""

    name: str
    columns: list[str]
    line: str
    ordering: str


def restore(url: str, folder: Path, manifest: Manifest, loaded: Progress, compared: Progress) -> None:
    """For files that have been verified. Raises RestoreError."""
    try:
        with psycopg.connect(url, connect_timeout=10, prepare_threshold=None) as connection:
            for name, value in SETTINGS.items():
                connection.execute("select set_config(%s, %s, true)", [name, value])
            connection.execute(LOCK)
            targets = _targets(connection, manifest)
            with _bare(connection, targets):
                for table in _in_order(connection, manifest.tables):
                    _load(connection, folder, table, loaded)
            _set_sequences(connection, manifest)
            for table in manifest.tables:
                _compare(connection, table, targets[table.name], compared)
    except psycopg.OperationalError as error:
        raise RestoreError(f"No connection to PostgreSQL; check DATABASE_URL. {error}") from None
    except psycopg.Error as error:
        raise RestoreError(f"PostgreSQL refused the backup, and nothing of it was restored. {error}") from error


def _targets(connection: Connection, manifest: Manifest) -> Mapping[str, TargetTable]:
    """The database's tables by name. Raises RestoreError when they are others than the backup's, or have rows."""
    there = connection.execute("select to_regclass('public.schema_migrations')").fetchone()
    applied = connection.execute(_MIGRATIONS).fetchall() if there and there[0] else []
    if applied != [(one.version, one.name, one.checksum) for one in manifest.migrations]:
        last = manifest.migrations[-1]
        raise RestoreError(
            f"The backup is of a database with the migrations up to {last.version:04}_{last.name}, and this one has others."
            " Check the repository out as of the backup, migrate an empty database, restore, and migrate from there."
        )
    with connection.cursor(row_factory=class_row(TargetTable)) as cursor:
        targets = {table.name: table for table in cursor.execute(TABLES).fetchall()}
    if {name: table.columns for name, table in targets.items()} != {one.name: one.columns for one in manifest.tables}:
        raise RestoreError("The database has other tables or columns than the backup, though the same migrations.")
    filled = [name for name in targets if _has_rows(connection, name)]
    if filled:
        raise RestoreError(
            f"The database is not empty: {', '.join(filled)} {'has' if len(filled) == 1 else 'have'} rows."
            " A backup is restored into a new database, after `make migrate`."
        )
    return targets


def _has_rows(connection: Connection, table: str) -> bool:
    found = connection.execute(sql.SQL("select from {} limit 1").format(_table(table)))
    return found.rowcount > 0


@contextmanager
def _bare(connection: Connection, targets: Mapping[str, TargetTable]) -> Iterator[None]:
    """Tables without triggers of ours, indexes that no constraint needs and constraints that are not for every row."""
    for name in targets:
        connection.execute(sql.SQL("alter table {} disable trigger user").format(_table(name)))
    indexes = connection.execute(_INDEXES).fetchall()
    for name, _ in indexes:
        connection.execute(_ours(f"drop index {name}"))
    constraints = connection.execute(_NOT_VALID).fetchall()
    for table, name, _ in constraints:
        connection.execute(_ours(f"alter table {table} drop constraint {name}"))
    yield
    for table, name, definition in constraints:
        connection.execute(_ours(f"alter table {table} add constraint {name} {definition}"))
    for _, definition in indexes:
        connection.execute(_ours(definition))
    for name in targets:
        connection.execute(sql.SQL("alter table {} enable trigger user").format(_table(name)))


def _in_order(connection: Connection, tables: Sequence[Table]) -> list[Table]:
    """A table comes behind those its rows refer to."""
    by_name = {table.name: table for table in tables}
    sorter = TopologicalSorter[str](dict.fromkeys(by_name, ()))
    for child, parent in connection.execute(_REFERENCES):
        sorter.add(child, parent)
    try:
        return [by_name[name] for name in sorter.static_order()]
    except CycleError as error:
        raise RestoreError(f"The tables {', '.join(error.args[1])} refer to each other in a circle.") from None


def _load(connection: Connection, folder: Path, table: Table, progress: Progress) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    statement = sql.SQL("copy {} ({}) from stdin").format(_table(table.name), columns)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for part in table.parts:
            for row in rows_of(folder, part):
                copy.write_row(row)
            progress(part.rows)


def _set_sequences(connection: Connection, manifest: Manifest) -> None:
    for sequence in manifest.sequences:
        if sequence.last_value is not None:
            connection.execute(
                "select setval(format('public.%%I', %s::text)::regclass, %s::bigint)",
                [sequence.name, sequence.last_value],
            )


def _compare(connection: Connection, table: Table, target: TargetTable, progress: Progress) -> None:
    """Reads the rows back, as the backup read them, and holds those of one part at a time: rows may be long.

    Raises RestoreError when they are not the same to the last byte.
    """
    query = sql.SQL("select {} from {} as source order by {}").format(
        _ours(target.line), _table(table.name), _ours(target.ordering)
    )
    with connection.cursor("restored") as cursor:
        cursor.execute(query)
        for part in table.parts:
            digest = hashlib.sha256()
            for (line,) in cursor.fetchmany(part.rows):
                digest.update(f"{line}\n".encode())
            if digest.hexdigest() != part.sha256:
                raise RestoreError(f"The rows of {part.file} are others in the table {table.name} than in the backup.")
            progress(part.rows)
        if cursor.fetchone() is not None:
            raise RestoreError(f"The table {table.name} has more rows than the backup.")


def _table(name: str) -> sql.Identifier:
    return sql.Identifier("public", name)


def _ours(text: str) -> sql.SQL:
    """SQL that the database itself wrote."""
    return sql.SQL(text)
