"""What ran and how it went, in PostgreSQL: attempts, runs, statistics, and what is forgotten in the end."""

from dotdo.contracts.schedule.models import Execution, ExecutionPage, Run, TaskStats
from dotdo.errors import not_found
from dotdo.paging import decode_cursor, page_of
from dotdo.sql import Sql

KEPT_DAYS = 90
KEPT_OF_EACH_TASK = 100
STATS_DAYS = 7

_BATCH = 1000
_MOST_BATCHES = 20

_COLUMNS = """run_id, task, attempt, trigger, status, scheduled_at, started_at, finished_at, duration_ms, next_attempt_at,
result, error_code, error_message"""

_NEWEST = f"""
select {_COLUMNS}, token::text as place from task_executions
where ($1::text is null or task = $1) and ($2::text is null or status = $2) and ($3::bigint is null or token < $3)
order by task_executions.token desc limit $4
"""

_RUN = f"select {_COLUMNS}, token from task_executions where run_id = $1 order by attempt"
_RUN_OF_KEY = "select run_id, task from task_executions where idempotency_key = $1"

# A run's outcome is its last attempt's, its lag its first one's.
_STATS = f"""
with attempts as (
    select * from task_executions where started_at > now() - interval '{STATS_DAYS} days'
), ends as (
    select distinct on (run_id) task, status, token from attempts order by run_id, attempt desc
), counts as (
    select task,
        count(*) filter (where status = 'succeeded') as succeeded,
        count(*) filter (where status = 'dead') as dead,
        count(*) filter (where status = 'missed') as missed,
        max(token) filter (where status = 'succeeded') as last_success
    from ends group by task
), failures as (
    select task, count(*) as consecutive from ends join counts using (task)
    where status = 'dead' and token > coalesce(last_success, 0) group by task
), times as (
    select task,
        percentile_cont(0.5) within group (order by duration_ms) filter (where status = 'succeeded') as duration_p50_ms,
        percentile_cont(0.95) within group (order by duration_ms) filter (where status = 'succeeded') as duration_p95_ms,
        percentile_cont(0.5) within group (order by lag_ms) filter (where timed) as lag_p50_ms,
        percentile_cont(0.95) within group (order by lag_ms) filter (where timed) as lag_p95_ms
    from (
        select *, attempt = 1 and status not in ('missed', 'skipped') and trigger in ('cron', 'catch-up') as timed,
            greatest(extract(epoch from started_at - scheduled_at) * 1000, 0)::double precision as lag_ms
        from attempts
    ) measured group by task
)
select name as task, coalesce(succeeded + dead, 0)::integer as runs, coalesce(succeeded, 0)::integer as succeeded,
    coalesce(dead, 0)::integer as dead, coalesce(missed, 0)::integer as missed,
    succeeded::double precision / nullif(succeeded + dead, 0) as success_rate,
    duration_p50_ms, duration_p95_ms, lag_p50_ms, lag_p95_ms,
    coalesce(consecutive, 0)::integer as consecutive_failures
from scheduled_tasks left join counts on counts.task = name left join failures on failures.task = name
    left join times on times.task = name
order by name
"""

# Age is the database's to tell. What runs or waits stays, whatever its age.
_FORGET = f"""
delete from task_executions where token in (
    select token from task_executions old
    where started_at < now() - interval '{KEPT_DAYS} days' and status <> 'running' and next_attempt_at is null
        and (select count(*) from (
            select from task_executions newer where newer.task = old.task and newer.token > old.token
            limit {KEPT_OF_EACH_TASK}
        ) kept) = {KEPT_OF_EACH_TASK}
    order by started_at limit {_BATCH}
)
"""


class History:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def page(
        self, limit: int, cursor: str | None, *, task: str | None = None, status: str | None = None
    ) -> ExecutionPage:
        """The newest attempts first. Raises INVALID_ARGUMENT for a cursor of anybody else."""
        before = _token(cursor) if cursor else None
        rows = await self._sql.rows(_NEWEST, task, status, before, limit + 1, repeatable=True)
        found, page = page_of(rows, limit, lambda row: [row["place"]])
        data = [Execution(**{name: value for name, value in row.items() if name != "place"}) for row in found]
        return ExecutionPage(data=data, page=page)

    async def run(self, run_id: str) -> Run:
        """Raises 404."""
        run, _ = await self.run_and_token(run_id)
        return run

    async def run_and_token(self, run_id: str) -> tuple[Run, int]:
        """With the token of its last attempt. Raises 404."""
        rows = await self._sql.rows(_RUN, run_id, repeatable=True)
        if not rows:
            raise not_found("no such run")
        tokens = [int(row.pop("token")) for row in rows]
        attempts = [Execution(**row) for row in rows]
        last = attempts[-1]
        run = Run(
            run_id=run_id, task=last.task, scheduled_at=last.scheduled_at, status=last.status, attempts=attempts
        )  # fmt: skip
        return run, tokens[-1]

    async def run_of_key(self, key: str) -> tuple[str, str] | None:
        """Run id and task of the run that was started under this idempotency key."""
        row = await self._sql.first(_RUN_OF_KEY, key, repeatable=True)
        return None if row is None else (row["run_id"], row["task"])

    async def stats(self) -> list[TaskStats]:
        return [TaskStats(**row) for row in await self._sql.rows(_STATS, repeatable=True)]

    async def forget(self) -> int:
        """Deletes attempts older than 90 days but for the last 100 of each task, in batches; how many."""
        deleted = 0
        for _ in range(_MOST_BATCHES):
            count: int = await self._sql.execute(_FORGET)
            deleted += count
            if count < _BATCH:
                break
        return deleted


def _token(cursor: str) -> int:
    (text,) = decode_cursor(cursor, 1)
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        decode_cursor("", 1)
    return int(text)
