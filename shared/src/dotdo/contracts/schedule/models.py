"""The models of the schedule service. Instants are RFC 3339 in UTC."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from dotdo.contracts.values import Data
from dotdo.model import Model
from dotdo.paging import DEFAULT_LIMIT, Limit, Page

AttemptStatus = Literal["running", "succeeded", "failed", "dead", "skipped", "missed"]
Trigger = Literal["cron", "manual", "retry", "catch-up"]

TaskName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")]
Expression = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Description = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")]
Metadata = Annotated[Data, Field(description="whatever the caller keeps with the task")]
TimeoutS = Annotated[int, Field(ge=1, le=180)]
MaxAttempts = Annotated[int, Field(ge=1, le=20)]
RetryBaseS = Annotated[float, Field(ge=0, le=3600)]
RetryCapS = Annotated[float, Field(ge=0, le=86_400)]
GraceS = Annotated[int, Field(ge=0, le=31_536_000)]
NextCount = Annotated[int, Field(ge=1, le=100)]

DEFAULT_TIMEOUT_S = 29
DEFAULT_ATTEMPTS = 3


class NewTask(Model):
    """`schedule` is five-field cron, an `@name` or `every N minutes|hours|days|weeks`; `handler` one of `getAvailableHandlers`.

    After attempt n that may succeed another time, the next one comes within `min(retry_cap_s, retry_base_s · 2ⁿ⁻¹)` seconds.
    A run more than `misfire_grace_s` late is missed; null is one period of the schedule, at most a day, and less than the five
    minutes between two events is five minutes.
    """

    name: TaskName
    schedule: Expression
    handler: TaskName
    enabled: bool = True
    description: Description = ""
    metadata: Metadata = Field(default={})
    timeout_s: TimeoutS = DEFAULT_TIMEOUT_S
    max_attempts: MaxAttempts = DEFAULT_ATTEMPTS
    retry_base_s: RetryBaseS = 1.0
    retry_cap_s: RetryCapS = 60.0
    misfire_grace_s: GraceS | None = None


class TaskPatch(Model):
    """What is to change; a field that is not given, or null, stays. `misfire_grace_s`: null is one period, at most a day."""

    schedule: Expression | None = None
    handler: TaskName | None = None
    enabled: bool | None = None
    description: Description | None = None
    metadata: Metadata | None = None
    timeout_s: TimeoutS | None = None
    max_attempts: MaxAttempts | None = None
    retry_base_s: RetryBaseS | None = None
    retry_cap_s: RetryCapS | None = None
    misfire_grace_s: GraceS | None = None


class LastRun(Model):
    """The newest attempt of a task."""

    run_id: str
    status: AttemptStatus
    started_at: str
    duration_ms: int | None


class Task(NewTask):
    """`next_runs` are the next five; none of a task that is disabled, or whose schedule cannot be read."""

    created_at: str
    updated_at: str
    last_scheduled_at: str | None
    last_run: LastRun | None
    next_run_at: str | None
    next_runs: list[str]


class TaskPage(Model):
    data: list[Task]
    page: Page


class TaskQuery(Model):
    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None


class Execution(Model):
    """One attempt of one run. `run_id` is `task@scheduled_ms`.

    `failed`: another attempt follows, at `next_attempt_at` when it waits for it; `dead`: it was the last. An attempt that
    was `skipped` or `missed` says why in its error.
    """

    run_id: str
    task: str
    attempt: int
    trigger: Trigger
    status: AttemptStatus
    scheduled_at: str
    started_at: str
    finished_at: str | None
    duration_ms: int | None
    next_attempt_at: str | None
    result: dict[str, Any] | None
    error_code: str | None
    error_message: str | None


class Run(Model):
    """A run and its attempts, the first one first. `status` is that of the last."""

    run_id: str
    task: str
    scheduled_at: str
    status: AttemptStatus
    attempts: list[Execution]


class ExecutionPage(Model):
    data: list[Execution]
    page: Page


class HistoryQuery(Model):
    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None


class ExecutionQuery(HistoryQuery):
    status: AttemptStatus | None = None


class RunQuery(Model):
    """`wait`: until the run has ended, at most 25 seconds."""

    wait: bool = False


class NextQuery(Model):
    count: NextCount = 5


class NextRuns(Model):
    data: list[str]


class TaskStats(Model):
    """Of the runs of the last seven days. `lag_…`: from the scheduled time to the start of the first attempt.

    `runs` are those that succeeded or are dead; durations are those of attempts that succeeded.
    """

    task: str
    runs: int
    succeeded: int
    dead: int
    missed: int
    success_rate: float | None
    duration_p50_ms: float | None
    duration_p95_ms: float | None
    lag_p50_ms: float | None
    lag_p95_ms: float | None
    consecutive_failures: int


class TaskStatsList(Model):
    data: list[TaskStats]


class HandlerList(Model):
    data: list[str]


class AddedTasks(Model):
    """The names of the default tasks that were added now."""

    added: list[str]


class TickResult(Model):
    """What one cron event did: the ids of runs by outcome.

    `failed`: for good, and those whose end could not be recorded. `retrying`: waiting for their next attempt. `yielded`: the
    names of tasks left to the next event for want of time.
    """

    cron: str
    scheduled_at: str
    succeeded: list[str]
    failed: list[str]
    retrying: list[str]
    skipped: list[str]
    missed: list[str]
    yielded: list[str]
