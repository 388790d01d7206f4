"""The functions a task may name as its handler, and the tasks every deployment starts with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dotdo.ports import Bindings
from dotdo.sql import Sql


@dataclass(frozen=True, slots=True)
class TaskContext:
    """What a task may use. `now_s` is the clock's time at its start, seconds since 1970."""

    bindings: Bindings
    sql: Sql
    now_s: float


TaskResult = dict[str, Any]
"""JSON-safe, kept in the run's history."""

Handler = Callable[[TaskContext], Awaitable[TaskResult]]
Registry = Mapping[str, Handler]


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """Names are `[a-z0-9-]{1,64}`; `schedule` is what `expressions.to_cron` takes."""

    name: str
    schedule: str
    description: str
