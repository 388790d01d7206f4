"""Deletes sessions that expired or were revoked more than a day ago; their refresh tokens go with them (migration 0002)."""

from datetime import timedelta

from schedule.domain.registry import TaskContext, TaskResult
from schedule.tasks.batches import delete_older

KEPT = timedelta(hours=24)

_DELETE = """
delete from sessions where id in (
    select id from sessions where expires_at < $1::timestamptz or revoked_at < $1::timestamptz limit $2
)
"""


async def run(context: TaskContext) -> TaskResult:
    """`{deleted, complete}`."""
    return await delete_older(context, _DELETE, KEPT)
