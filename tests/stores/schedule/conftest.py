"""A database with all tables for the tests of this folder, and the world each of them begins with."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from scripts.migrations.postgres import migrate_postgres
from scripts.runtime.services import ROOT
from scripts.stack.process import free_port
from scripts.stores.postgres import Postgres
from tests.stores.schedule.world import Database, World
from tests.unit.conftest import LogLines, run_at_once

__all__ = ["run_at_once"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The database's address."""
    folder = tmp_path_factory.mktemp("schedule")
    server = Postgres(folder / "pg", free_port(), folder / "pg.log", "schedule")
    await server.start()
    await asyncio.to_thread(migrate_postgres, server.url, ROOT / "db" / "migrations")
    yield server.url
    await server.stop()


@pytest.fixture
def database(migrated: str) -> Iterator[Database]:
    database = Database(migrated)
    database.rows("truncate scheduled_tasks, task_executions, offered_defaults")
    yield database
    database.close()


@pytest.fixture
def world(database: Database) -> World:
    return World(database, {}, LogLines())
