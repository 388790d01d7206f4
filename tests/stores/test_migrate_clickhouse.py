"""Migrations of ClickHouse, which has no transactions: what failed half-way runs again."""

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import clickhouse_connect
import pytest
import pytest_asyncio
from clickhouse_connect.driver.client import Client

from scripts.migrate import CLICKHOUSE_FOLDER, MigrationError, migrate_clickhouse
from scripts.migrations.clickhouse import pending_clickhouse
from scripts.migrations.files import load
from scripts.stack.process import free_port
from scripts.stores.clickhouse import ClickHouse

PASSWORD = "p@ss/word"

Account = tuple[str, str, str, str]
Write = Callable[..., Path]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ClickHouse]:
    folder = tmp_path_factory.mktemp("migrate_clickhouse")
    started = ClickHouse(folder / "data", free_port(), folder / "clickhouse.log", PASSWORD)
    await started.start()
    yield started
    await started.stop()


@pytest.fixture
def account(server: ClickHouse) -> Account:
    return server.url, server.username, PASSWORD, server.database


@pytest.fixture
def client(server: ClickHouse) -> Iterator[Client]:
    """A client of an empty database."""
    made = clickhouse_connect.get_client(
        host="127.0.0.1", port=server.port, username=server.username, password=PASSWORD, database=server.database
    )
    with closing(made):
        for (table,) in made.query("show tables").result_rows:
            made.command(f"drop table `{table}` sync")
        yield made


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes migrations given as m0001_name=sql. Returns their folder."""

    def write_files(**files: str) -> Path:
        for name, sql in files.items():
            (tmp_path / f"{name.removeprefix('m')}.sql").write_text(sql)
        return tmp_path

    return write_files


def versions(client: Client) -> list[int]:
    rows = client.query("select distinct version from schema_migrations order by version").result_rows
    return [row[0] for row in rows]


FIRST = """
-- Two statements; and a comment
create table if not exists a (x String) engine = MergeTree order by x;
insert into a select 'semi;colon' /* ; */ where 'semi;colon' not in (select x from a);
"""


def test_applies_in_order_once_and_records(account: Account, client: Client, write: Write) -> None:
    folder = write(m0001_first=FIRST, m0002_second="create table if not exists b (y UInt8) engine = Memory")
    assert [migration.file for migration in pending_clickhouse(*account, folder)] == [
        "0001_first.sql",
        "0002_second.sql",
    ]
    assert client.query("show tables").result_rows == []

    applied = migrate_clickhouse(*account, folder)
    assert [(one.store, one.version) for one in applied] == [("clickhouse", 1), ("clickhouse", 2)]
    assert client.query("select x from a").result_rows == [("semi;colon",)]
    recorded = client.query("select version, name, checksum from schema_migrations order by version").result_rows
    assert [tuple(row) for row in recorded] == [(one.version, one.name, one.checksum) for one in load(folder)]

    assert migrate_clickhouse(*account, folder) == []
    assert pending_clickhouse(*account, folder) == []


def test_a_file_that_failed_half_way_runs_again(account: Account, client: Client, write: Write) -> None:
    folder = write(m0001_first=FIRST + "select no_such_column;")
    with pytest.raises(MigrationError, match=r"0001_first.sql, statement 3 of 3: (?s:.*)no_such_column"):
        migrate_clickhouse(*account, folder)
    assert versions(client) == []
    write(m0001_first=FIRST)
    assert [one.version for one in migrate_clickhouse(*account, folder)] == [1]
    assert client.query("select count() from a").result_rows == [(1,)]


def test_an_edited_file_stops_everything(account: Account, client: Client, write: Write) -> None:
    folder = write(m0001_first=FIRST)
    migrate_clickhouse(*account, folder)
    write(m0001_first=FIRST + "-- more", m0002_next="create table if not exists b (y UInt8) engine = Memory")
    with pytest.raises(MigrationError, match=r"0001_first.sql was changed after it was applied"):
        migrate_clickhouse(*account, folder)
    assert versions(client) == [1]


def test_runs_at_the_same_time_do_no_harm(account: Account, client: Client, write: Write) -> None:
    folder = write(m0001_first="create table if not exists a (x String) engine = MergeTree order by x")
    with ThreadPoolExecutor(3) as threads:
        runs = [threads.submit(migrate_clickhouse, *account, folder) for _ in range(3)]
    assert any(run.result() for run in runs)
    assert versions(client) == [1]
    assert migrate_clickhouse(*account, folder) == []


def test_the_repository_s_own_migrations(account: Account, client: Client) -> None:
    assert migrate_clickhouse(*account, CLICKHOUSE_FOLDER)
    assert migrate_clickhouse(*account, CLICKHOUSE_FOLDER) == []
    assert versions(client) == [migration.version for migration in load(CLICKHOUSE_FOLDER)]


def test_a_wrong_account_and_an_unknown_database(account: Account, write: Write) -> None:
    url, user, password, database = account
    folder = write(m0001_first=FIRST)
    for wrong in ((url, user, "wrong", database), (url, user, password, "no_such_database")):
        with pytest.raises(MigrationError, match="No connection to ClickHouse") as caught:
            migrate_clickhouse(*wrong, folder)
        assert password not in str(caught.value)
