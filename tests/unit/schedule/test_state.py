"""schedule.domain.state: rows as the database tells them, and the wait before another attempt."""

from datetime import UTC, datetime
from typing import Any

import pytest

from dotdo.contracts.schedule.models import NewTask
from schedule.domain.state import OpenRun, RetryPolicy, TaskState, open_run, task_state

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TASK: dict[str, Any] = {
    "name": "n", "schedule": "@daily", "handler": "h", "timeout_s": 1, "max_attempts": 2, "retry_base_s": 3.5,
    "retry_cap_s": 4.5, "misfire_grace_s": 5, "last_scheduled_at": "2026-11-23T12:00:00+00:00",
    "due_after": "2026-11-23T13:00:00+01:00",
}  # fmt: skip
RUN: dict[str, Any] = {
    "run_id": "n@1", "task": "n", "attempt": 2, "token": 7, "attempts_left": 1, "expired": True, "next_attempt_at": None,
}  # fmt: skip


def test_a_tasks_row_has_each_value_in_its_place() -> None:
    assert task_state(TASK) == TaskState("n", "@daily", "h", 1, RetryPolicy(2, 3.5, 4.5), 5, NOON, NOON)
    never_ran = {**TASK, "misfire_grace_s": None, "last_scheduled_at": None, "due_after": None}
    assert task_state(never_ran) == TaskState("n", "@daily", "h", 1, RetryPolicy(2, 3.5, 4.5), None, None, None)
    assert task_state({**TASK, "enabled": True, "more": 1}) == task_state(TASK), "what it has no use for is left out"


def test_a_runs_row_has_each_value_in_its_place() -> None:
    assert open_run(RUN) == OpenRun("n@1", "n", 2, 7, 1, True, None)
    waits = {**RUN, "expired": False, "next_attempt_at": "2026-11-23T12:00:00.5+00:00"}
    assert open_run(waits) == OpenRun("n@1", "n", 2, 7, 1, False, NOON.replace(microsecond=500_000))


@pytest.mark.parametrize("row", [{}, {**TASK, "last_scheduled_at": "yesterday"}, {**TASK, "due_after": 5}])
def test_a_row_that_is_no_task_is_none(row: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        task_state(row)


@pytest.mark.parametrize(
    ("policy", "attempts_left", "longest_s"),
    [
        (RetryPolicy(3, 1, 60), 2, 1),
        (RetryPolicy(3, 1, 60), 1, 2),
        (RetryPolicy(20, 1, 60), 14, 32),
        (RetryPolicy(20, 1, 60), 13, 60),
        (RetryPolicy(20, 1, 60), 1, 60),
        (RetryPolicy(3, 1, 60), 3, 1),
        (RetryPolicy(3, 1, 60), 9, 1),
        (RetryPolicy(3, 10, 5), 2, 5),
        (RetryPolicy(3, 2.5, 60), 1, 5),
        (RetryPolicy(3, 0, 60), 1, 0),
    ],
)
def test_the_longest_wait_doubles_up_to_the_cap(policy: RetryPolicy, attempts_left: int, longest_s: float) -> None:
    """By hand; the wait is a random part of it. A run that somebody repeats may have more attempts left than a new one."""
    assert policy.delay_s(attempts_left, 1.0) == longest_s
    assert policy.delay_s(attempts_left, 0.25) == longest_s / 4
    assert policy.delay_s(attempts_left, 0.0) == 0


def test_a_task_that_says_nothing_is_tried_three_times_within_a_minute() -> None:
    task = NewTask(name="n", schedule="@daily", handler="h")
    assert (task.timeout_s, task.max_attempts, task.retry_base_s, task.retry_cap_s) == (29, 3, 1, 60)
    assert (task.enabled, task.misfire_grace_s) == (True, None)
