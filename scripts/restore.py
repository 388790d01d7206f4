"""`python -m scripts.restore BACKUP`: restores a backup into an empty, migrated database."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from schedule.domain.backup.manifest import Manifest
from scripts.backups.database import restore
from scripts.backups.files import RestoreError, fetch_local, read_manifest, verify

ROOT = Path(__file__).resolve().parents[1]


def main(
    backup: Annotated[
        str, typer.Argument(help="A folder, or a backup of the local stack: its id, or `latest`.", show_default=False)
    ] = "",
    database_url: Annotated[
        str,
        typer.Option(
            envvar="DATABASE_URL", show_default=False, help="The database to restore into: migrated, and empty."
        ),
    ] = "",
    environment: Annotated[
        str, typer.Option(help="Whose backup it is, where it is named by its id or `latest`.")
    ] = "development",
    data: Annotated[Path, typer.Option(help="Folder of the local stack.")] = ROOT / ".dotdo",
) -> None:
    """Verify the backup's files, load them in one transaction, and compare every row with what was backed up.

    Example: DATABASE_URL=postgresql://… make restore BACKUP=latest
    """
    if not backup:
        Console(stderr=True).print(
            "Name the backup: make restore BACKUP=… takes a folder with the files of one or, of the local stack, an id or "
            "`latest`. schedule/README.md says how to fetch one of production.",
            soft_wrap=True,
        )
        raise typer.Exit(2)
    if not database_url:
        Console(stderr=True).print(
            "Name the database to restore into: set DATABASE_URL. It has to be migrated, and empty."
        )
        raise typer.Exit(2)
    try:
        with tempfile.TemporaryDirectory() as copied:
            folder = Path(backup)
            if backup == "latest" or not folder.is_dir():
                folder = Path(copied)
                fetch_local(data / "workers" / "storage", environment, backup, folder)
            _restore(database_url, folder.resolve())
    except RestoreError as error:
        Console(stderr=True, highlight=False).print(f"{error}", markup=False, style="red", soft_wrap=True)
        raise typer.Exit(1) from None


def _restore(database_url: str, folder: Path) -> None:
    manifest = read_manifest(folder)
    columns = (TextColumn("{task.description:<8}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, disable=not os.isatty(1)) as progress:
        verified, loaded, compared = (
            progress.add_task(step, total=manifest.rows) for step in ("verify", "load", "compare")
        )
        verify(folder, manifest, lambda rows: progress.advance(verified, rows))
        restore(
            database_url,
            folder,
            manifest,
            lambda rows: progress.advance(loaded, rows),
            lambda rows: progress.advance(compared, rows),
        )
    _show(manifest)


def _show(manifest: Manifest) -> None:
    table = Table("table", "rows", "SHA-256", title=f"{manifest.id}, as of {manifest.taken_at}")
    for one in manifest.tables:
        table.add_row(one.name, f"{one.rows:,}", one.sha256[:16])
    Console().print(table, f"{manifest.rows:,} rows restored, each as it was backed up.")


if __name__ == "__main__":
    typer.run(main)
