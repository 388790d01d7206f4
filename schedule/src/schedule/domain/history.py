"""Tasks and their executions in PostgreSQL."""

from datetime import datetime
from typing import Any

from dotdo.contracts.schedule import Execution, Trigger
from dotdo.sql import Sql
from schedule.domain.registry import TaskDefinition

_ADD_DEFAULTS = """
insert into scheduled_tasks (name, schedule, handler, description)
select name, schedule, name, description
from unnest($1::text[], $2::text[], $3::text[]) as defaults (name, schedule, description)
on conflict (name) do nothing
"""

_TASKS = "select name, schedule, handler, enabled, description, last_scheduled_at from scheduled_tasks order by name"

# One statement: whoever inserts the run owns it, and the task remembers that this instant is taken.
_CLAIM = """
with claimed as (
    insert into task_executions (run_id, task, trigger, status, scheduled_at)
    values ($1, $2, $3, 'running', $4::timestamptz)
    on conflict do nothing
    returning task, scheduled_at
), remembered as (
    update scheduled_tasks set last_scheduled_at = greatest(last_scheduled_at, claimed.scheduled_at)
    from claimed where name = claimed.task
)
select task from claimed
"""

_FINISH = """
update task_executions
set status = $2, finished_at = now(), duration_ms = $3, result = $4::jsonb, error_code = $5, error_message = $6
where run_id = $1 and attempt = 1 and status = 'running'
"""

_COLUMNS = """run_id, task, attempt, trigger, status, scheduled_at, started_at, finished_at, duration_ms, result, error_code,
error_message"""
_NEWEST = f"select {_COLUMNS} from task_executions order by started_at desc, run_id desc, attempt desc limit $1"
_NEWEST_OF_TASK = f"""
select {_COLUMNS} from task_executions where task = $1 order by started_at desc, run_id desc, attempt desc limit $2
"""


class History:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def add_defaults(self, defaults: tuple[TaskDefinition, ...]) -> None:
        """Adds the tasks that are not there yet; edited ones stay as they are."""
        await self._sql.execute(
            _ADD_DEFAULTS,
            [task.name for task in defaults],
            [task.schedule for task in defaults],
            [task.description for task in defaults],
        )

    async def tasks(self) -> list[dict[str, Any]]:
        return await self._sql.rows(_TASKS)

    async def claim(self, run_id: str, task: str, trigger: Trigger, scheduled_at: datetime) -> bool:
        """Whether this caller owns the run: false for a duplicate event."""
        return await self._sql.first(_CLAIM, run_id, task, trigger, scheduled_at.isoformat()) is not None

    async def finish(
        self,
        run_id: str,
        status: str,
        duration_ms: int,
        *,
        result: dict[str, Any] | None = None,
        error_code: str | None = None,
        error_message: str | None = None,
    ) -> None:
        await self._sql.execute(_FINISH, run_id, status, duration_ms, result, error_code, error_message)

    async def newest(self, limit: int) -> list[Execution]:
        return _executions(await self._sql.rows(_NEWEST, limit))

    async def newest_of(self, task: str, limit: int) -> list[Execution]:
        return _executions(await self._sql.rows(_NEWEST_OF_TASK, task, limit))


def _executions(rows: list[dict[str, Any]]) -> list[Execution]:
    return [Execution(**row) for row in rows]
