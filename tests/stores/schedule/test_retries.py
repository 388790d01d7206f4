"""Retries, leases and tokens: an attempt that fails, waits, hangs, dies or comes back too late."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from dotdo.errors import ServiceError, unavailable
from schedule.domain.registry import TaskContext, TaskResult, Unfinished
from tests.stores.schedule.world import NOON, Database, World, of

LATER = NOON + timedelta(minutes=5)
MUCH_LATER = NOON + timedelta(minutes=10)


class Scripted:
    """A task that does what it is told, call by call, and then succeeds."""

    def __init__(self, *script: Exception) -> None:
        self._script = iter(script)
        self.calls = 0

    async def __call__(self, context: TaskContext) -> TaskResult:
        self.calls += 1
        for error in self._script:
            raise error
        return {"call": self.calls}


NOT_YET = unavailable("not yet")


def scripted(world: World, *script: Exception, schedule: str = "@daily", **columns: Any) -> Scripted:
    task = Scripted(*script)
    world.handlers["task"] = task
    world.add("task", schedule, **columns)
    return task


@pytest.fixture(autouse=True)
def _at_midnight(world: World) -> None:
    world.add("other", enabled=False)


MIDNIGHT = NOON.replace(hour=0)
RUN = of("task", MIDNIGHT)


async def test_a_run_that_fails_as_often_as_it_may_is_dead(world: World) -> None:
    scripted(world, *[NOT_YET] * 9, max_attempts=3)
    result = await world.tick(MIDNIGHT)
    assert (result.failed, result.retrying) == ([RUN], [])
    assert world.runs("attempt, trigger, status, attempts_left") == [
        (1, "cron", "failed", 2), (2, "retry", "failed", 1), (3, "retry", "dead", 0),
    ]  # fmt: skip
    assert [line["status"] for line in world.logged.of("run")] == ["failed", "failed", "dead"]
    assert [line["level"] for line in world.logged.of("run")] == ["warn", "warn", "error"]
    assert (await world.tick(MIDNIGHT + timedelta(minutes=5))).failed == []


async def test_what_is_not_retryable_is_final(world: World) -> None:
    task = scripted(world, ServiceError("INVALID", 400, "Invalid", "no such table"))
    assert (await world.tick(MIDNIGHT)).failed == [RUN]
    assert task.calls == 1


async def test_what_is_unfinished_goes_on_in_another_event(world: World) -> None:
    """However short its wait: it would go on within the CPU time of the event that it has used up."""
    task = scripted(world, Unfinished("half of it is done"), retry_base_s=0)
    assert (await world.tick(MIDNIGHT)).retrying == [RUN]
    assert task.calls == 1
    assert world.runs("status, error_code, next_attempt_at is not null") == [("failed", "UNFINISHED", True)]
    assert (await world.tick(MIDNIGHT + timedelta(minutes=5))).succeeded == [RUN]


async def test_a_task_whose_last_attempt_died_begins_anew_in_the_same_event(world: World) -> None:
    class Slow:
        """A database that takes its time over what is abandoned."""

        def __init__(self, database: Database) -> None:
            self._database = database

        async def call(self, method: str, *params: Any) -> Any:
            for _ in range(50 * ("set status = 'dead', finished_at" in params[0])):
                await asyncio.sleep(0)
            return await self._database.call(method, *params)

    scripted(world, max_attempts=1)
    world.database.rows(
        "insert into task_executions (run_id, task, trigger, status, scheduled_at, lease_expires_at)"
        " values ('task@1', 'task', 'cron', 'running', $1, now() - interval '1 s')",
        MIDNIGHT - timedelta(days=1),
    )
    world.peer = Slow(world.database)
    result = await world.tick(MIDNIGHT)
    assert (result.failed, result.succeeded) == (["task@1"], [RUN])


async def test_a_long_wait_is_stored_and_taken_up_by_a_later_event(world: World) -> None:
    task = scripted(world, NOT_YET, retry_base_s=1000, retry_cap_s=800)
    assert (await world.tick(MIDNIGHT)).retrying == [RUN]  # 400 s: half of the cap
    assert world.runs("status, next_attempt_at is not null") == [("failed", True)]
    assert (await world.tick(MIDNIGHT + timedelta(minutes=5))).succeeded == []
    result = await world.tick(MIDNIGHT + timedelta(minutes=10))
    assert (result.succeeded, task.calls) == ([RUN], 2)
    assert world.runs("attempt, trigger, status, next_attempt_at") == [
        (1, "cron", "failed", None), (2, "retry", "succeeded", None),
    ]  # fmt: skip
    assert world.clock.now == NOON.timestamp()  # nobody slept


@pytest.mark.parametrize(("bound_s", "waited_s"), [(10, 5.0), (10.25, None)])
async def test_five_seconds_are_waited_here_and_no_more(world: World, bound_s: float, waited_s: float | None) -> None:
    """The wait is half of its bound in these tests."""
    scripted(world, NOT_YET, retry_base_s=bound_s)
    result = await world.tick(MIDNIGHT)
    if waited_s is None:
        assert (result.retrying, world.clock.now) == ([RUN], NOON.timestamp())
    else:
        assert (result.succeeded, world.clock.now - NOON.timestamp()) == ([RUN], waited_s)


async def test_an_instant_that_comes_while_a_retry_is_waited_for_is_skipped(world: World) -> None:
    scripted(world, NOT_YET, schedule="every 5 minutes", retry_base_s=800, retry_cap_s=800)
    await world.tick()
    assert (await world.tick(LATER)).skipped == [of("task", LATER)]
    result = await world.tick(MUCH_LATER)
    assert (result.succeeded, result.skipped) == ([of("task")], [of("task", MUCH_LATER)])


async def test_two_events_at_once_take_up_a_waiting_run_once(world: World) -> None:
    task = scripted(world, NOT_YET, retry_base_s=100)
    await world.tick(MIDNIGHT)
    results = await asyncio.gather(*(world.tick(MIDNIGHT + timedelta(minutes=5)) for _ in range(4)))
    assert sorted(run for result in results for run in result.succeeded) == [RUN]
    assert task.calls == 2


class Holder:
    """A task whose end the test decides."""

    def __init__(self) -> None:
        self.began, self.go_on = asyncio.Event(), asyncio.Event()
        self.calls = 0

    async def __call__(self, context: TaskContext) -> TaskResult:
        self.calls += 1
        if self.calls == 1:
            self.began.set()
            await self.go_on.wait()
        return {"call": self.calls}


def test_a_holder_whose_lease_was_taken_over_writes_nothing(world: World, run_at_once: Callable[..., Any]) -> None:
    async def taken_over() -> list[Any]:
        world.handlers["task"] = holder = Holder()
        first = asyncio.ensure_future(world.tick(MIDNIGHT))
        await holder.began.wait()
        world.expire()
        second = await world.tick(MIDNIGHT + timedelta(minutes=5))
        before = world.runs("attempt, status, error_code, result, token, finished_at")
        holder.go_on.set()
        ended = await first
        assert world.runs("attempt, status, error_code, result, token, finished_at") == before
        return [ended, second]

    world.add("task", "@daily")
    first, second = run_at_once(taken_over())
    assert (first.succeeded, first.failed, second.succeeded) == ([], [], [RUN])
    assert world.runs("attempt, trigger, status, error_code, result") == [
        (1, "cron", "failed", "LEASE_EXPIRED", None), (2, "retry", "succeeded", None, {"call": 2}),
    ]  # fmt: skip
    (line,) = world.logged.of("run.fenced")
    assert (line["level"], line["run_id"], line["attempt"]) == ("warn", RUN, 1)


def test_a_lease_that_expired_but_was_not_taken_over_still_counts(
    world: World, run_at_once: Callable[..., Any]
) -> None:
    async def late() -> Any:
        world.handlers["task"] = holder = Holder()
        tick = asyncio.ensure_future(world.tick(MIDNIGHT))
        await holder.began.wait()
        world.expire()
        holder.go_on.set()
        return await tick

    world.add("task", "@daily")
    assert run_at_once(late()).succeeded == [RUN]
    assert world.runs("attempt, status") == [(1, "succeeded")]


def test_a_dead_isolate_uses_up_an_attempt(world: World, run_at_once: Callable[..., Any]) -> None:
    async def dies() -> None:
        holder = Holder()
        world.handlers["task"] = holder
        tick = asyncio.ensure_future(world.tick(at))
        await holder.began.wait()
        tick.cancel()
        with pytest.raises(asyncio.CancelledError):
            await tick

    world.add("task", "@daily", max_attempts=2)
    at = MIDNIGHT
    run_at_once(dies())
    assert world.runs("attempt, status") == [(1, "running")]
    assert run_at_once(world.tick(MIDNIGHT + timedelta(minutes=5))).failed == []  # the lease still holds
    world.expire()
    at = MIDNIGHT + timedelta(minutes=10)
    run_at_once(dies())
    world.expire()
    assert run_at_once(world.tick(MIDNIGHT + timedelta(minutes=15))).failed == [RUN]
    assert world.runs("attempt, status, error_code") == [(1, "failed", "LEASE_EXPIRED"), (2, "dead", "LEASE_EXPIRED")]


async def test_a_lease_is_longer_than_the_timeout_by_the_databases_clock(world: World) -> None:
    seen: list[Any] = []

    async def look(context: TaskContext) -> TaskResult:
        lease = "select extract(epoch from lease_expires_at - started_at)::integer from task_executions"
        seen.extend(world.database.rows(lease))
        return {}

    world.handlers["task"] = look
    world.add("task", "@daily", timeout_s=100)
    world.clock.now -= 86_400 * 0.4  # the isolate's clock says nothing here
    await world.tick(MIDNIGHT)
    assert seen == [(115,)]


@pytest.mark.parametrize(
    ("change", "became"),
    [
        ("update scheduled_tasks set schedule = 'every 5 minutes', handler = 'other'", ["succeeded"]),
        ("update scheduled_tasks set enabled = false", ["succeeded"]),
        ("delete from scheduled_tasks", ["succeeded"]),
    ],
)
async def test_a_task_that_changes_while_it_runs_ends_as_it_began(world: World, change: str, became: list[str]) -> None:
    async def changed(context: TaskContext) -> TaskResult:
        world.database.rows(f"{change} where name = 'task'")
        return {}

    world.handlers["task"] = changed
    world.add("task", "@daily")
    assert (await world.tick(MIDNIGHT)).succeeded == [RUN]
    assert [status for (status,) in world.runs("status")] == became


@pytest.mark.parametrize("change", ["update scheduled_tasks set enabled = false", "delete from scheduled_tasks"])
async def test_a_task_that_is_taken_away_while_it_fails_has_no_attempt_to_come(world: World, change: str) -> None:
    async def fails(context: TaskContext) -> TaskResult:
        world.database.rows(f"{change} where name = 'task'")
        raise NOT_YET

    world.handlers["task"] = fails
    world.add("task", "@daily")
    assert (await world.tick(MIDNIGHT)).failed == [RUN]
    assert world.runs("attempt, status, next_attempt_at") == [(1, "dead", None)]


@pytest.mark.parametrize(
    "change",
    ["update scheduled_tasks set enabled = false", "update scheduled_tasks set schedule = '@yearly'",
     "delete from scheduled_tasks"],
)  # fmt: skip
async def test_what_changes_between_reading_and_starting_is_not_started(world: World, change: str) -> None:
    def fault(sql: str) -> None:
        if "for update" in sql:
            world.database.rows(f"{change} where name = 'task'")

    task = scripted(world)
    world.database.fault = fault
    result = await world.tick(MIDNIGHT)
    assert (result.succeeded, result.failed, task.calls, world.runs()) == ([], [], 0, [])


async def test_an_edit_that_meets_a_tick_undoes_nothing(world: World) -> None:
    scripted(world)
    await world.tick(MIDNIGHT)
    before = world.database.rows("select last_scheduled_at, created_at from scheduled_tasks where name = 'task'")
    await world.parts.catalog.enable("task", False)
    await world.parts.catalog.enable("task", True)
    after = world.database.rows("select last_scheduled_at, created_at from scheduled_tasks where name = 'task'")
    assert after == before


def outages(*faults: str | None) -> Callable[[str], str | None]:
    """One for each time that an end is to be recorded."""
    left: Iterator[str | None] = iter(faults)
    return lambda sql: next(left, None) if "allowed" in sql else None


async def test_an_outage_before_the_end_is_recorded_is_waited_out(world: World) -> None:
    task = scripted(world)
    world.database.fault = outages("before", "after")
    assert (await world.tick(MIDNIGHT)).succeeded == [RUN]
    assert world.clock.now - NOON.timestamp() == 0.5 + 1
    assert (task.calls, world.runs("attempt, status")) == (1, [(1, "succeeded")])


async def test_a_retry_whose_record_was_answered_late_is_counted_once(world: World) -> None:
    task = scripted(world, NOT_YET)
    world.database.fault = outages("after")
    assert (await world.tick(MIDNIGHT)).succeeded == [RUN]
    assert (task.calls, world.runs("attempt, status")) == (2, [(1, "failed"), (2, "succeeded")])


async def test_an_end_that_cannot_be_recorded_fails_the_event_and_the_run_is_done_once_more(world: World) -> None:
    task = scripted(world)
    world.database.fault = outages(*["before"] * 4)
    assert (await world.tick(MIDNIGHT)).failed == [RUN]
    assert world.clock.now - NOON.timestamp() == 0.5 + 1 + 2
    assert world.logged.of("run.broken")[0]["run_id"] == RUN
    world.expire()
    assert (await world.tick(MIDNIGHT + timedelta(minutes=5))).succeeded == [RUN]
    assert (task.calls, world.runs("attempt, status")) == (2, [(1, "failed"), (2, "succeeded")])


def test_of_many_isolates_one_starts_a_run(world: World, migrated: str) -> None:
    """Each with a connection and a loop of its own, all at the same moment."""
    together = threading.Barrier(8)
    calls: list[int] = []

    async def count(context: TaskContext) -> TaskResult:
        calls.append(1)
        return {}

    def isolate() -> None:
        database = Database(migrated)
        other = World(database, {"task": count}, world.logged)
        together.wait()
        asyncio.run(other.tick(MIDNIGHT))
        database.close()

    for number in range(5):
        world.add(f"task-{number}", "@daily", handler="task")
    threads = [threading.Thread(target=isolate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 5
    assert [(attempt, status) for _, attempt, _, status in world.runs()] == [(1, "succeeded")] * 5
