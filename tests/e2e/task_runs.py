"""Running one built-in task alone, on the real runtime."""

import itertools
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.e2e.platform import Platform

# Midnights of Sundays: every schedule has an instant there. 2025-01-05 is one.
SUNDAYS_MS = itertools.count(1_736_035_200_000, 7 * 86_400_000)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of the last attempt of a run."""

    status: str
    result: dict[str, Any] | None
    error: str | None

    @property
    def answer(self) -> dict[str, Any]:
        """The result of a run that has to succeed."""
        assert self.status == "succeeded", self
        assert self.result is not None
        return self.result


@dataclass(frozen=True, slots=True)
class Runs:
    """Of the schedule Worker behind `binding`, whose database is at `url`."""

    platform: Platform
    binding: str
    url: str

    async def of(self, task: str) -> Outcome:
        """One run of this task, with every other one off."""
        await self.platform.result(self.binding, "listTasks")  # the first look adds the defaults
        self.rows("update scheduled_tasks set enabled = name = %s, last_scheduled_at = null returning name", task)
        at = next(SUNDAYS_MS)
        await self.platform.result(self.binding, "tick", "0 0 * * *", at)
        sql = (
            "select status, result, error_message from task_executions where run_id = %s order by attempt desc limit 1"
        )
        ((status, result, error),) = self.rows(sql, f"{task}@{at}")
        return Outcome(status, result, error)

    def all_on(self) -> None:
        """As it was before."""
        self.rows("update scheduled_tasks set enabled = true, last_scheduled_at = null returning name")

    def rows(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(sql, params).fetchall()
