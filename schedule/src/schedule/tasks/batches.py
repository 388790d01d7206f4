"""Deleting in batches, so that no statement locks more than a thousand rows and no run outlives its deadline."""

from datetime import UTC, datetime, timedelta

from dotdo.instants import utc_text
from schedule.domain.registry import TaskContext, TaskResult

BATCH = 1000
SPARE_S = 2.0
"""A batch begun with less time than this may be cut off."""


async def delete_older(context: TaskContext, statement: str, age: timedelta) -> TaskResult:
    """`{deleted, complete}`; not complete when the time is up, and the next run goes on.

    The statement deletes what is older than the instant `$1`, at most `$2` rows of it.
    """
    before = utc_text(datetime.fromtimestamp(context.now_s, UTC) - age)
    deleted = 0
    while seconds_left(context) > SPARE_S:
        count = await context.sql.execute(statement, before, BATCH)
        deleted += count
        if count < BATCH:
            return {"deleted": deleted, "complete": True}
    return {"deleted": deleted, "complete": False}


def seconds_left(context: TaskContext) -> float:
    """Until the run is cancelled."""
    return context.deadline_s - context.bindings.clock.now_s()
