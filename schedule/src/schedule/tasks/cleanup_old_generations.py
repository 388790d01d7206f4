"""Deletes generations that were completed and are older than 30 days. What is under way or failed stays."""

from datetime import timedelta

from schedule.domain.registry import TaskContext, TaskResult
from schedule.tasks.batches import delete_older

KEPT = timedelta(days=30)

_DELETE = """
delete from generations where id in (
    select id from generations where status = 'completed' and created_at < $1::timestamptz limit $2
)
"""


async def run(context: TaskContext) -> TaskResult:
    """`{deleted, complete}`."""
    return await delete_older(context, _DELETE, KEPT)
