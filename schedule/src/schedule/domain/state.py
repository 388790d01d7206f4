"""What a tick reads: the tasks that may run, and the runs that have not ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Full jitter: the wait before a retry is anything up to a bound that doubles
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/)."""

    max_attempts: int
    base_s: float
    cap_s: float

    def delay_s(self, attempts_left: int, jitter: float) -> float:
        """Before the next attempt, when so many are left. `jitter` is in [0, 1)."""
        attempts = self.max_attempts - attempts_left
        bound = self.base_s * 2.0 ** (max(attempts, 1) - 1)
        return jitter * min(self.cap_s, bound)


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task as it is stored. Instants up to `due_after` are not owed."""

    name: str
    schedule: str
    handler: str
    timeout_s: int
    retry: RetryPolicy
    misfire_grace_s: int | None
    last_scheduled_at: datetime | None
    due_after: datetime | None


@dataclass(frozen=True, slots=True)
class OpenRun:
    """The last attempt of a run that has not ended. `expired`: its holder's lease has, by the database's clock.

    One that waits has its time in `next_attempt_at`, on the time line of cron events.
    """

    run_id: str
    task: str
    attempt: int
    token: int
    attempts_left: int
    expired: bool
    next_attempt_at: datetime | None


def instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def task_state(row: dict[str, Any]) -> TaskState:
    return TaskState(
        row["name"], row["schedule"], row["handler"], row["timeout_s"],
        RetryPolicy(row["max_attempts"], row["retry_base_s"], row["retry_cap_s"]),
        row["misfire_grace_s"], instant(row["last_scheduled_at"]), instant(row["due_after"]),
    )  # fmt: skip


def open_run(row: dict[str, Any]) -> OpenRun:
    return OpenRun(**{**row, "next_attempt_at": instant(row["next_attempt_at"])})
