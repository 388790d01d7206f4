"""Backup and restore over a real PostgreSQL: the task with a bucket in memory, restored into another database."""

import json
import tracemalloc
from pathlib import Path

import psycopg
import pytest

from dotdo.fakes import FakeBindings, FakeBucket
from dotdo.log import Logger
from dotdo.sql import Sql
from schedule.domain.backup import snapshot
from schedule.domain.backup.manifest import Manifest
from schedule.domain.registry import Skipped, TaskContext
from schedule.tasks import backup_database
from scripts.backups.files import RestoreError
from tests.stores.backup.databases import ROWS, NewDatabase, content_of, context, execute, fetch, restored, saved

LIMIT = "select pg_get_constraintdef(oid) from pg_constraint where conname = 'things_answerable'"


async def test_everything_comes_back(new_database: NewDatabase, tmp_path: Path) -> None:
    source, target, bucket = new_database(), new_database(), FakeBucket()
    execute(source, *ROWS)
    result = await backup_database.run(context(source, bucket))
    assert result["rows"] == 3000 + 1 + 2 + 2 + 5 + 2
    assert fetch(source, "select to_regnamespace('dotdo_backup')") == [(None,)]
    told = restored(saved(bucket, tmp_path / "b", result["backup"]), target)
    assert "3,012 rows restored" in told
    assert content_of(target) == content_of(source)
    assert fetch(target, "insert into audit_log (actor, action) values ('u', 'a') returning id") == [(6,)]
    with pytest.raises(psycopg.Error, match="append-only"):
        execute(target, "delete from audit_log")


async def test_a_restored_database_has_its_indexes_and_takes_no_second_backup(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    source, target, bucket = new_database(), new_database(), FakeBucket()
    execute(source, *ROWS)
    folder = saved(bucket, tmp_path / "b", (await backup_database.run(context(source, bucket)))["backup"])
    restored(folder, target)
    indexes = "select indexname, indexdef from pg_indexes where schemaname = 'public' order by 1"
    assert fetch(target, indexes) == fetch(source, indexes)
    before = content_of(target)
    with pytest.raises(RestoreError, match="not empty: analytics_snapshots, api_keys, audit_log"):
        restored(folder, target)
    assert content_of(target) == before


async def test_it_is_of_one_instant_whatever_is_written_meanwhile(new_database: NewDatabase, tmp_path: Path) -> None:
    source, target, bucket = new_database(), new_database(), FakeBucket()
    execute(source, *ROWS)
    before = content_of(source)

    class Writing(FakeBucket):
        async def put(self, key: str, body: bytes) -> None:
            execute(source, f"insert into things (ns, id, type) values ('zz', '{key}', 'x')")
            execute(source, "delete from users where id = 'u2'", "update things set content = 'changed'")
            await super().put(key, body)

    bucket = Writing()
    result = await backup_database.run(context(source, bucket))
    restored(saved(bucket, tmp_path / "b", result["backup"]), target)
    assert content_of(target) == before


async def test_a_row_longer_than_an_answer_may_be_comes_in_slices(new_database: NewDatabase, tmp_path: Path) -> None:
    source, target, bucket = new_database(), new_database(), FakeBucket()
    ((limit,),) = fetch(source, LIMIT)
    execute(
        source,
        "alter table things drop constraint things_answerable",
        "insert into things (ns, id, type, data) select 'n', id::text, 't',"
        " jsonb_build_object('list', array_fill('\"😀'::text, array[1000000])) from generate_series(1, 2) as id",
        f"alter table things add constraint things_answerable {limit}",
        "insert into things (ns, id, type) values ('n', '0', 't'), ('n', '15', 't'), ('n', '3', 't')",
    )
    result = await backup_database.run(context(source, bucket))
    assert result["bytes"] > 2 * 10 * 1024 * 1024
    restored(saved(bucket, tmp_path / "b", result["backup"]), target)
    assert content_of(target) == content_of(source)
    assert fetch(target, LIMIT) == [(limit,)], "it holds for what comes after those rows"


async def test_no_line_is_made_in_vain_but_the_one_a_page_has_no_room_for(new_database: NewDatabase) -> None:
    """A page that makes the lines of a hundred long rows to deliver one comes to no end."""
    source, most_bytes = new_database(), 20_000
    long, short = range(1, 51), range(51, 301)
    execute(
        source,
        "insert into things (ns, id, type, code)"
        f" select 'n', lpad(n::text, 3, '0'), 't', repeat('x', case when n <= {long[-1]} then {most_bytes} else 90 end)"
        f" from generate_series(1, {short[-1]}) as n",
    )
    backup = context(source, FakeBucket())
    taken = await snapshot.take(backup, "one", 20)
    (table,) = [table for table in await taken.tables() if table.name == "things"]
    line = "array_to_json(array[id, code, nextval(''public.made'')::text])::text"
    execute(source, "create sequence made", f"update dotdo_backup.tables set line = '{line}' where name = 'things'")
    execute(source, f"analyze dotdo_backup.rows_{table.number}")
    read, pages = 0, []
    while read < table.rows:
        pages.append(await taken.page(table, read, 5_000, most_bytes))
        read = pages[-1].last
    ((made,),) = fetch(source, "select last_value from made")
    assert made <= table.rows + len(pages)
    assert [page.lines for page in pages[: len(long)]] == [None] * len(long)
    lines = [json.loads(line) for page in pages[len(long) :] for line in (page.lines or "").splitlines()]
    assert [(id, code) for id, code, _ in lines] == [(f"{n:03}", "x" * 90) for n in short]
    assert all(len(page.lines or "") <= most_bytes for page in pages)
    assert 1 < len(pages) - len(long) < 4


async def test_a_restore_holds_the_rows_of_one_part_however_many_there_are(
    new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mib = 1024 * 1024
    monkeypatch.setattr(backup_database, "PART_BYTES", mib)
    source, target, bucket = new_database(), new_database(), FakeBucket()
    execute(
        source,
        "insert into things (ns, id, type, code)"
        f" select 'n', id::text, 't', repeat('x ', {mib // 8}) from generate_series(1, 160) as id",
    )
    result = await backup_database.run(context(source, bucket))
    assert result["bytes"] > 40 * mib
    folder = saved(bucket, tmp_path / "b", result["backup"])
    tracemalloc.start()
    try:
        restored(folder, target)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12 * mib
    assert content_of(target) == content_of(source)


async def test_migrations_and_backups_wait_for_each_other(new_database: NewDatabase) -> None:
    source, bucket = new_database(), FakeBucket()
    with psycopg.connect(source) as migrating:
        migrating.execute("select pg_advisory_xact_lock(hashtextextended('public.schema_migrations', 0))")
        with pytest.raises(psycopg.errors.SerializationFailure, match="migrations are being applied"):
            await backup_database.run(context(source, bucket))
    assert (await backup_database.run(context(source, bucket)))["rows"] == 0


async def test_a_schema_that_somebody_else_made_is_left_alone(new_database: NewDatabase) -> None:
    source, bucket = new_database(), FakeBucket()
    execute(source, "create schema backup", "create table backup.snapshot (id text)")
    await backup_database.run(context(source, bucket))
    assert fetch(source, "select count(*) from backup.snapshot") == [(0,)]
    execute(source, "alter schema backup rename to dotdo_backup")
    for comment in ("null", "'mine'"):
        execute(source, f"comment on schema dotdo_backup is {comment}")
        with pytest.raises(psycopg.errors.RaiseException, match="schema dotdo_backup was not made by backups"):
            await backup_database.run(context(source, bucket))
        assert fetch(source, "select count(*) from dotdo_backup.snapshot") == [(0,)]


async def test_without_a_bucket_there_is_none(new_database: NewDatabase) -> None:
    bindings = FakeBindings()
    with pytest.raises(Skipped, match="BACKUPS"):
        await backup_database.run(TaskContext(bindings, Sql(bindings), Logger("schedule"), 0, 29))


def test_the_manifest_says_what_it_is(new_database: NewDatabase) -> None:
    assert set(Manifest.model_fields) == {
        "format", "id", "taken_at", "finished_at", "migrations", "sequences", "tables",
    }  # fmt: skip
