"""What is due, against a look at every minute of a year; what happens to what is late, taken, unfinished."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dotdo.errors import ServiceError
from schedule.domain.expressions import parse
from schedule.domain.plan import Plan, due_instant, plan
from schedule.domain.state import OpenRun, RetryPolicy, TaskState
from tests.unit.schedule.test_expressions import expressions, minutes_of

NEW_YEAR = datetime(2028, 1, 1, tzinfo=UTC)
"""Of a leap year."""
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def task(
    schedule: str = "@hourly",
    *,
    last: datetime | None = None,
    due_after: datetime | None = None,
    grace_s: int | None = None,
    name: str = "task",
) -> TaskState:
    return TaskState(name, schedule, "handler", 29, RetryPolicy(3, 1, 60), grace_s, last, due_after)


def run(*, expired: bool = False, waits_until: datetime | None = None, left: int = 2, of: str = "task") -> OpenRun:
    return OpenRun(f"{of}@1", of, 1, 7, left, expired, waits_until)


@settings(max_examples=25)
@given(expressions, st.lists(st.integers(1, 40 * 1440), min_size=5, max_size=60))
def test_every_event_of_a_year_finds_due_what_a_look_at_every_minute_does(schedule: str, gaps: list[int]) -> None:
    """Events come at any distance, the task remembers what it was run for, and a minute belongs to the event after it."""
    try:
        parse(schedule)
    except ServiceError:
        assert minutes_of(schedule, NEW_YEAR, NEW_YEAR + 366 * DAY) == []
        return
    minutes = iter(minutes_of(schedule, NEW_YEAR, NEW_YEAR + 366 * DAY))
    upcoming = next(minutes, None)
    last = NEW_YEAR - MINUTE
    at = NEW_YEAR
    for gap in gaps:
        expected = None
        while upcoming is not None and upcoming <= at:
            expected, upcoming = upcoming, next(minutes, None)
        due = due_instant(task(schedule, last=last), parse(schedule), at)
        assert due == expected
        last = due or last
        at += gap * MINUTE
        if at >= NEW_YEAR + 366 * DAY:
            break


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "at", "instant", "trigger"),
    [
        (task(), NOON, NOON, "cron"),
        (task(), NOON + 4 * MINUTE, NOON, "cron"),
        (task(), NOON + 5 * MINUTE, NOON, "catch-up"),
        (task(last=NOON - 60 * MINUTE), NOON, NOON, "cron"),
        (task(last=NOON), NOON + 59 * MINUTE, None, ""),
        (task(last=NOON + 60 * MINUTE), NOON, None, ""),
        (task(due_after=NOON), NOON + 59 * MINUTE, None, ""),
        (task(due_after=NOON + MINUTE, last=NOON - 7 * DAY), NOON + 2 * MINUTE, None, ""),
        (task(due_after=NOON - MINUTE), NOON, NOON, "cron"),
        (task("@daily", last=NOON - 7 * DAY), NOON, NOON.replace(hour=0), "catch-up"),
        (task("every 90 minutes", last=NOON - DAY), NOON + 85 * MINUTE, NOON, "catch-up"),
    ],
)
def test_a_task_is_due_once_for_each_instant(
    one: TaskState, at: datetime, instant: datetime | None, trigger: str
) -> None:
    found = plan([one], [], at)
    assert [(start.instant, start.trigger) for start in found.start] == ([(instant, trigger)] if instant else [])
    assert found == Plan(start=found.start)


@pytest.mark.parametrize(
    ("schedule", "grace_s", "late", "missed"),
    [
        ("@hourly", None, 59 * MINUTE, False),
        ("@weekly", None, DAY, False),
        ("@weekly", None, DAY + MINUTE, True),
        ("@weekly", 7 * 86_400, 6 * DAY, False),
        ("@monthly", None, 2 * DAY, True),
        ("@hourly", 0, 5 * MINUTE, False),
        ("@hourly", 0, 5 * MINUTE + SECOND, True),
        ("@hourly", 0, 6 * MINUTE, True),
        ("@hourly", 301, 301 * SECOND, False),
        ("@hourly", 301, 302 * SECOND, True),
        ("@weekly", None, DAY + SECOND, True),
        ("@daily", None, DAY - SECOND, False),
        ("2 3 * * *", 60, 3 * MINUTE, False),
    ],
)
def test_what_is_too_late_is_missed(schedule: str, grace_s: int | None, late: timedelta, missed: bool) -> None:
    instant = parse(schedule).latest(NOON)
    found = plan([task(schedule, last=instant - 40 * DAY, grace_s=grace_s)], [], instant + late)
    assert [(one.status, one.instant) for one in found.not_run] == ([("missed", instant)] if missed else [])
    assert len(found.start) == (not missed)
    never_ran = plan([task(schedule, grace_s=grace_s)], [], instant + late)
    assert (never_ran.not_run, len(never_ran.start)) == ([], not missed)


@pytest.mark.parametrize(
    ("late", "said"), [(390 * SECOND, "390 s late"), (timedelta(seconds=390, milliseconds=999), "390 s late")]
)
def test_what_was_missed_says_by_how_much(late: timedelta, said: str) -> None:
    (missed,) = plan([task(last=NOON - DAY, grace_s=0)], [], NOON + late).not_run
    assert (missed.status, missed.code, missed.reason) == ("missed", "MISFIRED", said)
    assert (missed.task.name, missed.instant) == ("task", NOON)


def test_what_is_owed_longest_is_started_first() -> None:
    """Who comes last is the first to wait for another event; of the same instant, in the order they were read."""
    tasks = [
        task("every 5 minutes", name="b-five"), task("@hourly", name="c-hourly"), task("every 5 minutes", name="a-five"),
        task("@daily", grace_s=86_400, name="z-daily"), task("@hourly", name="a-hourly"),
    ]  # fmt: skip
    found = plan(tasks, [], NOON + 5 * MINUTE)
    assert [(one.task.name, NOON - one.instant) for one in found.start] == [
        ("z-daily", 12 * 60 * MINUTE), ("c-hourly", 0 * MINUTE), ("a-hourly", 0 * MINUTE), ("b-five", -5 * MINUTE),
        ("a-five", -5 * MINUTE),
    ]  # fmt: skip
    assert found == Plan(start=found.start)


def test_runs_are_taken_up_again_in_the_order_they_were_begun() -> None:
    tasks = [task("@yearly", last=NOON, name=name) for name in ("a", "b", "c")]
    runs = [run(of="c", expired=True), run(of="a", waits_until=NOON), run(of="b", waits_until=NOON - MINUTE)]
    found = plan(tasks, runs, NOON)
    assert [(one.task.name, one.run) for one in found.resume] == [("c", runs[0]), ("a", runs[1]), ("b", runs[2])]
    assert found == Plan(resume=found.resume)


def test_a_task_whose_schedule_is_none_keeps_no_other_from_its_turn() -> None:
    tasks = [
        task("now and then", name="x"), task("@hourly", name="b"), task("", name="y"),
        task("@weekly", last=NOON - 40 * DAY, grace_s=0, name="late"), task("* * * * * *", name="z"), task("@hourly", name="a"),
    ]  # fmt: skip
    found = plan(tasks, [run(of="a"), run(of="x", expired=True), run(of="z")], NOON)
    assert found.unreadable == ["x", "y", "z"]
    assert [one.task.name for one in found.start] == ["b"]
    assert [(one.task.name, one.code) for one in found.not_run] == [("late", "MISFIRED"), ("a", "OVERLAP")]
    assert [one.run.task for one in found.resume] == ["x"], "its run began when the schedule was one"


def test_an_unfinished_run_goes_before_a_new_instant() -> None:
    for unfinished, resumed in (
        (run(), False),
        (run(expired=True), True),
        (run(waits_until=NOON), True),
        (run(waits_until=NOON + MINUTE), False),
    ):
        found = plan([task()], [unfinished], NOON)
        assert [one.run for one in found.resume] == ([unfinished] if resumed else [])
        assert [(one.status, one.code, one.reason) for one in found.not_run] == [
            ("skipped", "OVERLAP", "the run task@1 has not ended")
        ]
        assert (found.start, found.abandon) == ([], [])


def test_what_nobody_may_take_up_is_abandoned() -> None:
    last_attempt, gone = run(expired=True, left=0), run(expired=True, of="gone")
    found = plan([task()], [last_attempt, gone], NOON)
    assert found.abandon == [last_attempt, gone]
    assert [start.instant for start in found.start] == [NOON]
    assert plan([], [run(), run(waits_until=NOON)], NOON) == Plan()


@given(st.integers(1, 20), st.floats(0, 1, exclude_max=True), st.floats(0, 100), st.floats(0, 1000))
def test_the_wait_is_anything_up_to_a_bound_that_doubles(attempt: int, jitter: float, base: float, cap: float) -> None:
    delay = RetryPolicy(20, base, cap).delay_s(20 - attempt, jitter)
    assert 0 <= delay <= min(cap, base * 2 ** (attempt - 1))
