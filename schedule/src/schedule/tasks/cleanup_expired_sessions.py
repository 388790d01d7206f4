"""Deletes sessions that expired or were revoked more than a day ago."""

from datetime import UTC, datetime, timedelta

from schedule.domain.registry import TaskContext, TaskResult

BATCH = 1000
KEPT = timedelta(hours=24)

_DELETE = """
delete from sessions where id in (
    select id from sessions where expires_at < $1::timestamptz or revoked_at < $1::timestamptz limit $2
)
"""


async def run(context: TaskContext) -> TaskResult:
    """`{deleted}`. In batches, so that no statement locks more than a thousand rows."""
    before = (datetime.fromtimestamp(context.now_s, UTC) - KEPT).isoformat()
    deleted = 0
    while True:
        count = await context.sql.execute(_DELETE, before, BATCH)
        deleted += count
        if count < BATCH:
            return {"deleted": deleted}
