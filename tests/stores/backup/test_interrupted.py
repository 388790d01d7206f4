"""Backups that are cut, run out of time or lose their copy: none that is not whole, and the next one is."""

from pathlib import Path

import pytest

from dotdo.errors import ServiceError
from dotdo.fakes import FakeBucket, FakeClock
from schedule.domain.backup.retention import backup_id
from schedule.tasks import backup_database
from scripts.backups.files import read_manifest
from tests.stores.backup.databases import ROWS, NewDatabase, content_of, context, execute, fetch, restored, saved


@pytest.mark.usefixtures("small_parts")
async def test_a_run_goes_on_where_the_last_one_stopped(
    new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup_database, "MOST_PAGES", 10)
    source, target, bucket = new_database(), new_database(), FakeBucket()
    execute(source, *ROWS)
    before, clock, attempts = content_of(source), FakeClock(), 0
    while True:
        attempts += 1
        try:
            result = await backup_database.run(context(source, bucket, clock))
            break
        except ServiceError as unfinished:
            assert (unfinished.code, unfinished.retryable) == ("UNFINISHED", True)
            assert not [key for key in bucket.objects if key.endswith("manifest.json")]
            execute(source, "update things set content = 'later'")
            clock.now += 60
    assert attempts > 5
    folder = saved(bucket, tmp_path / "b", result["backup"])
    manifest = read_manifest(folder)
    assert {part.file for table in manifest.tables for part in table.parts} == {
        file.name for file in folder.glob("*.gz")
    }
    restored(folder, target)
    assert content_of(target) == before


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("operation", [1, 2, 5, 9])
async def test_a_backup_that_is_cut_is_none_and_the_next_one_is_complete(
    new_database: NewDatabase, tmp_path: Path, operation: int
) -> None:
    source, target, bucket = new_database(), new_database(), FakeBucket()
    execute(source, *ROWS)
    bucket.fails_at = operation
    with pytest.raises(ServiceError, match="bucket") as cut:
        await backup_database.run(context(source, bucket))
    assert cut.value.retryable
    assert not [key for key in bucket.objects if key.endswith("manifest.json")]
    bucket.fails_at = None
    result = await backup_database.run(context(source, bucket))
    restored(saved(bucket, tmp_path / "b", result["backup"]), target)
    assert content_of(target) == content_of(source)


@pytest.mark.usefixtures("small_parts")
async def test_yesterdays_unfinished_backup_is_begun_anew(new_database: NewDatabase) -> None:
    source, bucket, clock = new_database(), FakeBucket(), FakeClock()
    execute(source, *ROWS)
    bucket.fails_at = 4
    with pytest.raises(ServiceError):
        await backup_database.run(context(source, bucket, clock))
    cut = backup_id(clock.now)
    assert {key.split("/")[2] for key in bucket.objects} == {cut}
    execute(source, "update dotdo_backup.snapshot set taken_at = now() - interval '21 hours'")
    bucket.fails_at = None
    clock.now += 86_400
    result = await backup_database.run(context(source, bucket, clock))
    assert result["removed"] == [cut]
    assert {key.split("/")[2] for key in bucket.objects} == {result["backup"]}


@pytest.mark.usefixtures("small_parts")
async def test_a_copy_that_the_database_lost_is_taken_again(new_database: NewDatabase) -> None:
    source, bucket = new_database(), FakeBucket()
    execute(source, *ROWS)
    bucket.fails_at = 4
    with pytest.raises(ServiceError):
        await backup_database.run(context(source, bucket))
    bucket.fails_at = None
    for (table,) in fetch(source, "select relname from pg_class where relpersistence = 'u' and relkind = 'r'"):
        execute(source, f"truncate dotdo_backup.{table}")  # as a crash does
    with pytest.raises(ServiceError, match="lost the copy of"):
        await backup_database.run(context(source, bucket))
    assert (await backup_database.run(context(source, bucket)))["rows"] == 3012
