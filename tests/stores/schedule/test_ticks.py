"""What a cron event does: each instant once, late ones, overlapping ones, and what is written down of them."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dotdo.errors import ServiceError, unavailable
from schedule.domain.registry import Skipped, TaskContext, TaskDefinition, TaskResult
from tests.stores.schedule.world import NOON, World, of

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


async def succeed(context: TaskContext) -> TaskResult:
    return {"at": context.now_s}


async def refuse(context: TaskContext) -> TaskResult:
    raise ServiceError("BROKEN", 502, "Broken", "does not work")


async def crash(context: TaskContext) -> TaskResult:
    raise RuntimeError("sk_live_0123456789 inside")


async def skip(context: TaskContext) -> TaskResult:
    raise Skipped("nothing is bound")


async def hang(context: TaskContext) -> TaskResult:
    await asyncio.Event().wait()
    return {}


@pytest.fixture(autouse=True)
def _handlers(world: World) -> None:
    world.handlers.update(succeed=succeed, refuse=refuse, crash=crash, skip=skip, hang=hang)


async def test_each_outcome_is_written_down(world: World) -> None:
    for name in ("succeed", "refuse", "crash", "skip", "no-handler", "constructor"):
        world.add(name)
    result = await world.tick()
    assert (result.succeeded, result.skipped) == ([of("succeed")], [of("skip")])
    assert result.failed == [of(name) for name in ("constructor", "crash", "no-handler", "refuse")]
    assert world.runs("task, status, attempt, trigger, error_code, error_message") == [
        ("constructor", "dead", 1, "cron", "HANDLER_NOT_FOUND", "there is no handler 'constructor'"),
        ("crash", "dead", 1, "cron", "INTERNAL", "internal error"),
        ("no-handler", "dead", 1, "cron", "HANDLER_NOT_FOUND", "there is no handler 'no-handler'"),
        ("refuse", "dead", 1, "cron", "BROKEN", "does not work"),
        ("skip", "skipped", 1, "cron", "SKIPPED", "nothing is bound"),
        ("succeed", "succeeded", 1, "cron", None, None),
    ]
    dead = [line["run_id"] for line in world.logged.of("run") if line["level"] == "error"]
    assert sorted(dead) == result.failed
    assert "sk_live" not in world.logged.text


async def test_an_event_with_nothing_to_do_is_one_statement(world: World) -> None:
    world.add("succeed")
    await world.tick()
    world.database.statements.clear()
    result = await world.tick(NOON + 5 * MINUTE)
    assert (len(world.database.statements), result.succeeded) == (1, [])


async def test_a_run_is_two_statements_more(world: World) -> None:
    for name in ("a", "b", "c"):
        world.add(name, handler="succeed")
    await world.tick()
    assert len(world.database.statements) == 1 + 2 * 3


async def test_three_triggers_at_midnight_run_each_task_once(world: World) -> None:
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    for name, schedule in (("five", "every 5 minutes"), ("hourly", "@hourly"), ("daily", "@daily")):
        world.add(name, schedule, handler="succeed")
    events = [world.tick(midnight, cron) for cron in ("*/5 * * * *", "0 * * * *", "0 0 * * *")]
    results = await asyncio.gather(*events)
    assert sorted(run for result in results for run in result.succeeded) == [
        of(name, midnight) for name in ("daily", "five", "hourly")
    ]
    assert [run[1:] for run in world.runs()] == [(1, "cron", "succeeded")] * 3


async def test_a_late_event_runs_the_instant_it_was_for(world: World) -> None:
    world.add("succeed")
    result = await world.tick(NOON + timedelta(milliseconds=59_999))
    assert (result.succeeded, result.scheduled_at) == ([of("succeed")], "2026-11-23T12:00:59.999Z")


async def test_a_week_without_events_is_one_run(world: World) -> None:
    world.add("succeed", last_scheduled_at=NOON - timedelta(days=7))
    result = await world.tick(NOON + 20 * MINUTE)
    assert result.succeeded == [of("succeed")]
    assert world.runs() == [(of("succeed"), 1, "catch-up", "succeeded")]
    assert (await world.tick(NOON + 25 * MINUTE)).succeeded == []


async def test_an_instant_beyond_its_grace_is_missed_and_the_next_one_runs(world: World) -> None:
    sunday = datetime(2026, 11, 22, tzinfo=UTC)
    world.add("weekly", "@weekly", handler="succeed", last_scheduled_at=sunday - timedelta(days=7))
    world.add("strict", "@hourly", handler="succeed", misfire_grace_s=60, last_scheduled_at=NOON - HOUR)
    result = await world.tick(NOON + 6 * MINUTE)
    assert result.missed == [of("strict"), of("weekly", sunday)]
    assert world.runs("task, status, error_code, error_message") == [
        ("strict", "missed", "MISFIRED", "360 s late"), ("weekly", "missed", "MISFIRED", "129960 s late"),
    ]  # fmt: skip
    assert (await world.tick(NOON + HOUR)).succeeded == [of("strict", NOON + HOUR)]
    world.clock.now += 7 * 86_400
    assert (await world.tick(sunday + timedelta(days=7))).succeeded[-1] == of("weekly", sunday + timedelta(days=7))


async def test_a_task_that_never_ran_is_due_and_has_missed_nothing(world: World) -> None:
    world.add("fresh", "@hourly", handler="succeed")
    world.add("rare", "@yearly", handler="succeed")
    result = await world.tick(NOON + 10 * MINUTE)
    assert (result.succeeded, result.missed) == ([of("fresh")], [])


async def test_a_clock_that_goes_back_does_no_harm(world: World) -> None:
    world.add("succeed")
    await world.tick(NOON + HOUR)
    world.clock.now -= 7200
    for back in (NOON, NOON + 59 * MINUTE, NOON + HOUR):
        assert (await world.tick(back)).succeeded == []
    assert (await world.tick(NOON + 2 * HOUR)).succeeded == [of("succeed", NOON + 2 * HOUR)]


async def test_an_event_of_far_ahead_takes_nothing_from_the_ones_before(world: World) -> None:
    world.add("succeed")
    for ahead in (timedelta(days=400), timedelta(days=1, seconds=1)):
        with pytest.raises(ServiceError, match="scheduledMs: more than a day ahead"):
            await world.tick(NOON + ahead)
    assert (await world.tick()).succeeded == [of("succeed")]
    assert (await world.tick(NOON + timedelta(days=1))).succeeded == [of("succeed", NOON + timedelta(days=1))]


def test_a_task_that_hangs_is_cut_off_and_the_others_are_done(world: World, run_at_once: Callable[..., Any]) -> None:
    world.add("hang", max_attempts=1)
    world.add("succeed")
    result = run_at_once(world.tick())
    assert (result.succeeded, result.failed) == ([of("succeed")], [of("hang")])
    ((code, message, duration_ms),) = world.runs("error_code, error_message, duration_ms")[:1]
    assert (code, message) == ("TIMEOUT", "took longer than 29 s")
    assert duration_ms == 29_000


def test_no_more_than_four_run_at_once(world: World, run_at_once: Callable[..., Any]) -> None:
    running = most = 0

    async def count(context: TaskContext) -> TaskResult:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        await asyncio.sleep(1)
        running -= 1
        return {}

    world.handlers["count"] = count
    for number in range(12):
        world.add(f"task-{number}", handler="count")
    assert len(run_at_once(world.tick()).succeeded) == 12
    assert most == 4


def test_what_does_not_fit_into_an_event_is_left_to_the_next(world: World, run_at_once: Callable[..., Any]) -> None:
    async def long(context: TaskContext) -> TaskResult:
        await asyncio.sleep(context.deadline_s - context.now_s - 1)
        return {}

    world.handlers["long"] = long
    for number in range(6):
        world.add(f"long-{number}", handler="long", timeout_s=150)
    result = run_at_once(world.tick())
    assert len(result.succeeded) == 4
    assert len(result.yielded) == 2
    left = {of(name) for name in result.yielded}
    following = run_at_once(world.tick(NOON + 5 * MINUTE))
    assert set(following.succeeded) == left
    assert (following.failed, following.yielded) == ([], [])


def test_when_time_is_short_what_waits_goes_first_and_then_what_is_owed_longest(
    world: World, run_at_once: Callable[..., Any]
) -> None:
    """Four at once, each as long as it may take: when the first are done, 89 s are left, which is enough for the short one."""
    began: list[str] = []

    def named(name: str) -> Callable[[TaskContext], Any]:
        async def long(context: TaskContext) -> TaskResult:
            began.append(name)
            await asyncio.sleep(context.deadline_s - context.now_s - 1)
            return {}

        return long

    for name, schedule, timeout_s in (
        ("a-new", "every 5 minutes", 150), ("b-new", "every 5 minutes", 150), ("c-hour", "@hourly", 150),
        ("d-hour", "@hourly", 150), ("e-short", "every 5 minutes", 29), ("f-day", "@daily", 150),
        ("z-waits", "@yearly", 150),
    ):  # fmt: skip
        world.handlers[name] = named(name)
        world.add(name, schedule, timeout_s=timeout_s, last_scheduled_at=NOON - timedelta(days=1))
    world.database.rows(
        "insert into task_executions (run_id, task, trigger, status, scheduled_at, attempts_left, next_attempt_at)"
        " values ('z-waits@1', 'z-waits', 'cron', 'failed', $1, 1, $2)",
        NOON - timedelta(days=1), NOON,
    )  # fmt: skip
    result = run_at_once(world.tick(NOON + 5 * MINUTE))
    assert began == ["z-waits", "f-day", "c-hour", "d-hour", "e-short"]
    assert result.yielded == ["a-new", "b-new"]
    assert result.succeeded == [
        of("c-hour"), of("d-hour"), of("e-short", NOON + 5 * MINUTE), of("f-day", NOON.replace(hour=0)), "z-waits@1",
    ]  # fmt: skip
    assert (result.failed, result.retrying, result.missed, result.skipped) == ([], [], [], [])


def test_an_instant_that_comes_while_the_task_runs_is_skipped(world: World, run_at_once: Callable[..., Any]) -> None:
    async def overlapped() -> list[Any]:
        began, go_on = asyncio.Event(), asyncio.Event()

        async def slow(context: TaskContext) -> TaskResult:
            began.set()
            await go_on.wait()
            return {}

        world.handlers["slow"] = slow
        first = asyncio.ensure_future(world.tick())
        await began.wait()
        second = await world.tick(NOON + 5 * MINUTE)
        go_on.set()
        return [await first, second]

    world.add("slow", "every 5 minutes")
    first, second = run_at_once(overlapped())
    later = NOON + 5 * MINUTE
    assert (first.succeeded, second.skipped) == ([of("slow")], [of("slow", later)])
    assert world.runs("run_id, status, error_code, error_message") == [
        (of("slow"), "succeeded", None, None),
        (of("slow", later), "skipped", "OVERLAP", f"the run {of('slow')} has not ended"),
    ]


async def test_a_schedule_that_cannot_be_read_keeps_no_other_from_running(world: World) -> None:
    world.add("refuse", "every now and then")
    world.add("succeed")
    result = await world.tick()
    assert (result.succeeded, result.failed) == ([of("succeed")], [])
    (line,) = world.logged.of("task.schedule_invalid")
    assert (line["level"], line["task"]) == ("error", "refuse")


async def test_defaults_are_added_once_and_stay_as_they_are_edited_or_deleted(world: World) -> None:
    world.defaults = (TaskDefinition("succeed", "@hourly", "Succeeds."), TaskDefinition("skip", "@daily", "Skips.", 60))
    result = await world.tick()
    assert (result.succeeded, result.skipped) == ([of("succeed")], [of("skip", NOON.replace(hour=0))])
    world.database.rows("update scheduled_tasks set schedule = '@yearly' where name = 'succeed'")
    world.database.rows("delete from scheduled_tasks where name = 'skip'")
    world.database.statements.clear()
    await world.tick(NOON + 5 * MINUTE)
    assert len(world.database.statements) == 1
    assert (await world.parts.add_defaults()).added == []
    tasks = "select name, schedule, description, timeout_s from scheduled_tasks"
    assert world.database.rows(tasks) == [("succeed", "@yearly", "Succeeds.", 29)]


async def test_an_outage_at_the_start_fails_the_event_and_the_next_one_does_its_work(world: World) -> None:
    world.add("succeed")
    world.database.fault = lambda sql: "before"
    with pytest.raises(ServiceError, match="UNAVAILABLE"):
        await world.tick()
    world.database.fault = lambda sql: None
    assert (await world.tick(NOON + 5 * MINUTE)).succeeded == [of("succeed")]


async def test_a_claim_that_fails_keeps_no_other_from_running(world: World) -> None:
    def fault(sql: str) -> str | None:
        return next(faults, None) if "for update" in sql else None

    faults = iter(["before"])
    world.add("a", handler="succeed")
    world.add("b", handler="succeed")
    world.database.fault = fault
    result = await world.tick()
    assert (result.failed, result.succeeded) == ([of("a")], [of("b")])
    assert (await world.tick(NOON + 5 * MINUTE)).succeeded == [of("a")]


async def test_a_day_has_one_round_of_forgetting(world: World) -> None:
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    world.database.rows(
        "insert into task_executions (run_id, task, trigger, status, scheduled_at, started_at)"
        " select 'often@' || n, 'often', 'cron', 'succeeded', now(), now() - interval '100 days'"
        " from generate_series(1, 2500) n union all"
        " select 'rare@' || n, 'rare', 'cron', 'succeeded', now(), now() - interval '100 days' from generate_series(1, 100) n"
        " union all select 'often@new' || n, 'often', 'cron', 'succeeded', now(), now() from generate_series(1, 30) n"
    )
    await world.tick(midnight + 5 * MINUTE)
    assert world.database.rows("select count(*) from task_executions") == [(2630,)]
    await world.tick(midnight)
    kept = "select task, count(*) from task_executions group by task order by task"
    assert world.database.rows(kept) == [("often", 100), ("rare", 100)]
    world.database.fault = lambda sql: "before" if "delete" in sql else None
    await world.tick(midnight)
    assert world.logged.of("history.not_forgotten")[0]["level"] == "error"


@pytest.mark.parametrize(("age", "kept"), [("89 days 23 hours", 103), ("90 days 1 hour", 100)])
async def test_ninety_days_of_history_stay_and_a_hundred_attempts_of_each_task(
    world: World, age: str, kept: int
) -> None:
    """What runs or waits is no history yet: the first two of the 105 stay in any case."""
    world.database.rows(
        "insert into task_executions (run_id, task, trigger, status, scheduled_at, started_at, next_attempt_at)"
        " select 'old@' || n, 'old', 'cron', case n when 1 then 'running' when 2 then 'failed' else 'succeeded' end, now(),"
        " now() - $1::interval, case n when 2 then now() + interval '1 year' end from generate_series(1, 105) n",
        age,
    )
    await world.tick(NOON.replace(hour=0))
    assert world.database.rows("select count(*) from task_executions where status = 'succeeded'") == [(kept,)]
    assert world.database.rows("select count(*) from task_executions where status <> 'succeeded'") == [(2,)]


async def test_a_retryable_failure_is_tried_again_at_once_and_counted(world: World) -> None:
    calls = 0

    async def second_time(context: TaskContext) -> TaskResult:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise unavailable("not yet")
        return {"calls": calls}

    world.handlers["second-time"] = second_time
    world.add("second-time")
    began = world.clock.now
    assert (await world.tick()).succeeded == [of("second-time")]
    assert world.clock.now - began == 0.5  # half of the first bound, which is one second
    assert world.runs("attempt, trigger, status, error_code, attempts_left, result") == [
        (1, "cron", "failed", "UNAVAILABLE", 2, None),
        (2, "retry", "succeeded", None, 1, {"calls": 2}),
    ]
