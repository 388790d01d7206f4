"""Tasks of the tests on the schedule Worker `odd-schedule`, alone in the tables while a test has them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg

from tests.e2e.fault_proxy import FaultProxy
from tests.e2e.platform import Platform


@dataclass(frozen=True, slots=True)
class OddSchedule:
    """`proxy` stands between the Worker and PostgreSQL."""

    platform: Platform
    proxy: FaultProxy

    def add(self, name: str, schedule: str, *steps: str, handler: str = "", **columns: Any) -> None:
        """A task, and what the calls of its handler do."""
        handler = handler or name
        names = ", ".join(["name", "schedule", "handler", *columns])
        places = ", ".join(["%s"] * (3 + len(columns)))
        self.platform.rows(
            f"insert into scheduled_tasks ({names}) values ({places}) returning name",
            name, schedule, handler, *columns.values(),
        )  # fmt: skip
        self.platform.rows(
            "insert into odd_scripts values (%s, to_jsonb(%s::text[])) returning handler", handler, list(steps)
        )

    async def tick(self, at: datetime, cron: str = "*/5 * * * *") -> dict[str, Any]:
        """`{"ok": result}` or `{"error": …}`."""
        answer: dict[str, Any] = await self.platform.call("ODD_SCHEDULE", "tick", cron, round(at.timestamp() * 1000))
        return answer

    async def call(self, method: str, *params: object) -> Any:
        return await self.platform.result("ODD_SCHEDULE", method, *params)

    def runs(self, columns: str = "run_id, attempt, trigger, status") -> list[tuple[Any, ...]]:
        sql = f"select {columns} from task_executions where task like 'odd-%%' order by scheduled_at, task, attempt"
        return self.platform.rows(sql)

    def expire(self) -> None:
        """As if the leases of all that runs had ended."""
        self.platform.rows(
            "update task_executions set lease_expires_at = now() - interval '1 s' where status = 'running' returning task"
        )


@asynccontextmanager
async def odd_schedule(platform: Platform) -> AsyncIterator[OddSchedule]:
    with _alone(platform):
        async with FaultProxy(platform.proxies.neon, platform.ports.neon) as proxy:
            yield OddSchedule(platform, proxy)


@contextmanager
def _alone(platform: Platform) -> Iterator[None]:
    """The tables hold the test's own tasks alone; the others come back."""
    others = platform.rows("select name from scheduled_tasks where enabled")
    platform.rows("update scheduled_tasks set enabled = false returning name")
    _execute(platform, "create table odd_scripts (handler text primary key, steps jsonb not null)")
    try:
        yield
    finally:
        _execute(platform, "drop table odd_scripts")
        platform.rows("delete from task_executions where task like 'odd-%%' returning task")
        platform.rows("delete from scheduled_tasks where name like 'odd-%%' returning name")
        names = [name for (name,) in others]
        platform.rows("update scheduled_tasks set enabled = true where name = any(%s) returning name", names)


def _execute(platform: Platform, sql: LiteralString) -> None:
    with psycopg.connect(platform.postgres_url) as connection:
        connection.execute(sql)


def at(hour: int, minute: int = 0) -> datetime:
    """On a day of its own."""
    return datetime(2026, 3, 2, hour, minute, tzinfo=UTC)
