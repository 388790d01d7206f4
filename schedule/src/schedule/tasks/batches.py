"""Deleting in batches, so that no statement locks more than a thousand rows and no run outlives its deadline."""

from datetime import UTC, datetime, timedelta

from dotdo.errors import ServiceError
from dotdo.instants import utc_text
from schedule.domain.registry import TaskContext, TaskResult

BATCH = 1000
SPARE_S = 2.0
"""A batch begun with less time than this may be cut off."""


async def delete_older(context: TaskContext, statement: str, age: timedelta) -> TaskResult:
    """`{deleted, complete}`; not complete when the time is up, and the next run goes on.

    The statement deletes what is older than the instant `$1`, at most `$2` rows of it. A batch that takes longer than db lets a
    statement take is a tenth as large from then on.
    """
    before = utc_text(datetime.fromtimestamp(context.now_s, UTC) - age)
    deleted, batch = 0, BATCH
    while seconds_left(context) > SPARE_S:
        try:
            count = await context.sql.execute(statement, before, batch)
        except ServiceError as error:
            if error.code != "TIMEOUT" or batch == 1:
                raise
            batch //= 10
            continue
        deleted += count
        if count < batch:
            return {"deleted": deleted, "complete": True}
    return {"deleted": deleted, "complete": False}


def seconds_left(context: TaskContext) -> float:
    """Until the run is cancelled."""
    return context.deadline_s - context.bindings.clock.now_s()
