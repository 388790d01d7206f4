"""Backs PostgreSQL up into the bucket BACKUPS. What a run has no time for, the next attempt goes on with."""

from dataclasses import dataclass

from dotdo.errors import unavailable
from dotdo.instants import rfc3339
from dotdo.ports import BindingError, Bucket
from schedule.domain.backup import snapshot
from schedule.domain.backup.manifest import FILE, Manifest, Table, folder, shelf, table_sha256
from schedule.domain.backup.parts import PartWriter
from schedule.domain.backup.retention import backup_id, is_backup_id, kept
from schedule.domain.backup.snapshot import CopiedTable, Snapshot
from schedule.domain.registry import Skipped, TaskContext, TaskResult, Unfinished
from schedule.tasks.batches import seconds_left

PAGE_BYTES = 1024 * 1024
"""Read at once: it is held a few times over, here and in db. A row that is longer is read in slices."""
MOST_ROWS = 5_000
PART_BYTES = 8 * 1024 * 1024
"""Of lines in one file; what is held of it is its compressed form."""
MOST_PAGES = 300
"""In one attempt: a Worker may ask for something 1000 times in one invocation, and other tasks run in it, too."""
SPARE_S = 5.0
"""Left for the last file to be written, and recorded."""
MOST_DELETED = 1000


async def run(context: TaskContext) -> TaskResult:
    """`{backup, tables, rows, bytes, removed}`; `bytes` before compression, `removed` the backups that had their time.

    Raises Skipped without BACKUPS, and UNFINISHED, which may be tried again, when the time is up.
    """
    if not context.bindings.has("BACKUPS"):
        raise Skipped("there is no bucket for backups: BACKUPS is not bound")
    bucket = context.bindings.bucket("BACKUPS")
    try:
        return await _back_up(context, bucket)
    except BindingError as error:
        raise unavailable("the bucket for backups does not do what it is asked") from error


async def _back_up(context: TaskContext, bucket: Bucket) -> TaskResult:
    taken = await snapshot.find(context)
    if taken is None or taken.old or await bucket.get(_folder(context, taken.id) + FILE) is not None:
        taken = await snapshot.take(
            context, backup_id(context.bindings.clock.now_s()), max(1.0, seconds_left(context) - SPARE_S)
        )
    copier = _Copier(context, bucket, taken)
    for table in await taken.tables():
        await copier.copy(table)
    manifest = await _finish(context, bucket, taken)
    removed = await _tidy(context, bucket, manifest)
    await snapshot.drop(context)
    return {
        "backup": manifest.id,
        "tables": len(manifest.tables),
        "rows": manifest.rows,
        "bytes": sum(part.bytes for table in manifest.tables for part in table.parts),
        "removed": removed,
    }


@dataclass(slots=True)
class _Copier:
    """Carries rows from the snapshot into files."""

    context: TaskContext
    bucket: Bucket
    taken: Snapshot
    pages: int = 0

    async def copy(self, table: CopiedTable) -> None:
        """What is not yet in parts. Raises UNFINISHED when the time is up, with what was read kept."""
        read, parts = table.read, table.parts
        while read < table.rows:
            writer = PartWriter(table.name, parts)
            while read < table.rows and writer.bytes < PART_BYTES and not self._is_late:
                read = await self._page(table, read, writer)
            if writer.rows:
                part, content = writer.finish()
                await self.bucket.put(_folder(self.context, self.taken.id) + part.file, content)
                await self.taken.record(table, parts, read, part)
                parts += 1
            if self._is_late and read < table.rows:
                raise Unfinished(f"the backup is not finished: {read} of {table.rows} rows of {table.name} are written")

    async def _page(self, table: CopiedTable, after: int, writer: PartWriter) -> int:
        """The number of the last row that was read."""
        page = await self.taken.page(table, after, MOST_ROWS, PAGE_BYTES)
        if not page.rows:
            await snapshot.drop(self.context)
            raise Unfinished(
                f"the backup is not finished: the database has lost the copy of {table.name}, as by a restart"
            )
        self.pages += 1
        if page.lines is None:
            await self._long_row(table, page.last, writer)
            return page.last
        writer.add(page.lines, page.rows)
        return page.last

    async def _long_row(self, table: CopiedTable, at: int, writer: PartWriter) -> None:
        async for piece in self.taken.slices(table, at, PAGE_BYTES):
            self.pages += 1
            writer.add(piece, 0)
        writer.add("\n", 1)

    @property
    def _is_late(self) -> bool:
        return seconds_left(self.context) < SPARE_S or self.pages >= MOST_PAGES


async def _finish(context: TaskContext, bucket: Bucket, taken: Snapshot) -> Manifest:
    """Writes the manifest, once every row that was counted is in a part."""
    parts = await taken.parts()
    tables = []
    for table in await taken.tables():
        own = parts.get(table.number, [])
        if sum(part.rows for part in own) != table.rows:
            await snapshot.drop(context)
            raise Unfinished(f"the backup is not finished: {table.name} has other rows in its parts than were counted")
        tables.append(
            Table(name=table.name, columns=table.columns, rows=table.rows, sha256=table_sha256(own), parts=own)
        )
    manifest = Manifest.model_validate(
        {
            "id": taken.id, "taken_at": taken.taken_at, "finished_at": rfc3339(context.bindings.clock.now_s()),
            "migrations": taken.migrations, "sequences": taken.sequences, "tables": tables,
        }
    )  # fmt: skip
    await bucket.put(_folder(context, taken.id) + FILE, manifest.model_dump_json(indent=1).encode())
    return manifest


async def _tidy(context: TaskContext, bucket: Bucket, manifest: Manifest) -> list[str]:
    """Removes this environment's backups that had their time and what cut ones left; the ids of those.

    Without time the next run does.
    """
    files = {FILE, *(part.file for table in manifest.tables for part in table.parts)}
    own = _folder(context, manifest.id)
    await _delete(bucket, [key for key in await bucket.keys(own) if key.removeprefix(own) not in files])
    ids = [name for name in await bucket.folders(shelf(_environment(context))) if is_backup_id(name)]
    complete = {id for id in ids if id == manifest.id or await bucket.get(_folder(context, id) + FILE) is not None}
    removed = []
    for id in sorted(set(ids) - kept(complete)):
        if seconds_left(context) < SPARE_S:
            break
        # The manifest goes first: what is left of a backup that is removed only in part is none.
        await _delete(bucket, [_folder(context, id) + FILE])
        await _delete(bucket, await bucket.keys(_folder(context, id)))
        removed.append(id)
    return removed


async def _delete(bucket: Bucket, keys: list[str]) -> None:
    for first in range(0, len(keys), MOST_DELETED):
        await bucket.delete(keys[first : first + MOST_DELETED])


def _folder(context: TaskContext, id: str) -> str:
    return folder(_environment(context), id)


def _environment(context: TaskContext) -> str:
    return context.bindings.optional("ENVIRONMENT", "production")
