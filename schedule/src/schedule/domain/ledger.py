"""Who runs what, in PostgreSQL: each step is one statement, so that it is done whole or not at all, and by one isolate only.

Leases expire by the database's clock, the only one all isolates share. What is due is never decided here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dotdo.contracts.schedule.models import AttemptStatus, Trigger
from dotdo.errors import ServiceError
from dotdo.sql import Sql
from schedule.domain.plan import NotRun, Start
from schedule.domain.state import OpenRun, TaskState, open_run, task_state

LEASE_MARGIN_S = 15
"""Beyond a task's timeout: for cancelling it and writing down how it ended."""

# Tasks, runs and defaults in one round trip: all that an event with nothing to do asks for.
_READ = """
select
    (select coalesce(jsonb_agg(to_jsonb(task)), '[]') from (
        select name, schedule, handler, timeout_s, max_attempts, retry_base_s, retry_cap_s, misfire_grace_s,
            last_scheduled_at, due_after
        from scheduled_tasks where enabled order by name
    ) task) as tasks,
    (select coalesce(jsonb_agg(to_jsonb(run)), '[]') from (
        select run_id, task, attempt, token, attempts_left, status = 'running' and lease_expires_at < now() as expired,
            next_attempt_at
        from task_executions where status = 'running' or next_attempt_at is not null order by token
    ) run) as runs,
    exists (
        select from unnest($1::text[]) as defaults (name) where name not in (select name from offered_defaults)
    ) as incomplete
"""

# The task's row is locked: of two isolates the second sees the instant as taken. What was edited, disabled or deleted since
# the tick has read it starts nothing. The key of the run and the index of running tasks stand behind that.
_START = """
with task as (
    select name from scheduled_tasks
    where name = $2 and enabled and schedule = $3 and (last_scheduled_at is null or last_scheduled_at < $4::timestamptz)
    for update
), started as (
    insert into task_executions (run_id, task, trigger, status, scheduled_at, attempts_left, lease_expires_at, finished_at,
        error_code, error_message)
    select $1, name, $5, $6, $4::timestamptz, $7::integer,
        case when $6 = 'running' then now() + $8::integer * interval '1 second' end,
        case when $6 <> 'running' then now() end, $9, $10
    from task
    on conflict do nothing
    returning run_id, task, attempt, token, attempts_left, scheduled_at
), remembered as (
    update scheduled_tasks set last_scheduled_at = started.scheduled_at from started where name = started.task
)
select run_id, task, attempt, token, attempts_left from started
"""

_START_MANUALLY = """
insert into task_executions (run_id, task, trigger, status, scheduled_at, attempts_left, lease_expires_at, idempotency_key)
select $1, name, 'manual', 'running', $3::timestamptz, max_attempts - 1, now() + $4::integer * interval '1 second', $5
from scheduled_tasks where name = $2 and enabled
on conflict do nothing
returning run_id, task, attempt, token, attempts_left
"""

# The attempt before is closed and the next one opened at once. Its row is locked: of two isolates the second finds it closed.
_RESUME = """
with ended as (
    update task_executions
    set status = case when status in ('skipped', 'missed') then status else 'failed' end, next_attempt_at = null,
        lease_expires_at = null, finished_at = coalesce(finished_at, now()),
        error_code = coalesce(error_code, 'LEASE_EXPIRED'),
        error_message = coalesce(error_message, 'whoever ran it did not say how it ended')
    where token = $1
        and case when $2 then status not in ('running', 'succeeded')
            else status = 'running' and lease_expires_at < now() or next_attempt_at is not null end
        and not exists (select from task_executions later where later.run_id = task_executions.run_id
            and later.attempt > task_executions.attempt)
        and not exists (select from task_executions other where other.task = task_executions.task
            and other.status = 'running' and other.token <> $1)
        and exists (select from scheduled_tasks where name = task_executions.task and enabled)
    returning run_id, task, attempt, scheduled_at, attempts_left
)
insert into task_executions (run_id, task, attempt, trigger, status, scheduled_at, attempts_left, lease_expires_at)
select run_id, task, attempt + 1, 'retry', 'running', scheduled_at, coalesce($3::integer, attempts_left - 1),
    now() + $4::integer * interval '1 second'
from ended
returning run_id, task, attempt, token, attempts_left
"""

# A holder whose lease was taken over changes nothing. A task that is gone or disabled has no attempt to come.
_FINISH = """
with ended as (
    update task_executions
    set status = case when $2 = 'failed' and not allowed.retry then 'dead' else $2 end,
        next_attempt_at = case when allowed.retry then $7::timestamptz end,
        finished_at = now(), lease_expires_at = null, duration_ms = $3::integer, result = $4::jsonb, error_code = $5,
        error_message = $6
    from (select exists (select from scheduled_tasks join task_executions on task = name
        where token = $1 and enabled) as retry) allowed
    where token = $1 and status = 'running'
    returning status
)
select status, true as written from ended
union all
select status, false from task_executions where token = $1 and not exists (select from ended)
"""

_ABANDON = """
update task_executions
set status = 'dead', finished_at = now(), lease_expires_at = null, next_attempt_at = null, error_code = 'LEASE_EXPIRED',
    error_message = 'whoever ran it did not say how it ended'
where token = $1 and status = 'running' and lease_expires_at < now()
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`incomplete`: there are default tasks that this database was never given."""

    tasks: list[TaskState]
    runs: list[OpenRun]
    incomplete: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """An attempt that this isolate holds, until the lease expires. `token` is what it writes with."""

    run_id: str
    task: str
    attempt: int
    token: int
    attempts_left: int


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended. `next_attempt_at` of one that `failed`."""

    status: AttemptStatus
    duration_ms: int
    result: dict[str, Any] | None = None
    error_code: str | None = None
    error_message: str | None = None
    next_attempt_at: datetime | None = None


def run_id(task: str, instant: datetime) -> str:
    return f"{task}@{round(instant.timestamp() * 1000)}"


class Ledger:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def read(self, defaults: list[str]) -> Snapshot:
        row = await self._sql.first(_READ, defaults, repeatable=True)
        assert row is not None
        tasks, runs = map(task_state, row["tasks"]), map(open_run, row["runs"])
        return Snapshot(list(tasks), list(runs), row["incomplete"])

    async def start(self, start: Start) -> Claim | None:
        """None when the instant is taken, or the task is not what it was."""
        attempts_left = start.task.retry.max_attempts - 1
        return await self._open(start.task, start.instant, start.trigger, "running", attempts_left)

    async def write_not_run(self, not_run: NotRun) -> Claim | None:
        """The instant as taken, with the reason. None as for `start`."""
        return await self._open(not_run.task, not_run.instant, "cron", not_run.status, 0, not_run.code, not_run.reason)

    async def _open(
        self,
        task: TaskState,
        instant: datetime,
        trigger: Trigger,
        status: AttemptStatus,
        attempts_left: int,
        code: str | None = None,
        reason: str | None = None,
    ) -> Claim | None:
        row = await self._sql.first(
            _START, run_id(task.name, instant), task.name, task.schedule, instant.isoformat(), trigger, status,
            attempts_left, task.timeout_s + LEASE_MARGIN_S, code, reason,
        )  # fmt: skip
        return _claim(row)

    async def start_manually(self, task: TaskState, instant: datetime, key: str | None) -> Claim | None:
        """None when the task is gone, disabled or running, or when the key or the run is there."""
        lease_s = task.timeout_s + LEASE_MARGIN_S
        name = task.name
        return _claim(
            await self._sql.first(_START_MANUALLY, run_id(name, instant), name, instant.isoformat(), lease_s, key)
        )

    async def resume(self, task: TaskState, token: int, *, attempts_left: int | None = None) -> Claim | None:
        """The attempt after the one with this token, which waits or whose lease has expired; with `attempts_left` also after
        one that is dead, was skipped or missed. None when another isolate was first, or the task is not to run.
        """
        again = attempts_left is not None
        try:
            row = await self._sql.first(_RESUME, token, again, attempts_left, task.timeout_s + LEASE_MARGIN_S)
        except ServiceError as error:
            if error.status != 409:
                raise
            return None  # another run of the task began at the same time
        return _claim(row)

    async def finish(self, claim: Claim, ending: Ending) -> tuple[str, bool]:
        """The attempt's status in the table, and whether it is there by this call. Not so when its lease was taken over."""
        moment = ending.next_attempt_at
        row = await self._sql.first(
            _FINISH, claim.token, ending.status, ending.duration_ms, ending.result, ending.error_code,
            ending.error_message, moment.isoformat() if moment else None,
        )  # fmt: skip
        return (row["status"], row["written"]) if row else ("", False)

    async def abandon(self, run: OpenRun) -> bool:
        """Ends for good what nobody holds any more. False when another isolate did."""
        return await self._sql.execute(_ABANDON, run.token) > 0


def _claim(row: dict[str, Any] | None) -> Claim | None:
    return None if row is None else Claim(**row)
