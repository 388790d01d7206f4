"""One PostgreSQL for the tests of this folder, each with databases of its own."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from dotdo.fakes import FakeBucket
from schedule.tasks import backup_database
from scripts.migrations.postgres import migrate_postgres
from scripts.runtime.services import ROOT
from scripts.stack.process import free_port
from scripts.stores.postgres import Postgres
from tests.stores.backup.databases import ROWS, NewDatabase, context, execute, saved

MIGRATIONS = ROOT / "db" / "migrations"
NUMBERS = itertools.count()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
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


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_database, "PAGE_BYTES", 20_000)
    monkeypatch.setattr(backup_database, "PART_BYTES", 60_000)


@pytest_asyncio.fixture
async def backup(new_database: NewDatabase, tmp_path: Path, small_parts: None) -> Path:
    source, bucket = new_database(), FakeBucket()
    execute(source, *ROWS)
    return saved(bucket, tmp_path / "b", (await backup_database.run(context(source, bucket)))["backup"])
