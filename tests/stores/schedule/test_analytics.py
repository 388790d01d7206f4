"""update-analytics over both stores: an hour of more types than db answers rows."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from db.adapters.clickhouse import ClickHouse
from db.domain.events import Events
from dotdo.contracts.db.models import ClickHouseOptions
from dotdo.fakes import FakeBindings, FakeClock
from dotdo.log import Logger
from dotdo.sql import Sql
from schedule.domain.registry import TaskContext
from schedule.tasks import update_analytics
from scripts.migrate import CLICKHOUSE_FOLDER, migrate_clickhouse
from scripts.stack.process import free_port
from scripts.stores import clickhouse
from tests.stores.schedule.world import Database
from tests.stores.test_workos import HostHttp

ELEVEN = datetime(2026, 11, 23, 11, tzinfo=UTC)
PASSWORD = "p@ss/word"


class Db:
    """The db service, as far as this task uses it."""

    def __init__(self, events: Events, database: Database) -> None:
        self._events = events
        self._database = database

    async def call(self, method: str, *params: Any) -> Any:
        if method == "stats":
            return {"totals": {"things": 3}}
        if method == "clickhouse":
            sql, values = params
            return (await self._events.read(sql, values, ClickHouseOptions())).model_dump()
        return await self._database.call(method, *params)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def events(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Events]:
    folder = tmp_path_factory.mktemp("analytics")
    server = clickhouse.ClickHouse(folder / "data", free_port(), folder / "clickhouse.log", PASSWORD)
    await server.start()
    await asyncio.to_thread(
        migrate_clickhouse, server.url, server.username, PASSWORD, server.database, CLICKHOUSE_FOLDER
    )
    texts = {
        "CLICKHOUSE_URL": server.url, "CLICKHOUSE_USERNAME": server.username, "CLICKHOUSE_PASSWORD": PASSWORD,
        "CLICKHOUSE_DATABASE": server.database,
    }  # fmt: skip
    yield Events(ClickHouse(FakeBindings(texts, http=HostHttp())))
    await server.stop()


async def happened(events: Events, at: datetime, *types: str) -> None:
    await events.ingest("events", [{"type": type, "ts": at.isoformat()} for type in types])


async def test_of_more_types_than_db_answers_the_most_frequent_are_kept(events: Events, database: Database) -> None:
    names = [f"type-{number:05}" for number in range(10_001)]
    for hour in (ELEVEN, ELEVEN + timedelta(hours=1)):
        await happened(events, hour, *names, "often", "often", "often")
    results = []
    for hours in (1, 2):
        clock = FakeClock()
        clock.now = (ELEVEN + timedelta(hours=hours, seconds=5)).timestamp()
        bindings = FakeBindings(peers={"DB": Db(events, database)}, clock=clock)
        context = TaskContext(bindings, Sql(bindings), Logger("schedule"), clock.now, clock.now + 29)
        results.append(await update_analytics.run(context))
        await happened(events, ELEVEN, "late", "late")
    assert [(result["taken_at"], result["events"]) for result in results] == [
        ("2026-11-23T12:00:00.000Z", 3 + 999),
        ("2026-11-23T13:00:00.000Z", 3 + 999),
    ]
    kept = "select data -> 'events' as events from analytics_snapshots order by taken_at"
    first, second = [row["events"] for row in (await database.call("query", kept, []))["rows"]]
    assert [(row["type"], row["events"]) for row in first[:3]] == [("often", 3), ("late", 2), (names[0], 1)]
    assert [(row["type"], row["events"]) for row in second[:2]] == [("often", 3), (names[0], 1)]
    assert len(first) == len(second) == 1000
