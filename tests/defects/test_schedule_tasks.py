"""The known defects of the tasks themselves, each shown to be absent.

Against real stores: tests/e2e/test_schedule_tasks.py (S-6, S-7, S-25) and tests/e2e/test_backup.py (S-23).
"""

import asyncio
from typing import Any

import pytest

from dotdo.errors import ServiceError, unavailable
from dotdo.fakes import FakeBindings, FakeBucket, FakeJobs, FakePeer
from dotdo.log import Logger
from dotdo.sql import Sql
from schedule.domain.registry import Skipped, TaskContext
from schedule.tasks import backup_database, generate_missing_embeddings, health_check_services
from schedule.tasks.table import DEFAULTS, HANDLERS
from scripts.runtime.services import ROOT

EIGHT = [
    "backup-database", "check-rate-limits", "cleanup-expired-api-keys", "cleanup-expired-sessions", "cleanup-old-generations",
    "generate-missing-embeddings", "health-check-services", "update-analytics",
]  # fmt: skip


def context(db: Any, **bound: Any) -> TaskContext:
    bindings = FakeBindings(
        {"EMBEDDINGS_PROVIDER": "hash"}, peers={"DB": db, "AUTH": FakePeer(health=down)}, bound=bound
    )
    now_s = bindings.clock.now_s()
    return TaskContext(bindings, Sql(bindings), Logger("schedule"), now_s, now_s + 29)


def down(*params: object) -> Any:
    raise unavailable("the db service does not answer")


@pytest.mark.parametrize("task", EIGHT)
async def test_S_4_a_task_that_fails_raises(task: str) -> None:
    methods = ("query", "transaction", "clickhouse", "stats", "ingest", "health", "updateEmbeddings")
    dead = FakePeer(**dict.fromkeys(methods, down))
    with pytest.raises(ServiceError) as failed:
        await HANDLERS[task](context(dead, BACKUPS=FakeBucket()))
    assert failed.value.retryable


def test_S_5_the_eight_tasks_are_there() -> None:
    assert sorted(HANDLERS) == EIGHT == sorted(task.name for task in DEFAULTS)


def test_S_6_statements_are_postgresqls_own_with_bound_values() -> None:
    for file in (ROOT / "schedule" / "src" / "schedule" / "tasks").glob("cleanup_*.py"):
        text = file.read_text()
        assert "datetime('now')" not in text
        assert "$1::timestamptz limit $2" in text


async def test_S_7_an_instant_is_bound_by_its_place() -> None:
    db = FakePeer(query=lambda sql, params, *options: {"rows": [], "rowCount": 0})
    await HANDLERS["cleanup-old-generations"](context(db))
    ((_, (_, params)),) = db.calls
    assert params == ["2026-08-22T14:13:20.000Z", 1000]


class Slow:
    async def call(self, method: str, *params: Any) -> Any:
        if method == "ingest":
            return {"inserted": len(params[1])}
        await asyncio.sleep(3600)


async def test_S_22_services_are_asked_at_once_by_their_bindings_each_in_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health_check_services, "TIMEOUT_S", 0.0)
    bindings = FakeBindings(peers={"DB": Slow(), "AUTH": Slow()})
    with pytest.raises(ServiceError, match="not ok: auth, db"):
        await health_check_services.run(TaskContext(bindings, Sql(bindings), Logger("schedule"), 0, 29))
    assert "https://" not in (ROOT / "schedule/src/schedule/tasks/health_check_services.py").read_text()


async def test_S_23_a_backup_that_is_none_does_not_succeed() -> None:
    with pytest.raises(Skipped, match="BACKUPS"):
        await backup_database.run(context(FakePeer()))


async def test_S_25_a_queue_that_takes_nothing_fails_the_run_and_what_it_took_is_marked() -> None:
    marked: list[Any] = []
    rows = [{"ns": "n", "id": "a", "type": "t", "version": 1, "text": "x"}]

    def query(sql: str, params: list[Any], *options: Any) -> dict[str, Any]:
        if "insert into embedding_attempts" in sql:
            marked.append(params)
            return {"rows": [], "rowCount": 1}
        assert "embedding_attempts" in sql
        return {"rows": rows, "rowCount": 1}

    with pytest.raises(ServiceError, match="QUEUE"):
        await generate_missing_embeddings.run(context(FakePeer(query=query), QUEUE=FakeJobs(lambda job: True)))
    assert marked == []
    assert (await generate_missing_embeddings.run(context(FakePeer(query=query), QUEUE=FakeJobs())))["queued"] == 1
    assert marked == [[{"things": [{"ns": "n", "id": "a"}]}, "queued"]]
