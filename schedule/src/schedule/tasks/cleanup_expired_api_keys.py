"""Deletes API keys that expired more than 30 days ago: a month in which their owner sees in the list why a call was refused."""

from datetime import timedelta

from schedule.domain.registry import TaskContext, TaskResult
from schedule.tasks.batches import delete_older

KEPT = timedelta(days=30)

_DELETE = """
delete from api_keys where id in (select id from api_keys where expires_at < $1::timestamptz limit $2)
"""


async def run(context: TaskContext) -> TaskResult:
    """`{deleted, complete}`."""
    return await delete_older(context, _DELETE, KEPT)
