"""The numbered SQL files of one folder, and which of them a store still needs."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

FILE_NAME = re.compile(r"(?P<version>\d{4})_(?P<name>[a-z0-9_]+)\.sql")


class MigrationError(Exception):
    """Nothing (more) was applied. The message names the file and what to do."""


@dataclass(frozen=True)
class Migration:
    version: int
    name: str
    file: str
    content: bytes

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of the file's bytes, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def sql(self) -> str:
        try:
            return self.content.decode()
        except UnicodeDecodeError as error:
            raise MigrationError(f"{self.file} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from None


@dataclass(frozen=True)
class Recorded:
    """A row of schema_migrations."""

    version: int
    name: str
    checksum: str


@dataclass(frozen=True)
class Applied:
    store: str
    version: int
    name: str
    duration_s: float


def load(folder: Path) -> list[Migration]:
    """The folder's migrations in order. Raises MigrationError for a name, gap or duplicate that makes the order unclear."""
    if not folder.is_dir():
        raise MigrationError(f"There is no folder {folder}. Migrations are files NNNN_name.sql in it.")
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        parts = FILE_NAME.fullmatch(path.name)
        if parts is None:
            raise MigrationError(f"{path.name} in {folder} is not named NNNN_name.sql (lower case). Rename it.")
        migration = Migration(int(parts["version"]), parts["name"], path.name, path.read_bytes())
        expected = len(found) + 1
        if migration.version < expected:
            other = found[-1].file if found else "0001_….sql, the first"
            raise MigrationError(
                f"{path.name} has the number of {other}. Rename it to {expected:04}_{migration.name}.sql."
            )
        if migration.version > expected:
            raise MigrationError(
                f"Number {expected:04} is missing in {folder}: {path.name} follows the gap. Renumber it."
            )
        found.append(migration)
    return found


def pending(migrations: Sequence[Migration], recorded: Iterable[Recorded]) -> list[Migration]:
    """What has yet to be applied. Raises MigrationError when the files contradict what the store has recorded."""
    files = {migration.version: migration for migration in migrations}
    done: set[int] = set()
    for row in recorded:
        done.add(row.version)
        label = f"{row.version:04}_{row.name}.sql"
        migration = files.get(row.version)
        if migration is None or migration.name != row.name:
            raise MigrationError(
                f"{label} was applied to this store, but the file is missing. Restore it from the repository."
            )
        if migration.checksum != row.checksum:
            raise MigrationError(
                f"{label} was changed after it was applied. Restore it and put the change into a new migration;"
                ' for data that may go, start from empty stores: make dev ARGS="--fresh".'
            )
    missing = [migration for migration in migrations if migration.version not in done]
    late = [migration for migration in missing if migration.version < max(done, default=0)]
    if late:
        raise MigrationError(
            f"{late[0].file} was not applied, but later ones were. Give it the next free number, {len(migrations) + 1:04}."
        )
    return missing
