"""schedule.domain.scheduler: what one task does keeps no other from running, and every run is written down."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from dotdo.errors import ServiceError, unavailable
from dotdo.fakes import FakeBindings, FakePeer
from dotdo.log import Logger
from schedule.domain.registry import TaskContext, TaskDefinition, TaskResult
from schedule.domain.scheduler import CONCURRENT_TASKS, Scheduler

NOON_MS = 1_795_435_200_000  # 2026-11-23T12:00Z


class Tables:
    """The two tables as the scheduler's statements see them. A run that is in `runs` is taken."""

    def __init__(self, **schedules: str) -> None:
        self.tasks = [self._task(name, schedule) for name, schedule in schedules.items()]
        self.runs: dict[str, list[Any]] = {}
        self.defaults: list[list[str]] = []

    @staticmethod
    def _task(name: str, schedule: str) -> dict[str, Any]:
        row = {"name": name, "schedule": schedule, "handler": name, "enabled": True, "description": ""}
        return {**row, "last_scheduled_at": None}

    def query(self, sql: str, params: list[Any]) -> dict[str, Any]:
        rows, changed = self._answer(" ".join(sql.split()), params)
        return {"rows": rows, "rowCount": changed}

    def _answer(self, sql: str, params: list[Any]) -> tuple[list[dict[str, Any]], int]:
        if sql.startswith("insert into scheduled_tasks"):
            self.defaults = params
        elif sql.startswith("select name, schedule"):
            return self.tasks, len(self.tasks)
        elif sql.startswith("with claimed"):
            if params[0] in self.runs:
                return [], 0
            self.runs[params[0]] = ["running"]
            return [{"task": params[1]}], 1
        elif sql.startswith("update task_executions"):
            self.runs[params[0]] = params[1:]
            return [], 1
        return [], 0


async def succeed(context: TaskContext) -> TaskResult:
    return {"at": context.now_s}


async def hang(context: TaskContext) -> TaskResult:
    await asyncio.Event().wait()
    return {}


async def refuse(context: TaskContext) -> TaskResult:
    raise ServiceError("BROKEN", 502, "Broken", "does not work")


HANDLERS = {"succeed": succeed, "hang": hang, "refuse": refuse}
DEFAULTS = (TaskDefinition("succeed", "@hourly", "Succeeds."),)


def scheduler(tables: Tables, log: Logger | None = None) -> Scheduler:
    bindings = FakeBindings(peers={"DB": FakePeer(query=tables.query)})
    return Scheduler(bindings, log or Logger("schedule"), HANDLERS, DEFAULTS)


def run_of(task: str) -> str:
    return f"{task}@{NOON_MS}"


def test_a_task_that_hangs_is_cut_off_and_the_others_are_done(run_at_once: Callable[..., Any]) -> None:
    tables = Tables(hang="@hourly", succeed="@hourly", refuse="@hourly")
    result = run_at_once(scheduler(tables).tick("0 * * * *", NOON_MS))
    assert result.succeeded == [run_of("succeed")]
    assert sorted(result.failed) == [run_of("hang"), run_of("refuse")]
    status, _, kept, code, message = tables.runs[run_of("hang")]
    assert (status, kept, code) == ("failed", None, "TIMEOUT")
    assert "29 s" in message


async def test_the_same_event_twice_runs_once() -> None:
    tables = Tables(succeed="@hourly")
    first = await scheduler(tables).tick("0 * * * *", NOON_MS)
    second = await scheduler(tables).tick("*/5 * * * *", NOON_MS)
    assert (first.succeeded, first.skipped) == ([run_of("succeed")], [])
    assert (second.succeeded, second.skipped) == ([], [run_of("succeed")])


async def test_two_events_at_once_run_once() -> None:
    tables = Tables(succeed="@hourly")
    results = await asyncio.gather(*(scheduler(tables).tick("0 * * * *", NOON_MS) for _ in range(5)))
    assert sorted(len(result.succeeded) for result in results) == [0, 0, 0, 0, 1]


async def test_a_late_event_runs_the_instant_it_was_for() -> None:
    tables = Tables(succeed="@hourly")
    result = await scheduler(tables).tick("0 * * * *", NOON_MS + 59_999)
    assert result.succeeded == [run_of("succeed")]
    assert result.scheduled_at == "2026-11-23T12:00:59.999Z"


async def test_a_schedule_that_cannot_be_read_keeps_no_other_from_running(logged: Any) -> None:
    tables = Tables(refuse="every now and then", succeed="@hourly")
    result = await scheduler(tables, logged.log).tick("0 * * * *", NOON_MS)
    assert (result.succeeded, result.failed) == ([run_of("succeed")], [])
    (line,) = logged.of("task.schedule_invalid")
    assert (line["level"], line["task"]) == ("error", "refuse")


async def test_tasks_are_listed_with_their_next_run() -> None:
    tables = Tables(refuse="every now and then", succeed="@hourly", hang="@hourly")
    tables.tasks[2]["enabled"] = False
    listed = {task.name: task.next_run_at for task in await scheduler(tables).tasks()}
    assert listed == {"refuse": None, "succeed": "2026-09-21T15:00:00.000Z", "hang": None}


async def test_the_defaults_are_offered_to_the_table() -> None:
    tables = Tables()
    await scheduler(tables).tick("0 * * * *", NOON_MS)
    assert tables.defaults == [["succeed"], ["@hourly"], ["Succeeds."]]


async def test_an_outage_fails_the_event() -> None:
    def down(sql: str, params: list[Any]) -> Any:
        raise unavailable("the database does not answer")

    bindings = FakeBindings(peers={"DB": FakePeer(query=down)})
    with pytest.raises(ServiceError, match="UNAVAILABLE"):
        await Scheduler(bindings, Logger("schedule"), HANDLERS, DEFAULTS).tick("0 * * * *", NOON_MS)


def test_no_more_than_a_few_run_at_once(run_at_once: Callable[..., Any]) -> None:
    running, most = 0, 0

    async def count(context: TaskContext) -> TaskResult:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(1)
        running -= 1
        return {}

    names = [f"task-{number}" for number in range(3 * CONCURRENT_TASKS)]
    tables = Tables(**dict.fromkeys(names, "@hourly"))
    bindings = FakeBindings(peers={"DB": FakePeer(query=tables.query)})
    tick = Scheduler(bindings, Logger("schedule"), dict.fromkeys(names, count), ()).tick("0 * * * *", NOON_MS)
    assert len(run_at_once(tick).succeeded) == len(names)
    assert most == CONCURRENT_TASKS
