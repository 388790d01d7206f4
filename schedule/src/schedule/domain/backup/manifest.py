"""What a backup consists of. It is written last: a backup without one is no backup."""

import hashlib
from collections.abc import Sequence
from typing import Literal

from dotdo.model import Model

FILE = "manifest.json"
PREFIX = "postgres/"
"""Of the keys in the bucket: `postgres/<environment>/<backup's id>/<file>`. Environments may share the bucket."""


class Part(Model):
    """A gzip file of some rows, a line each. `bytes` and `sha256` are of the lines, `file_sha256` is of the file."""

    file: str
    rows: int
    bytes: int
    sha256: str
    file_sha256: str


class Table(Model):
    """`sha256` is over those of the parts, in hexadecimal, one behind the other."""

    name: str
    columns: list[str]
    rows: int
    sha256: str
    parts: list[Part]


class Migration(Model):
    version: int
    name: str
    checksum: str


class SequenceState(Model):
    """`last_value` is null for one that nothing has been taken from."""

    name: str
    last_value: str | None


class Manifest(Model):
    """`migrations` is the schema's version: a restore needs a database with just these. Times are RFC 3339."""

    format: Literal["dotdo-postgres/1"] = "dotdo-postgres/1"
    id: str
    taken_at: str
    finished_at: str
    migrations: list[Migration]
    sequences: list[SequenceState]
    tables: list[Table]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


def shelf(environment: str) -> str:
    """Where the backups of an environment are in the bucket."""
    return f"{PREFIX}{environment}/"


def folder(environment: str, id: str) -> str:
    """Where the files of a backup are in the bucket."""
    return f"{shelf(environment)}{id}/"


def table_sha256(parts: Sequence[Part]) -> str:
    return hashlib.sha256("".join(part.sha256 for part in parts).encode()).hexdigest()
