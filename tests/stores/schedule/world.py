"""The scheduler over a real PostgreSQL, without the Workers runtime: its statements are what keeps two isolates apart."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from dotdo.contracts.schedule.models import TickResult
from dotdo.errors import ServiceError, unavailable
from dotdo.fakes import FakeBindings, FakeClock
from dotdo.instants import utc_text
from dotdo.ports import Defer, Peer
from schedule.app import assemble
from schedule.domain.registry import Handler, TaskDefinition
from schedule.handlers.components import Components
from tests.unit.conftest import LogLines

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""A Monday."""

Fault = Callable[[str], str | None]
"""Told of a statement, it says "before" or "after" for an outage at that point."""


class Database:
    """The db service as its callers see it, statement by statement. An outage is what `fault` says it is."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor)
        self.fault: Fault = lambda sql: None
        self.statements: list[str] = []

    async def call(self, method: str, *params: Any) -> Any:
        assert method == "query", method
        sql, values, *_ = params
        json.dumps(values)
        self.statements.append(sql)
        fault = self.fault(sql)
        if fault == "before":
            raise unavailable("the database does not answer")
        rows, changed = self._execute(sql, values)
        if fault == "after":
            raise unavailable("the database does not answer")
        return {"rows": rows, "rowCount": changed}

    def _execute(self, sql: str, values: list[Any]) -> tuple[list[dict[str, Any]], int]:
        given = [Jsonb(value) if isinstance(value, dict) else value for value in values]
        try:
            cursor = self._connection.execute(sql, given)
        except psycopg.errors.UniqueViolation as error:
            raise ServiceError("CONFLICT", 409, "Conflict", "a row with this key exists already") from error
        if cursor.description is None:
            return [], cursor.rowcount
        names = [column.name for column in cursor.description]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in cursor], cursor.rowcount

    def rows(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        """What the tests do and look up themselves."""
        cursor = self._connection.execute(sql, params)
        return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        self._connection.close()


def _plain(value: Any) -> Any:
    return utc_text(value) if isinstance(value, datetime) else value


Runs = list[tuple[Any, ...]]


@dataclass
class World:
    """One isolate's service and what is around it."""

    database: Database
    handlers: dict[str, Handler]
    logged: LogLines
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOON.timestamp()))
    defaults: tuple[TaskDefinition, ...] = ()
    jitter: float = 0.5
    peer: Peer | None = None
    """In the database's place, where a test gives one."""
    deferred: "list[asyncio.Future[None]]" = field(default_factory=list)

    @property
    def parts(self) -> Components:
        bindings = FakeBindings(peers={"DB": self.peer or self.database}, clock=self.clock)
        return assemble(bindings, self.logged.log, self.handlers, self.defaults, lambda: self.jitter)

    @property
    def defer(self) -> Defer:
        return lambda work: self.deferred.append(asyncio.ensure_future(work))

    async def settle(self) -> None:
        """Until the work that outlives its answer is done."""
        await asyncio.gather(*self.deferred)

    def add(self, name: str, schedule: str = "@hourly", *, handler: str = "", **columns: Any) -> None:
        """A task that is there since before all instants."""
        names = ["name", "schedule", "handler", *columns]
        places = ", ".join(f"${number}" for number in range(1, len(names) + 1))
        sql = f"insert into scheduled_tasks ({', '.join(names)}) values ({places})"
        self.database.rows(sql, name, schedule, handler or name, *columns.values())

    async def tick(self, at: datetime = NOON, cron: str = "0 * * * *") -> TickResult:
        return await self.parts.scheduler.tick(cron, round(at.timestamp() * 1000))

    def runs(self, columns: str = "run_id, attempt, trigger, status") -> Runs:
        return self.database.rows(f"select {columns} from task_executions order by run_id, attempt")

    def expire(self) -> None:
        """As if the leases of all that runs had ended."""
        self.database.rows(
            "update task_executions set lease_expires_at = now() - interval '1 s' where status = 'running'"
        )


def of(task: str, at: datetime = NOON) -> str:
    """The id of a run."""
    return f"{task}@{round(at.timestamp() * 1000)}"
