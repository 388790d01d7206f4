"""The functions a task may name as its handler, and the tasks every deployment starts with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dotdo.contracts.schedule.models import DEFAULT_TIMEOUT_S
from dotdo.errors import ServiceError
from dotdo.log import Logger
from dotdo.ports import Bindings
from dotdo.sql import Sql


@dataclass(frozen=True, slots=True)
class TaskContext:
    """What a task may use. Times are the clock's, in seconds since 1970.

    `now_s` is when the task starts; at `deadline_s` it is cancelled. A long one stops a little before that, by itself, and
    goes on the next time.
    """

    bindings: Bindings
    sql: Sql
    log: Logger
    now_s: float
    deadline_s: float


class Skipped(Exception):
    """A task raises it when there is nothing it can do here, such as without a binding it needs.

    The run's outcome is `skipped`, and `reason` stands in its history: a sentence, without secrets.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unfinished(ServiceError):
    """A task raises it when there is more to do than fits into one invocation, whose CPU time and requests are limited.

    The next attempt goes on, in another invocation. `detail` stands in the run's history: a sentence, without secrets.
    """

    def __init__(self, detail: str) -> None:
        super().__init__("UNFINISHED", 503, "Unfinished", detail, retryable=True)


TaskResult = dict[str, Any]
"""JSON-safe, kept in the run's history."""

Handler = Callable[[TaskContext], Awaitable[TaskResult]]
"""A task that fails raises: ServiceError with `retryable` to be tried again, anything else for good."""

Registry = Mapping[str, Handler]


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """Names are `[a-z0-9-]{1,64}`; `schedule` is what `expressions.parse` takes. `timeout_s` is at most 180."""

    name: str
    schedule: str
    description: str
    timeout_s: int = DEFAULT_TIMEOUT_S
