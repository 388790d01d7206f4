"""Backup and restore over a real PostgreSQL: the task with a bucket in memory, restored into another database."""

import asyncio
import gzip
import itertools
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from typer import Typer
from typer.testing import CliRunner

from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings, FakeBucket, FakeClock
from dotdo.instants import utc_text
from dotdo.log import Logger
from dotdo.sql import Sql
from schedule.domain.backup.manifest import Manifest
from schedule.domain.backup.retention import backup_id
from schedule.domain.registry import Skipped, TaskContext
from schedule.tasks import backup_database
from scripts.backups.files import RestoreError, fetch_local, read_manifest
from scripts.migrations.postgres import migrate_postgres
from scripts.restore import main
from scripts.runtime.services import ROOT
from scripts.stack.node import node
from scripts.stack.process import free_port
from scripts.stores.postgres import Postgres
from tests.e2e.pgvalues import TYPES

MIGRATIONS = ROOT / "db" / "migrations"
NUMBERS = itertools.count()
EVERY = '"Every ""type"" there is"'
NewDatabase = Callable[..., str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    folder = tmp_path_factory.mktemp("backup")
    started = Postgres(folder / "pg", free_port(), folder / "pg.log", "p@ss/word")
    await started.start()
    yield started
    await started.stop()


@pytest.fixture
def new_database(server: Postgres) -> NewDatabase:
    """Makes an empty, migrated database; its URL."""

    def make(migrations: Path = MIGRATIONS) -> str:
        name = f"test_{next(NUMBERS)}"
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"create database {name}")
        url = server.url.removesuffix("dotdo") + name
        migrate_postgres(url, migrations)
        return url

    return make


class SqlPeer:
    """The db service, as far as backups use it, on psycopg. `answers` counts down to a failure."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def call(self, method: str, *params: Any) -> Any:
        with psycopg.connect(self.url, cursor_factory=psycopg.RawCursor) as connection:
            if method == "query":
                return self._run(connection, *params)
            assert method == "transaction"
            statements, options = params
            assert options["isolation"] == "repeatable_read"
            connection.execute("set transaction isolation level repeatable read")
            return [self._run(connection, one["sql"], one["params"]) for one in statements]

    def _run(self, connection: Any, sql: str, params: list[Any], *_options: Any) -> dict[str, Any]:
        cursor = connection.execute(sql, params)
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, map(_plain, row), strict=True)) for row in (cursor.fetchall() if names else ())]
        return {"rows": rows, "rowCount": cursor.rowcount}


def _plain(value: Any) -> Any:
    return utc_text(value) if isinstance(value, datetime) else value


def context(
    url: str,
    bucket: FakeBucket,
    clock: FakeClock | None = None,
    seconds: float = 3600,
    environment: str = "production",
) -> TaskContext:
    texts = {"ENVIRONMENT": environment}
    bindings = FakeBindings(texts, peers={"DB": SqlPeer(url)}, bound={"BACKUPS": bucket}, clock=clock)
    now_s = bindings.clock.now_s()
    return TaskContext(bindings, Sql(bindings), Logger("schedule"), now_s, now_s + seconds)


def saved(bucket: FakeBucket, folder: Path, id: str) -> Path:
    """The backup of the bucket as files."""
    folder.mkdir(exist_ok=True)
    for key, content in bucket.objects.items():
        if key.startswith(f"postgres/production/{id}/"):
            (folder / key.rpartition("/")[2]).write_bytes(content)
    return folder


def restored(folder: Path, url: str) -> str:
    """What the command prints. Raises RestoreError for what it refuses."""
    app = Typer()
    app.command()(main)
    result = CliRunner().invoke(app, [str(folder), "--database-url", url])
    if result.exit_code:
        raise RestoreError(result.output)
    return result.output


def fetch(url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(sql).fetchall()


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement)


def content_of(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table as text, read by other means than the backup's."""
    tables = fetch(
        url, "select tablename from pg_tables where schemaname = 'public' and tablename <> 'schema_migrations'"
    )
    return {table: sorted(fetch(url, f"select t::text from public.{table} as t")) for (table,) in tables}


FILL = """
insert into things (ns, id, type, content, data, embedding)
select 'n' || n % 7, 'id ' || n, 'note', 'content ' || n, jsonb_build_object('n', n, 'null', null, 'text', 'line' || chr(10)),
    case when n % 50 = 0 then (select array_agg(sin(n + m))::vector from generate_series(1, 768) as m) end
from generate_series(1, 3000) as n
"""
ROWS = (
    FILL,
    "insert into relationships (ns, id, type, from_ns, from_id, to_ns, to_id) values ('n', 'r', 'likes', 'n', 'a', 'n', 'b')",
    "insert into users (id, email) values ('u1', 'ä@example.com'), ('u2', 'b@example.com')",
    # One refers to another that comes behind it.
    """
    insert into api_keys (id, user_id, name, key_hash, prefix, last4, environment, scopes, replaced_by)
    select id, 'u1', E'tab\\t"quote" \\\\ 😀', sha256(id::bytea), 'sk', 'last', 'test', array['a,b', '', null, '"'], successor
    from (values ('k1', 'k2'), ('k2', null)) as key (id, successor)
    """,
    "insert into audit_log (actor, action) select 'u1', 'did ' || n from generate_series(1, 5) as n",
    "insert into analytics_snapshots values ('infinity', 'x', 'null'), ('0044-03-15 12:00:00.123456+00 BC', 'y', '{}')",
)


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
    execute(
        source,
        "insert into things (ns, id, type, data) select 'n', id::text, 't',"
        " jsonb_build_object('list', array_fill('\"😀'::text, array[1000000])) from generate_series(1, 2) as id",
        "insert into things (ns, id, type) values ('n', '0', 't'), ('n', '15', 't'), ('n', '3', 't')",
    )
    result = await backup_database.run(context(source, bucket))
    assert result["bytes"] > 2 * 10 * 1024 * 1024
    restored(saved(bucket, tmp_path / "b", result["backup"]), target)
    assert content_of(target) == content_of(source)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_database, "PAGE_BYTES", 20_000)
    monkeypatch.setattr(backup_database, "PART_BYTES", 60_000)


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


async def test_migrations_and_backups_wait_for_each_other(new_database: NewDatabase) -> None:
    source, bucket = new_database(), FakeBucket()
    with psycopg.connect(source) as migrating:
        migrating.execute("select pg_advisory_xact_lock(hashtextextended('public.schema_migrations', 0))")
        with pytest.raises(psycopg.errors.SerializationFailure, match="migrations are being applied"):
            await backup_database.run(context(source, bucket))
    assert (await backup_database.run(context(source, bucket)))["rows"] == 0


async def test_a_week_of_days_and_a_month_of_weeks_stay(new_database: NewDatabase) -> None:
    source, bucket, clock = new_database(), FakeBucket(), FakeClock()
    for _ in range(40):
        await backup_database.run(context(source, bucket, clock))
        clock.now += 86_400
    bucket.objects["postgres/production/notes/readme"] = b"not ours"
    await backup_database.run(context(source, bucket, clock))
    days = {key.split("/")[2] for key in bucket.objects} - {"notes"}
    today = datetime.fromtimestamp(clock.now)
    ages = sorted((today - datetime.strptime(day, "%Y%m%dT%H%M%SZ")) // timedelta(days=1) for day in days)
    assert ages[:7] == [0, 1, 2, 3, 4, 5, 6]
    assert 8 <= len(ages) <= 10
    assert ages[-1] in range(15, 22)
    assert "postgres/production/notes/readme" in bucket.objects


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


@pytest.mark.usefixtures("small_parts")
async def test_environments_that_share_a_bucket_leave_each_others_backups_alone(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    production, staging, bucket, clock = new_database(), new_database(), FakeBucket(), FakeClock()
    execute(production, *ROWS)
    backups = []
    for _ in range(10):
        backups.append((await backup_database.run(context(production, bucket, clock)))["backup"])
        clock.now += 1
        result = await backup_database.run(context(staging, bucket, clock, environment="staging"))
        assert result["backup"] not in backups
        clock.now += 1
    bucket.fails_at = bucket.operations + 4
    with pytest.raises(ServiceError):
        await backup_database.run(context(production, bucket, clock))
    bucket.fails_at = None
    cut = [key for key in bucket.objects if key.startswith(f"postgres/production/{backup_id(clock.now)}/")]
    assert cut
    clock.now += 1
    result = await backup_database.run(context(staging, bucket, clock, environment="staging"))
    assert len(result["removed"]) == 1
    assert set(cut) <= set(bucket.objects)
    target = new_database()
    restored(saved(bucket, tmp_path / "b", backups[-1]), target)
    assert content_of(target) == content_of(production)


def test_of_the_local_bucket_an_environments_backup_is_fetched(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    old, one, other = "20261101T000000Z", "20261102T000000Z", "20261103T000000Z"
    complete = [f"postgres/{old}", f"postgres/development/{one}", f"postgres/staging/{other}"]
    keys = [f"{folder}/{file}" for folder in complete for file in ("manifest.json", "a.gz")]
    cut = "postgres/development/20261104T000000Z/a.gz"
    subprocess.run([node(), Path(__file__).with_name("local_bucket.mjs"), storage, *keys, cut], check=True)
    for environment, wanted, found, key in (
        ("development", "latest", one, f"postgres/development/{one}/a.gz"),
        ("staging", "latest", other, f"postgres/staging/{other}/a.gz"),
        ("development", old, old, f"postgres/{old}/a.gz"),
        ("production", "latest", old, f"postgres/{old}/a.gz"),
    ):
        folder = tmp_path / f"{environment} {wanted}"
        assert fetch_local(storage, environment, wanted, folder) == found
        assert sorted(file.name for file in folder.iterdir()) == ["a.gz", "manifest.json"]
        assert (folder / "a.gz").read_text() == key
    for wanted in (other, "20261104T000000Z", "development"):
        with pytest.raises(RestoreError, match="no complete backup"):
            fetch_local(storage, "development", wanted, tmp_path / "none")


async def test_without_a_bucket_there_is_none(new_database: NewDatabase) -> None:
    bindings = FakeBindings()
    with pytest.raises(Skipped, match="BACKUPS"):
        await backup_database.run(TaskContext(bindings, Sql(bindings), Logger("schedule"), 0, 29))


# -- what a restore refuses ------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def backup(new_database: NewDatabase, tmp_path: Path, small_parts: None) -> Path:
    source, bucket = new_database(), FakeBucket()
    execute(source, *ROWS)
    return saved(bucket, tmp_path / "b", (await backup_database.run(context(source, bucket)))["backup"])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x20
    file.write_bytes(content)


def swap_a_row(file: Path) -> None:
    """A file that is sound in itself."""
    text = gzip.decompress(file.read_bytes()).replace(b"note", b"NOTE", 1)
    file.write_bytes(gzip.compress(text, mtime=0))


CORRUPTIONS = {
    "a bit": flip,
    "half": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "empty": lambda file: file.write_bytes(b""),
    "missing": Path.unlink,
    "a row": swap_a_row,
    "longer": lambda file: file.write_bytes(file.read_bytes() + gzip.compress(b'["x"]\n')),
}


@pytest.mark.parametrize("corrupt", CORRUPTIONS.values(), ids=CORRUPTIONS)
async def test_a_corrupted_part_is_named_and_nothing_restored(
    backup: Path, new_database: NewDatabase, corrupt: Callable[[Path], object]
) -> None:
    part = sorted(backup.glob("things-*.gz"))[-1]
    corrupt(part)
    target = new_database()
    with pytest.raises(RestoreError) as refused:
        restored(backup, target)
    assert part.name in str(refused.value).replace("\n", "")
    assert "table things" in str(refused.value)
    assert not any(content_of(target).values())


def rewritten(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def things(manifest: dict[str, Any]) -> dict[str, Any]:
    return next(table for table in manifest["tables"] if table["name"] == "things")


MANIFESTS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a part less": (lambda manifest: things(manifest)["parts"].pop(), "contradicts itself about the table things"),
    "other count": (lambda manifest: things(manifest).update(rows=1), "contradicts itself about the table things"),
    "no hash": (lambda manifest: things(manifest).pop("sha256"), "sha256"),
    "other format": (lambda manifest: manifest.update(format="dotdo-postgres/9"), "format"),
    "elsewhere": (lambda manifest: things(manifest)["parts"][0].update(file="../x.gz"), "outside of the backup"),
    "a table less": (lambda manifest: manifest["tables"].pop(0), "other tables or columns"),
    "other schema": (lambda manifest: manifest["migrations"].pop(), "Check the repository out as of the backup"),
}


@pytest.mark.parametrize(("change", "told"), MANIFESTS.values(), ids=MANIFESTS)
async def test_a_manifest_that_does_not_fit_is_refused(
    backup: Path, new_database: NewDatabase, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    rewritten(backup, change)
    target = new_database()
    with pytest.raises(RestoreError, match=told):
        restored(backup, target)
    assert not any(content_of(target).values())


async def test_a_backup_without_manifest_is_refused(backup: Path, new_database: NewDatabase) -> None:
    (backup / "manifest.json").unlink()
    with pytest.raises(RestoreError, match="without a manifest"):
        restored(backup, new_database())


async def test_rows_that_come_out_otherwise_are_taken_back(backup: Path, new_database: NewDatabase) -> None:
    """A trigger that restoring leaves on changes what is stored."""
    target = new_database()
    execute(
        target,
        "create function shout() returns trigger language plpgsql as $$ begin new.type = 'NOTE'; return new; end $$",
        "create trigger shout before insert on things for each row execute function shout()",
        "create function on_again() returns event_trigger language plpgsql as"
        " $$ begin alter table things enable trigger shout; end $$",
        "create event trigger on_again on sql_drop execute function on_again()",
    )
    with pytest.raises(RestoreError, match="are others in the table things"):
        restored(backup, target)
    assert not any(content_of(target).values())


# -- every type --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def every_type(tmp_path: Path) -> Path:
    """Migrations of a database with a table that has a column of each type, generated ones, and awkward names."""
    columns = ", ".join(f'"c{index}" {kind.name}' for index, kind in enumerate(TYPES))
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_types.sql").write_text(
        f"""
        create extension vector;
        create table {EVERY} (
            id bigint generated always as identity primary key, {columns},
            twice bigint generated always as (id * 2) stored
        );
        create table "no key" (a text, b jsonb);
        create table "no column" ();
        """
    )
    return folder


def test_every_type_comes_back_to_the_last_byte(new_database: NewDatabase, every_type: Path, tmp_path: Path) -> None:
    folders = itertools.count()
    rows = st.lists(st.tuples(*(st.none() | kind.literals for kind in TYPES)), min_size=1, max_size=4)
    names = ", ".join(f"c{index}" for index in range(len(TYPES)))
    values = ", ".join(f"${index + 1}::text::{kind.name}" for index, kind in enumerate(TYPES))

    @settings(
        max_examples=40,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(rows)
    def check(rows: list[tuple[str | None, ...]]) -> None:
        source, target, bucket = new_database(every_type), new_database(every_type), FakeBucket()
        with psycopg.connect(source, cursor_factory=psycopg.RawCursor) as connection:
            for row in rows:
                connection.execute(f"insert into {EVERY} ({names}) values ({values})", row)
            connection.execute("insert into \"no key\" values ('b', null), ('a', 'null'), ('a', null), (null, '[1]')")
        result = asyncio.run(backup_database.run(context(source, bucket)))
        restored(saved(bucket, tmp_path / str(next(folders)), result["backup"]), target)
        for table in (EVERY, '"no key"'):
            read = f"select t::text from {table} as t order by 1"
            assert fetch(target, read) == fetch(source, read)

    check()


def test_the_manifest_says_what_it_is(new_database: NewDatabase) -> None:
    assert set(Manifest.model_fields) == {
        "format", "id", "taken_at", "finished_at", "migrations", "sequences", "tables",
    }  # fmt: skip
