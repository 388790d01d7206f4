"""Expressions, and what the scheduler does with them over a database that is a fake."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings, FakePeer
from dotdo.log import Logger
from schedule.domain.expressions import latest_instant, next_instant, to_cron
from schedule.domain.registry import Skipped, TaskContext, TaskResult
from schedule.domain.scheduler import Scheduler, due_at


@pytest.mark.parametrize(
    ("schedule", "cron"),
    [
        ("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@weekly", "0 0 * * 0"), ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"), ("every 5 minutes", "*/5 * * * *"), ("every 1 minute", "*/1 * * * *"),
        ("every 2 hours", "0 */2 * * *"), (" 5 4 * * 1-5 ", "5 4 * * 1-5"),
    ],
)  # fmt: skip
def test_schedules_mean_their_cron(schedule: str, cron: str) -> None:
    assert to_cron(schedule) == cron


@pytest.mark.parametrize(
    "schedule",
    ["", "invalid", "99 99 99 99 99", "* * * *", "* * * * * *", "every 7 minutes", "every 90 minutes", "every 0 minutes",
     "every 36 hours", "every 5 seconds", "@never", "*/90 * * * *", "every 5 minutes and more"],
)  # fmt: skip
def test_what_is_no_schedule_or_a_misleading_one_is_refused(schedule: str) -> None:
    with pytest.raises(ServiceError) as refused:
        to_cron(schedule)
    assert (refused.value.code, "schedule" in refused.value.detail) == ("INVALID_ARGUMENT", True)


def field(low: int, high: int) -> st.SearchStrategy[str]:
    values = st.integers(low, high)
    ranges = st.tuples(values, values).map(lambda pair: f"{min(pair)}-{max(pair)}")
    steps = st.integers(2, 12).map(lambda step: f"*/{step}")
    return (
        st.just("*")
        | values.map(str)
        | ranges
        | steps
        | st.lists(values, min_size=2, max_size=3).map(lambda v: ",".join(map(str, v)))
    )


def matching(cron: str, at: datetime) -> bool:
    """Brute force over the fields, with cron's rule that day and weekday are alternatives when both are restricted."""

    def holds(text: str, value: int, low: int) -> bool:
        def part(one: str) -> bool:
            if one.startswith("*"):
                return (value - low) % int(one[2:] or 1) == 0
            first, _, last = one.partition("-")
            return int(first) <= value <= int(last or first)

        return any(part(one) for one in text.split(","))

    minute, hour, day, month, weekday = cron.split()
    days = holds(day, at.day, 1)
    weekdays = holds(weekday, at.isoweekday() % 7, 0)
    either = days and weekdays if day.startswith("*") or weekday.startswith("*") else days or weekdays
    return holds(minute, at.minute, 0) and holds(hour, at.hour, 0) and holds(month, at.month, 1) and either


@settings(max_examples=60, deadline=None)
@given(field(0, 59), field(0, 23), st.integers(0, 3 * 1440))
def test_instants_agree_with_a_look_at_every_minute(minute: str, hour: str, offset: int) -> None:
    cron = f"{minute} {hour} * * *"
    at = datetime(2028, 2, 27, 12, 30, 15, tzinfo=UTC) + timedelta(minutes=offset)  # a leap year's February
    latest, following = latest_instant(cron, at), next_instant(cron, at)
    assert matching(cron, latest)
    assert matching(cron, following)
    assert latest <= at < following
    step = latest + timedelta(minutes=1)
    while step < following:
        assert not matching(cron, step), step
        step += timedelta(minutes=1)


@given(st.integers(0, 59), st.integers(0, 23))
def test_an_instant_is_its_own_latest(minute: int, hour: int) -> None:
    at = datetime(2026, 11, 23, hour, minute, tzinfo=UTC)
    assert latest_instant(f"{minute} {hour} * * *", at) == at


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("task", "due"),
    [
        ({"enabled": True, "schedule": "@hourly", "last_scheduled_at": None}, NOON),
        ({"enabled": True, "schedule": "@hourly", "last_scheduled_at": "2026-11-23T11:00:00.000Z"}, NOON),
        ({"enabled": True, "schedule": "@hourly", "last_scheduled_at": "2026-11-23T12:00:00.000Z"}, None),
        ({"enabled": True, "schedule": "@hourly", "last_scheduled_at": "2026-11-23T13:00:00.000Z"}, None),
        ({"enabled": False, "schedule": "@hourly", "last_scheduled_at": None}, None),
        (
            {"enabled": True, "schedule": "@daily", "last_scheduled_at": "2026-11-16T00:00:00.000Z"},
            NOON.replace(hour=0),
        ),
    ],
)
def test_a_task_is_due_once_for_each_instant(task: dict[str, Any], due: datetime | None) -> None:
    assert due_at(task, NOON + timedelta(minutes=3)) == due


class Database:
    """Answers the scheduler's statements; the claim fails for runs that are taken."""

    def __init__(self, *tasks: str, taken: tuple[str, ...] = ()) -> None:
        self._tasks = [
            {
                "name": name,
                "schedule": "@hourly",
                "handler": name,
                "enabled": True,
                "description": "",
                "last_scheduled_at": None,
            }
            for name in tasks
        ]
        self._taken = taken
        self.finished: list[list[Any]] = []

    def query(self, sql: str, params: list[Any]) -> dict[str, Any]:
        rows: list[dict[str, Any]] = []
        if sql.startswith("select name"):
            rows = self._tasks
        elif "with claimed" in sql and params[0] not in self._taken:
            rows = [{"task": params[1]}]
        elif sql.strip().startswith("update task_executions"):
            self.finished.append(params)
        return {"rows": rows, "rowCount": len(rows)}


async def succeed(context: TaskContext) -> TaskResult:
    return {"did": "it"}


async def refuse(context: TaskContext) -> TaskResult:
    raise ServiceError("BROKEN", 502, "Broken", "does not work")


async def crash(context: TaskContext) -> TaskResult:
    raise RuntimeError("secret inside")


async def skip(context: TaskContext) -> TaskResult:
    raise Skipped("nothing is bound")


HANDLERS = {"skip": skip, "succeed": succeed, "refuse": refuse, "crash": crash}


async def tick(database: Database) -> Any:
    bindings = FakeBindings(peers={"DB": FakePeer(query=database.query)})
    scheduler = Scheduler(bindings, Logger("schedule"), HANDLERS, ())
    return await scheduler.tick("0 * * * *", int(NOON.timestamp() * 1000))


def run_id(task: str) -> str:
    return f"{task}@{int(NOON.timestamp() * 1000)}"


async def test_each_outcome_is_recorded() -> None:
    database = Database("succeed", "refuse", "crash", "no-handler", "constructor")
    result = await tick(database)
    assert result.succeeded == [run_id("succeed")]
    assert sorted(result.failed) == sorted(run_id(name) for name in ("refuse", "crash", "no-handler", "constructor"))
    outcomes = {params[0]: (params[1], params[4]) for params in database.finished}
    assert outcomes[run_id("succeed")] == ("succeeded", None)
    assert outcomes[run_id("refuse")] == ("failed", "BROKEN")
    assert outcomes[run_id("crash")] == ("failed", "INTERNAL")
    assert outcomes[run_id("constructor")] == ("failed", "HANDLER_NOT_FOUND")
    assert "secret" not in repr(database.finished)


async def test_a_task_that_can_do_nothing_is_skipped_and_says_why() -> None:
    database = Database("skip")
    assert (await tick(database)).skipped == [run_id("skip")]
    assert [(params[1], params[5]) for params in database.finished] == [("skipped", "nothing is bound")]


async def test_a_run_that_is_taken_is_not_run_again() -> None:
    database = Database("succeed", taken=(run_id("succeed"),))
    result = await tick(database)
    assert (result.succeeded, result.skipped, database.finished) == ([], [run_id("succeed")], [])
