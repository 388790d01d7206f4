"""A backup as files in a folder: where it comes from, and whether it is what its manifest says."""

import gzip
import hashlib
import json
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from schedule.domain.backup.manifest import FILE, PREFIX, Manifest, Part, Table, shelf, table_sha256
from scripts.runtime.config import read_configuration
from scripts.runtime.services import ROOT
from scripts.stack.node import node

LOCAL_BUCKET = Path(__file__).with_name("local_bucket.mjs")
NO_SUCH_BACKUP = 3

Progress = Callable[[int], None]
"""Told so many more rows are done."""


class RestoreError(Exception):
    """Nothing was restored. The message says what is wrong, and what to do."""


def fetch_local(storage: Path, environment: str, wanted: str, folder: Path) -> str:
    """Copies a backup from a local stack's bucket into `folder`; its id. `wanted` is one, or `latest`. Raises RestoreError.

    Backups that were written before keys had the environment in them are found, too.
    """
    configuration = read_configuration(ROOT / "schedule" / "wrangler.jsonc")
    bucket = next(row["bucket_name"] for row in configuration["r2_buckets"] if row["binding"] == "BACKUPS")
    command = [str(node()), str(LOCAL_BUCKET), str(storage), bucket, wanted, str(folder), shelf(environment), PREFIX]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode == NO_SUCH_BACKUP:
        raise RestoreError(
            f"There is no complete backup {wanted!r} of {environment} in the bucket {bucket} below {storage}."
        )
    if result.returncode:
        raise RestoreError(f"The local bucket cannot be read: {result.stderr.strip()}")
    return result.stdout.strip()


def read_manifest(folder: Path) -> Manifest:
    """Raises RestoreError."""
    file = folder / FILE
    try:
        return Manifest.model_validate_json(file.read_bytes(), by_name=True)
    except FileNotFoundError:
        raise RestoreError(f"{file} is missing: a backup without a manifest is none. Take another one.") from None
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise RestoreError(f"{file} is no manifest of a backup: {place} {fault['msg']}.") from None


def verify(folder: Path, manifest: Manifest, progress: Progress) -> None:
    """Reads every file. Raises RestoreError that names the first one that is not what was written."""
    for table in manifest.tables:
        rows = sum(part.rows for part in table.parts)
        if (table.sha256, table.rows) != (table_sha256(table.parts), rows):
            raise RestoreError(f"{FILE} contradicts itself about the table {table.name}. Take another backup.")
        for part in table.parts:
            _verify_part(folder, table, part)
            progress(part.rows)


def _verify_part(folder: Path, table: Table, part: Part) -> None:
    file = folder / part.file
    if file.parent != folder:
        raise RestoreError(f"{FILE} names a file outside of the backup: {part.file}.")
    try:
        with file.open("rb") as stream:
            file_sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        digest, rows, size = hashlib.sha256(), 0, 0
        with gzip.open(file) as lines:
            for line in lines:
                digest.update(line)
                rows, size = rows + 1, size + len(line)
    except FileNotFoundError:
        raise _corrupted(table, part, "is missing") from None
    except (OSError, EOFError, zlib.error) as error:
        raise _corrupted(table, part, f"cannot be read ({error})") from None
    if file_sha256 != part.file_sha256:
        raise _corrupted(table, part, "has another SHA-256 than was written")
    if (digest.hexdigest(), rows, size) != (part.sha256, part.rows, part.bytes):
        raise _corrupted(table, part, "has other rows than were written")


def _corrupted(table: Table, part: Part, fault: str) -> RestoreError:
    return RestoreError(
        f"{part.file}, a part of the table {table.name}, {fault}. Fetch it again, or take another backup."
    )


def rows_of(folder: Path, part: Part) -> Iterator[list[Any]]:
    """Each row's columns as PostgreSQL's text, None for NULL."""
    with gzip.open(folder / part.file) as lines:
        for line in lines:
            yield json.loads(line)
