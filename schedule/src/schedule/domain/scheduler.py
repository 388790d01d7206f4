"""Decides what is due at a cron event and runs it, each run once."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dotdo.contracts.schedule import Task, TickResult
from dotdo.errors import ServiceError
from dotdo.instants import rfc3339
from dotdo.log import Logger
from dotdo.ports import Bindings
from dotdo.sql import Sql
from schedule.domain.expressions import latest_instant, next_instant
from schedule.domain.history import History
from schedule.domain.registry import Registry, Skipped, TaskContext, TaskDefinition

TASK_TIMEOUT_S = 29.0
CONCURRENT_TASKS = 4


@dataclass(frozen=True, slots=True)
class _Due:
    task: str
    handler: str
    instant: datetime

    @property
    def run_id(self) -> str:
        return f"{self.task}@{int(self.instant.timestamp() * 1000)}"


def due_at(task: dict[str, Any], at: datetime) -> datetime | None:
    """The latest instant of the task's schedule not after `at`, unless it is disabled or that instant is taken."""
    if not task["enabled"]:
        return None
    instant = latest_instant(task["schedule"], at)
    last = task["last_scheduled_at"]
    return None if last is not None and instant <= datetime.fromisoformat(last) else instant


def _next_run(task: dict[str, Any], now: datetime) -> str | None:
    """Null for a task that will not run: it is disabled, or its schedule cannot be read."""
    if not task["enabled"]:
        return None
    try:
        return rfc3339(next_instant(task["schedule"], now).timestamp())
    except ServiceError:
        return None


class Scheduler:
    def __init__(
        self, bindings: Bindings, log: Logger, handlers: Registry, defaults: tuple[TaskDefinition, ...]
    ) -> None:
        self._bindings = bindings
        self._log = log
        self._handlers = handlers
        self._defaults = defaults
        self._sql = Sql(bindings)
        self.history = History(self._sql)

    @property
    def handler_names(self) -> list[str]:
        return sorted(self._handlers)

    async def tick(self, cron: str, scheduled_ms: int) -> TickResult:
        """Runs what is due at the event's scheduled time. A duplicate event does nothing."""
        at = datetime.fromtimestamp(scheduled_ms / 1000, UTC)
        await self.history.add_defaults(self._defaults)
        due = [one for task in await self.history.tasks() if (one := self._due(task, at)) is not None]
        slots = asyncio.Semaphore(CONCURRENT_TASKS)  # of this invocation alone, shared with no other request

        async def bounded(one: _Due) -> str:
            async with slots:
                return await self._run(one)

        outcomes = await asyncio.gather(*(bounded(one) for one in due))
        by_status: dict[str, list[str]] = {"succeeded": [], "failed": [], "skipped": []}
        for one, status in zip(due, outcomes, strict=True):
            by_status[status].append(one.run_id)
        self._log.info("tick", cron=cron, **{status: len(runs) for status, runs in by_status.items()})
        return TickResult(cron=cron, scheduled_at=rfc3339(scheduled_ms / 1000), **by_status)

    async def tasks(self) -> list[Task]:
        now = datetime.fromtimestamp(self._bindings.clock.now_s(), UTC)
        await self.history.add_defaults(self._defaults)
        return [Task(**row, next_run_at=_next_run(row, now)) for row in await self.history.tasks()]

    def _due(self, task: dict[str, Any], at: datetime) -> _Due | None:
        """A task whose schedule cannot be read is logged: it keeps no other from running."""
        try:
            instant = due_at(task, at)
        except ServiceError as error:
            self._log.error("task.schedule_invalid", task=task["name"], detail=error.detail)
            return None
        return None if instant is None else _Due(task["name"], task["handler"], instant)

    async def _run(self, due: _Due) -> str:
        """One run, its outcome recorded. `skipped`: another event owns it."""
        if not await self.history.claim(due.run_id, due.task, "cron", due.instant):
            return "skipped"
        started = time.perf_counter()
        error: ServiceError | None = None
        result: dict[str, Any] | None = None
        try:
            result = await self._handle(due)
        except Skipped as skipped:
            duration_ms = round((time.perf_counter() - started) * 1000)
            await self.history.finish(due.run_id, "skipped", duration_ms, error_message=skipped.reason)
            return "skipped"
        except ServiceError as raised:
            error = raised
        duration_ms = round((time.perf_counter() - started) * 1000)
        if error is None:
            await self.history.finish(due.run_id, "succeeded", duration_ms, result=result)
            return "succeeded"
        self._log.error("task.failed", task=due.task, run_id=due.run_id, code=error.code, detail=error.detail)
        await self.history.finish(due.run_id, "failed", duration_ms, error_code=error.code, error_message=error.detail)
        return "failed"

    async def _handle(self, due: _Due) -> dict[str, Any]:
        handler = self._handlers.get(due.handler)
        if handler is None:
            raise ServiceError("HANDLER_NOT_FOUND", 500, "Handler not found", f"no handler {due.handler!r}")
        now_s = self._bindings.clock.now_s()
        context = TaskContext(self._bindings, self._sql, self._log, now_s, now_s + TASK_TIMEOUT_S)
        try:
            async with asyncio.timeout(TASK_TIMEOUT_S):
                return await handler(context)
        except TimeoutError as timeout:
            raise ServiceError("TIMEOUT", 504, "Timeout", f"took longer than {TASK_TIMEOUT_S:.0f} s") from timeout
        except (ServiceError, Skipped):
            raise
        except Exception as unexpected:
            self._log.error("task.crashed", task=due.task, error=repr(unexpected))
            raise ServiceError("INTERNAL", 500, "Internal error", "internal error") from unexpected
