"""What there is to do at a cron event: decided from the event's scheduled time and what is stored, without asking anyone.

One run of a task at a time: an instant that comes while a run has not ended is skipped.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from dotdo.contracts.schedule.models import Trigger
from dotdo.errors import ServiceError
from schedule.domain.expressions import Schedule, parse
from schedule.domain.state import OpenRun, TaskState

EVENT_PERIOD = timedelta(minutes=5)
"""Of the cron trigger that comes most often: what is later than that was missed by an event before."""

LONGEST_GRACE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Start:
    """A new run."""

    task: TaskState
    instant: datetime
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class Resume:
    """The next attempt of a run that waited for it, or whose holder is gone."""

    task: TaskState
    run: OpenRun


@dataclass(frozen=True, slots=True)
class NotRun:
    """An instant that is not run: written down with the reason."""

    task: TaskState
    instant: datetime
    status: Literal["missed", "skipped"]
    code: str
    reason: str


@dataclass(slots=True)
class Plan:
    """`abandon`: runs that nobody holds and nobody may take up. `unreadable`: tasks whose schedule is none."""

    resume: list[Resume] = field(default_factory=list)
    start: list[Start] = field(default_factory=list)
    not_run: list[NotRun] = field(default_factory=list)
    abandon: list[OpenRun] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def plan(tasks: Iterable[TaskState], runs: Iterable[OpenRun], at: datetime) -> Plan:
    """`tasks` are those that are enabled."""
    found = Plan()
    by_name = {task.name: task for task in tasks}
    unfinished: dict[str, OpenRun] = {}
    for run in runs:
        task = by_name.get(run.task)
        if run.expired and (task is None or run.attempts_left == 0):
            found.abandon.append(run)
            continue
        unfinished[run.task] = run
        waited = run.next_attempt_at is not None and run.next_attempt_at <= at
        if task is not None and (run.expired or waited):
            found.resume.append(Resume(task, run))
    for task in by_name.values():
        try:
            _add_due(found, task, unfinished.get(task.name), at)
        except ServiceError:
            found.unreadable.append(task.name)
    found.start.sort(key=lambda start: start.instant)
    return found


def _add_due(found: Plan, task: TaskState, unfinished: OpenRun | None, at: datetime) -> None:
    schedule = parse(task.schedule)
    instant = due_instant(task, schedule, at)
    if instant is None:
        return
    late = at - instant
    if unfinished is not None:
        reason = f"the run {unfinished.run_id} has not ended"
        found.not_run.append(NotRun(task, instant, "skipped", "OVERLAP", reason))
    elif late > grace(task, schedule, instant):
        if task.last_scheduled_at is not None:  # a task that never ran has missed nothing
            found.not_run.append(NotRun(task, instant, "missed", "MISFIRED", f"{_whole_s(late)} s late"))
    else:
        found.start.append(Start(task, instant, "cron" if late < EVENT_PERIOD else "catch-up"))


def due_instant(task: TaskState, schedule: Schedule, at: datetime) -> datetime | None:
    """The latest instant not after `at`, unless it was taken before or is not owed. The ones before it are coalesced in it."""
    instant = schedule.latest(at)
    taken = [one for one in (task.last_scheduled_at, task.due_after) if one is not None]
    return None if taken and instant <= max(taken) else instant


def grace(task: TaskState, schedule: Schedule, instant: datetime) -> timedelta:
    if task.misfire_grace_s is not None:
        # An instant between two events is late by as much as that when its turn comes, and has not been missed.
        return max(timedelta(seconds=task.misfire_grace_s), EVENT_PERIOD)
    return min(schedule.following(instant) - instant, LONGEST_GRACE)


def _whole_s(duration: timedelta) -> int:
    return int(duration.total_seconds())
