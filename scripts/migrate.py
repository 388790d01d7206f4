"""`python -m scripts.migrate`: brings PostgreSQL, ClickHouse or both up to the repository's migrations."""

import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from scripts.migrations.clickhouse import STORE as CLICKHOUSE
from scripts.migrations.clickhouse import migrate_clickhouse, pending_clickhouse
from scripts.migrations.files import Applied, Migration, MigrationError
from scripts.migrations.postgres import STORE as POSTGRES
from scripts.migrations.postgres import migrate_postgres, pending_postgres

__all__ = ["Applied", "MigrationError", "migrate_clickhouse", "migrate_postgres"]

ROOT = Path(__file__).resolve().parents[1]
POSTGRES_FOLDER = ROOT / "db" / "migrations"
CLICKHOUSE_FOLDER = ROOT / "db" / "clickhouse"

Row = tuple[str, str, str]


def main(
    database_url: Annotated[
        str,
        typer.Option(
            envvar="DATABASE_URL", show_default=False, help="PostgreSQL, e.g. postgresql://user:password@host/name."
        ),
    ] = "",
    clickhouse_url: Annotated[
        str, typer.Option(envvar="CLICKHOUSE_URL", show_default=False, help="ClickHouse, e.g. https://host:8443.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would be applied, change nothing.")] = False,
    postgres_folder: Annotated[Path, typer.Option(help="Folder of files NNNN_name.sql.")] = POSTGRES_FOLDER,
    clickhouse_folder: Annotated[Path, typer.Option(help="Folder of files NNNN_name.sql.")] = CLICKHOUSE_FOLDER,
) -> None:
    """Apply the migrations that each given store lacks, in order, and record them there.

    The account for ClickHouse comes from CLICKHOUSE_USERNAME, CLICKHOUSE_PASSWORD and CLICKHOUSE_DATABASE.

    Example: DATABASE_URL=postgresql://… make migrate ARGS=--dry-run
    """
    if not database_url and not clickhouse_url:
        Console(stderr=True).print("Name a store: set DATABASE_URL, CLICKHOUSE_URL or both (or pass them as options).")
        raise typer.Exit(2)
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # what fails is told once, below
    rows: list[Row] = []
    try:
        if database_url:
            rows += _postgres(database_url, postgres_folder, dry_run)
        if clickhouse_url:
            rows += _clickhouse(clickhouse_url, clickhouse_folder, dry_run)
    except MigrationError as error:
        _show(rows, dry_run)
        Console(stderr=True, highlight=False).print(f"{error}", markup=False, style="red", soft_wrap=True)
        raise typer.Exit(1) from None
    _show(rows, dry_run)
    if not rows:
        Console().print("Nothing to apply: every migration is recorded.")


def _postgres(url: str, folder: Path, dry_run: bool) -> list[Row]:
    if dry_run:
        return _listed(POSTGRES, pending_postgres(url, folder))
    return _timed(migrate_postgres(url, folder))


def _clickhouse(url: str, folder: Path, dry_run: bool) -> list[Row]:
    read = os.environ.get
    user, password = read("CLICKHOUSE_USERNAME", "default"), read("CLICKHOUSE_PASSWORD", "")
    account = (url, user, password, read("CLICKHOUSE_DATABASE", "default"))
    if dry_run:
        return _listed(CLICKHOUSE, pending_clickhouse(*account, folder))
    return _timed(migrate_clickhouse(*account, folder))


def _listed(store: str, migrations: Iterable[Migration]) -> list[Row]:
    return [(store, migration.file, "pending") for migration in migrations]


def _timed(applied: Iterable[Applied]) -> list[Row]:
    return [(one.store, f"{one.version:04}_{one.name}.sql", f"{one.duration_s * 1000:.0f} ms") for one in applied]


def _show(rows: list[Row], dry_run: bool) -> None:
    table = Table("store", "migration", "state" if dry_run else "applied in")
    for row in rows:
        table.add_row(*row)
    if rows:
        Console().print(table)


if __name__ == "__main__":
    typer.run(main)
