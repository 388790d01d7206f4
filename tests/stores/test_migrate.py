"""Migrations: applied once and in order, recorded, safe to run twice at a time; contradictions stop them with a way out."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from typer import Typer
from typer.testing import CliRunner

from scripts.migrate import MigrationError, main, migrate_postgres
from scripts.migrations import postgres
from scripts.migrations.clickhouse import split_statements
from scripts.migrations.files import load
from scripts.migrations.postgres import pending_postgres
from scripts.stack.process import free_port
from scripts.stores.postgres import Postgres

Write = Callable[..., Path]

NUMBERS = itertools.count()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    folder = tmp_path_factory.mktemp("migrate")
    started = Postgres(folder / "pg", free_port(), folder / "pg.log", "p@ss/word")
    await started.start()
    yield started
    await started.stop()


@pytest.fixture
def url(server: Postgres) -> str:
    """An empty database of the test's own."""
    name = f"test_{next(NUMBERS)}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return server.url.removesuffix("dotdo") + name


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes migrations given as 0001_name=sql; None removes one. Returns their folder."""

    def write_files(**files: str | None) -> Path:
        folder = tmp_path / "migrations"
        folder.mkdir(exist_ok=True)
        for name, sql in files.items():
            file = folder / f"{name.removeprefix('m')}.sql"
            file.unlink() if sql is None else file.write_text(sql)
        return folder

    return write_files


def fetch(url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(sql).fetchall()


def versions(url: str) -> list[object]:
    return [row[0] for row in fetch(url, "select version from schema_migrations order by version")]


FUNCTION = """
create function twice(x int) returns int language plpgsql as $$
begin
    -- a semicolon; and a quote ' in here
    return x * 2; -- 100%
end
$$;
insert into a values (twice(21));
"""


def test_applies_in_order_once_and_records(url: str, write: Write) -> None:
    folder = write(m0001_first="create table a (x int); create index on a (x);", m0002_function=FUNCTION)
    assert [migration.file for migration in pending_postgres(url, folder)] == ["0001_first.sql", "0002_function.sql"]
    assert fetch(url, "select to_regclass('schema_migrations')") == [(None,)]

    applied = migrate_postgres(url, folder)
    assert [(one.store, one.version, one.name) for one in applied] == [
        ("postgres", 1, "first"), ("postgres", 2, "function"),
    ]  # fmt: skip
    assert fetch(url, "select x from a") == [(42,)]
    recorded = fetch(
        url, "select version, name, checksum, applied_at is not null from schema_migrations order by version"
    )
    assert recorded == [(one.version, one.name, one.checksum, True) for one in load(folder)]

    assert migrate_postgres(url, folder) == []
    write(m0003_more="create table b ()")
    assert [one.version for one in migrate_postgres(url, folder)] == [3]


def test_a_failing_file_is_rolled_back_and_those_before_it_stay(url: str, write: Write) -> None:
    folder = write(m0001_good="create table a ()", m0002_bad="create table b ();\n\nselect nothing_here;")
    with pytest.raises(
        MigrationError, match=r'0002_bad.sql, line 3: column "nothing_here" does not exist(?s:.*)rolled back'
    ):
        migrate_postgres(url, folder)
    assert versions(url) == [1]
    assert fetch(url, "select to_regclass('a')::text, to_regclass('b')::text") == [("a", None)]
    write(m0002_bad="create table b ()")
    assert [one.version for one in migrate_postgres(url, folder)] == [2]


def test_settings_of_a_file_do_not_reach_the_next(url: str, write: Write) -> None:
    folder = write(
        m0001_dump="select set_config('search_path', '', false); create table public.a ()",
        m0002_next="create table b ()",
    )
    migrate_postgres(url, folder)
    assert fetch(url, "select to_regclass('public.b')::text") == [("b",)]


def test_the_limit_of_requests_is_none_of_migrations(url: str, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"alter database {connection.info.dbname} set statement_timeout = '50ms'")
    folder = write(m0001_long="select pg_sleep(0.2)", m0002_long="select pg_sleep(0.2)")
    monkeypatch.setattr(postgres, "LOCK_TIMEOUT", "200ms")
    with psycopg.connect(url) as other:
        other.execute(postgres.LOCK)
        with pytest.raises(MigrationError, match="a backup has held the database for 200ms"):
            migrate_postgres(url, folder)
    assert [one.version for one in migrate_postgres(url, folder)] == [1, 2]


def test_a_record_that_is_none_is_told(url: str, write: Write) -> None:
    folder = write(m0001_first="create table a ()")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table schema_migrations (x int)")
    for ask in (migrate_postgres, pending_postgres):
        with pytest.raises(MigrationError, match='no record of it: column "version" does not exist'):
            ask(url, folder)


def test_a_file_that_commits_is_refused(url: str, write: Write) -> None:
    with pytest.raises(MigrationError, match=r"0001_commits.sql ends the transaction"):
        migrate_postgres(url, write(m0001_commits="create table a (); commit;"))
    assert versions(url) == []


def test_an_edited_file_stops_everything(url: str, write: Write) -> None:
    folder = write(m0001_first="create table a ()")
    migrate_postgres(url, folder)
    write(m0001_first="create table a (x int)", m0002_next="create table b ()")
    for run in (migrate_postgres, pending_postgres):
        with pytest.raises(MigrationError, match=r"0001_first.sql was changed after it was applied.*new migration"):
            run(url, folder)
    assert versions(url) == [1]


def test_a_missing_or_renamed_file_stops_everything(url: str, write: Write) -> None:
    folder = write(m0001_first="create table a ()", m0002_second="create table b ()")
    migrate_postgres(url, folder)
    write(m0002_second=None)
    with pytest.raises(MigrationError, match=r"0002_second.sql was applied .* missing"):
        migrate_postgres(url, folder)
    write(m0002_renamed="create table b ()")
    with pytest.raises(MigrationError, match=r"0002_second.sql was applied .* missing"):
        migrate_postgres(url, folder)


def test_a_record_with_a_hole(url: str, write: Write) -> None:
    folder = write(m0001_first="create table a ()", m0002_second="create table b ()")
    migrate_postgres(url, folder)
    with psycopg.connect(url) as connection:
        connection.execute("delete from schema_migrations where version = 1")
    with pytest.raises(MigrationError, match=r"0001_first.sql was not applied.*next free number, 0003"):
        migrate_postgres(url, folder)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["0001_a", "0003_c"], "Number 0002 is missing .* 0003_c.sql follows the gap"),
        (["0002_b"], "Number 0001 is missing"),
        (["0000_a"], "0000_a.sql has the number of 0001_….sql, the first"),
        (["0001_a", "0002_b", "0002_c"], "0002_c.sql has the number of 0002_b.sql. Rename it to 0003_c.sql"),
        (["0001_a", "2_b"], "2_b.sql in .* is not named NNNN_name.sql"),
        (["0001-a"], "0001-a.sql in .* is not named NNNN_name.sql"),
    ],
)
def test_unclear_order_applies_nothing(url: str, write: Write, names: list[str], message: str) -> None:
    folder = write(**dict.fromkeys(names, "create table a ()"))
    with pytest.raises(MigrationError, match=message):
        migrate_postgres(url, folder)
    assert fetch(url, "select to_regclass('a')") == [(None,)]


def test_no_folder_and_an_empty_one(url: str, write: Write, tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="There is no folder"):
        migrate_postgres(url, tmp_path / "nowhere")
    assert migrate_postgres(url, write()) == []


def test_a_file_that_is_not_utf8(url: str, write: Write) -> None:
    folder = write()
    (folder / "0001_latin.sql").write_bytes(b"-- caf\xe9\n")
    with pytest.raises(MigrationError, match=r"0001_latin.sql is not UTF-8 \(byte 6\)"):
        migrate_postgres(url, folder)


@pytest.mark.asyncio(loop_scope="module")
async def test_runs_at_the_same_time_apply_each_file_once(url: str, write: Write) -> None:
    folder = write(**{
        f"m{number:04}_step": f"create table t{number} (); select pg_sleep(0.02)" for number in range(1, 6)
    })  # fmt: skip
    runs = await asyncio.gather(*(asyncio.to_thread(migrate_postgres, url, folder) for _ in range(4)))
    assert sorted(one.version for run in runs for one in run) == [1, 2, 3, 4, 5]
    assert versions(url) == [1, 2, 3, 4, 5]


def test_a_store_that_is_not_there(write: Write) -> None:
    with pytest.raises(MigrationError, match="No connection to PostgreSQL; check DATABASE_URL") as caught:
        migrate_postgres(f"postgresql://dotdo:secret@127.0.0.1:{free_port()}/dotdo", write())
    assert "secret" not in str(caught.value)


# The command


@pytest.fixture
def command() -> Callable[..., tuple[int, str]]:
    app = Typer()
    app.command()(main)

    def run(*arguments: str, **environment: str) -> tuple[int, str]:
        unset = {"DATABASE_URL": None, "CLICKHOUSE_URL": None, "COLUMNS": "120"}
        result = CliRunner().invoke(app, arguments, env={**unset, **environment})
        return result.exit_code, result.output

    return run


def test_command(url: str, write: Write, command: Callable[..., tuple[int, str]]) -> None:
    folder = write(m0001_first="create table a ()")
    listed = command("--dry-run", "--postgres-folder", str(folder), DATABASE_URL=url)
    assert listed[0] == 0
    assert "0001_first.sql" in listed[1]
    assert "pending" in listed[1]
    code, shown = command("--database-url", url, "--postgres-folder", str(folder))
    assert code == 0
    assert "0001_first.sql" in shown
    assert " ms" in shown
    assert "Nothing to apply" in command("--database-url", url, "--postgres-folder", str(folder))[1]


def test_command_errors(url: str, write: Write, command: Callable[..., tuple[int, str]]) -> None:
    assert command()[0] == 2
    code, shown = command("--database-url", url, "--postgres-folder", str(write(m0002_gap="select 1")))
    assert (code, shown.startswith("Number 0001 is missing")) == (1, True)
    code, shown = command("--clickhouse-url", f"http://127.0.0.1:{free_port()}")
    assert (code, "check CLICKHOUSE_URL" in shown) == (1, True)


# ClickHouse statements


@pytest.mark.parametrize(
    ("sql", "statements"),
    [
        ("", []),
        ("-- only; a comment\n/* ; */ ;;", []),
        ("select 1", ["select 1"]),
        ("select 1;\nselect 2;\n", ["select 1", "select 2"]),
        ("select 'a;b', 'it''s;', 'c\\';d';select 2", ["select 'a;b', 'it''s;', 'c\\';d'", "select 2"]),
        ('select `a;b`, "c;d"; select 2', ['select `a;b`, "c;d"', "select 2"]),
        ("select 1 -- x; y\n, 2; select 3", ["select 1 -- x; y\n, 2", "select 3"]),
        ("/* a; */ select /* b; */ 1; # c; d\nselect 2", ["select /* b; */ 1", "select 2"]),
        ("select $tag$ a; b $tag$; select {x:UInt8}", ["select $tag$ a; b $tag$", "select {x:UInt8}"]),
        ("select 'é;日本'; select 'ü'", ["select 'é;日本'", "select 'ü'"]),
    ],
)
def test_statements_end_at_semicolons_that_are_none_of_a_string_or_comment(sql: str, statements: list[str]) -> None:
    assert split_statements(sql) == statements


def test_an_unfinished_string_is_an_error() -> None:
    with pytest.raises(ValueError, match="tokenizing"):
        split_statements("select 'a")
