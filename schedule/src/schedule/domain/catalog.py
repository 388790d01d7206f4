"""The tasks, in PostgreSQL. Every change is one statement on the columns it is about: none undoes another's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dotdo.contracts.schedule.models import NewTask, Task, TaskPatch
from dotdo.errors import ServiceError, invalid_argument, not_found
from dotdo.instants import utc_text
from dotdo.sql import Sql
from schedule.domain.expressions import next_instants, parse
from schedule.domain.registry import Registry, TaskDefinition
from schedule.domain.state import TaskState, task_state

NEXT_RUNS = 5

_ADD_DEFAULTS = """
with offered as (
    insert into offered_defaults select unnest($1::text[]) on conflict do nothing returning name
)
insert into scheduled_tasks (name, schedule, handler, description, timeout_s)
select name, schedule, name, description, timeout_s
from unnest($1::text[], $2::text[], $3::text[], $4::integer[]) as defaults (name, schedule, description, timeout_s)
where name in (select name from offered)
on conflict (name) do nothing
returning name
"""

_COLUMNS = """name, schedule, handler, enabled, description, metadata, timeout_s, max_attempts, retry_base_s, retry_cap_s,
misfire_grace_s, created_at, updated_at, last_scheduled_at"""

_INSERT = """
insert into scheduled_tasks (name, schedule, handler, enabled, description, metadata, timeout_s, max_attempts, retry_base_s,
    retry_cap_s, misfire_grace_s, due_after)
values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9, $10, $11, now())
on conflict do nothing
returning name
"""

# A task with another schedule, or enabled again, owes nothing of before. One that is disabled has no attempt to come.
_UPDATE = """
with changed as (
    update scheduled_tasks set
        schedule = coalesce($2::jsonb ->> 'schedule', schedule),
        handler = coalesce($2::jsonb ->> 'handler', handler),
        enabled = coalesce(($2::jsonb ->> 'enabled')::boolean, enabled),
        description = coalesce($2::jsonb ->> 'description', description),
        metadata = coalesce($2::jsonb -> 'metadata', metadata),
        timeout_s = coalesce(($2::jsonb ->> 'timeout_s')::integer, timeout_s),
        max_attempts = coalesce(($2::jsonb ->> 'max_attempts')::integer, max_attempts),
        retry_base_s = coalesce(($2::jsonb ->> 'retry_base_s')::double precision, retry_base_s),
        retry_cap_s = coalesce(($2::jsonb ->> 'retry_cap_s')::double precision, retry_cap_s),
        misfire_grace_s = case when $2::jsonb ? 'misfire_grace_s' then ($2::jsonb ->> 'misfire_grace_s')::integer
            else misfire_grace_s end,
        due_after = case
            when coalesce($2::jsonb ->> 'schedule', schedule) <> schedule
                or not enabled and ($2::jsonb ->> 'enabled')::boolean then now()
            else due_after end,
        updated_at = now()
    where name = $1
    returning name, enabled
), ended as (
    update task_executions set status = 'dead', next_attempt_at = null
    where next_attempt_at is not null and task in (select name from changed where not enabled)
)
select name from changed
"""

_DELETE = """
with deleted as (
    delete from scheduled_tasks where name = $1 returning name
), ended as (
    update task_executions set status = 'dead', next_attempt_at = null
    where next_attempt_at is not null and task in (select name from deleted)
)
select name from deleted
"""

_LIST = f"""
select {_COLUMNS}, last_run
from scheduled_tasks left join lateral (
    select jsonb_build_object('run_id', run_id, 'status', status, 'started_at', started_at, 'duration_ms', duration_ms)
        as last_run
    from task_executions where task = name order by token desc limit 1
) newest on true
where ($1::text is null or name = $1) and ($2::text is null or name > $2)
order by name limit $3
"""

_STATE = """
select name, schedule, handler, enabled, timeout_s, max_attempts, retry_base_s, retry_cap_s, misfire_grace_s,
    last_scheduled_at, due_after
from scheduled_tasks where name = $1
"""


class Catalog:
    def __init__(self, sql: Sql, handlers: Registry) -> None:
        self._sql = sql
        self._handlers = handlers

    async def add_defaults(self, defaults: Sequence[TaskDefinition]) -> list[str]:
        """Adds those that this database was never given; edited and deleted ones stay as they are. The names added."""
        rows = await self._sql.rows(
            _ADD_DEFAULTS,
            [task.name for task in defaults],
            [task.schedule for task in defaults],
            [task.description for task in defaults],
            [task.timeout_s for task in defaults],
        )
        return sorted(row["name"] for row in rows)

    async def register(self, task: NewTask, now: datetime) -> Task:
        """Raises INVALID_ARGUMENT for its schedule or handler, and 409 when there is one of its name."""
        self._check(task.schedule, task.handler)
        added = await self._sql.first(
            _INSERT, task.name, task.schedule, task.handler, task.enabled, task.description, task.metadata,
            task.timeout_s, task.max_attempts, task.retry_base_s, task.retry_cap_s, task.misfire_grace_s,
        )  # fmt: skip
        if added is None:
            raise ServiceError("TASK_EXISTS", 409, "Task exists", f"there is a task {task.name!r} already")
        return await self.get(task.name, now)

    async def patch(self, name: str, changes: TaskPatch, now: datetime) -> Task:
        """Raises INVALID_ARGUMENT for its schedule or handler, and 404."""
        given = changes.model_dump(exclude_none=True)
        if "misfire_grace_s" in changes.model_fields_set:
            given["misfire_grace_s"] = changes.misfire_grace_s
        self._check(given.get("schedule"), given.get("handler"))
        if await self._sql.first(_UPDATE, name, given) is None:
            raise no_such_task()
        return await self.get(name, now)

    async def enable(self, name: str, enabled: bool) -> bool:
        """False when there is no such task."""
        return await self._sql.first(_UPDATE, name, {"enabled": enabled}) is not None

    async def delete(self, name: str) -> bool:
        """False when there is no such task."""
        return await self._sql.first(_DELETE, name) is not None

    async def find(self, name: str, now: datetime) -> Task | None:
        row = await self._sql.first(_LIST, name, None, 1, repeatable=True)
        return None if row is None else _task(row, now)

    async def get(self, name: str, now: datetime) -> Task:
        """Raises 404."""
        task = await self.find(name, now)
        if task is None:
            raise no_such_task()
        return task

    async def page(self, after: str | None, limit: int, now: datetime) -> list[Task]:
        """By name, those after `after`."""
        return [_task(row, now) for row in await self._sql.rows(_LIST, None, after, limit, repeatable=True)]

    async def runnable(self, name: str) -> TaskState:
        """Raises 404, and 409 TASK_DISABLED."""
        row = await self._sql.first(_STATE, name, repeatable=True)
        if row is None:
            raise no_such_task()
        if not row["enabled"]:
            raise ServiceError("TASK_DISABLED", 409, "Task disabled", f"the task {name!r} is disabled")
        return task_state(row)

    def _check(self, schedule: str | None, handler: str | None) -> None:
        if schedule is not None:
            parse(schedule)
        if handler is not None and handler not in self._handlers:
            raise invalid_argument(f"handler: there is no {handler!r}")


def no_such_task() -> ServiceError:
    return not_found("no such task")


def _task(row: dict[str, Any], now: datetime) -> Task:
    upcoming = [utc_text(instant) for instant in _upcoming(row, now)]
    if row["last_run"] is not None:
        started = datetime.fromisoformat(row["last_run"]["started_at"])
        row["last_run"] = {**row["last_run"], "started_at": utc_text(started)}
    return Task(**row, next_run_at=next(iter(upcoming), None), next_runs=upcoming)


def _upcoming(row: dict[str, Any], now: datetime) -> list[datetime]:
    """Nothing for a task that will not run: it is disabled, or its schedule cannot be read."""
    if not row["enabled"]:
        return []
    try:
        return list(next_instants(parse(row["schedule"]), now, NEXT_RUNS))
    except ServiceError:
        return []
