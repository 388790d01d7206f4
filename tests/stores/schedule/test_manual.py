"""Runs that somebody asks for, and what can be done to tasks."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dotdo.contracts.schedule.models import NewTask, TaskPatch
from dotdo.errors import ServiceError, unavailable
from schedule.domain.registry import TaskContext, TaskDefinition, TaskResult
from tests.stores.schedule.world import NOON, World, of


async def succeed(context: TaskContext) -> TaskResult:
    return {}


async def refuse(context: TaskContext) -> TaskResult:
    raise ServiceError("BROKEN", 502, "Broken", "does not work")


@pytest.fixture(autouse=True)
def _handlers(world: World) -> None:
    world.handlers.update(succeed=succeed, refuse=refuse)


async def run(world: World, name: str, key: str | None = None, *, wait: bool = True) -> Any:
    return await world.parts.manual.run_now(name, key, world.defer, wait=wait)


async def retry(world: World, run_id: str) -> Any:
    return await world.parts.manual.retry(run_id, world.defer, wait=True)


def fails(code: str, status: int) -> Any:
    return pytest.raises(ServiceError, check=lambda error: (error.code, error.status) == (code, status))


async def test_a_run_by_hand_leaves_the_schedule_as_it_is(world: World) -> None:
    world.add("succeed", "@daily")
    world.clock.now += 0.037
    ended = await run(world, "succeed")
    assert (ended.run_id, ended.status) == (f"succeed@{round(NOON.timestamp() * 1000) + 37}", "succeeded")
    assert [(one.attempt, one.trigger) for one in ended.attempts] == [(1, "manual")]
    assert (await world.tick()).succeeded == [of("succeed", NOON.replace(hour=0))]


async def test_a_run_that_is_not_waited_for_goes_on_after_the_answer(world: World) -> None:
    go_on = asyncio.Event()

    async def held(context: TaskContext) -> TaskResult:
        await go_on.wait()
        return {"done": True}

    world.handlers["held"] = held
    world.add("held")
    started = await run(world, "held", wait=False)
    assert (started.status, started.attempts[0].finished_at) == ("running", None)
    with fails("TASK_RUNNING", 409):
        await run(world, "held")
    go_on.set()
    await world.settle()
    assert (await world.parts.history.run(started.run_id)).attempts[0].result == {"done": True}


def test_a_run_that_is_waited_for_is_cut_where_the_platform_would(
    world: World, run_at_once: Callable[..., Any]
) -> None:
    async def hang(context: TaskContext) -> TaskResult:
        assert context.deadline_s - context.now_s == pytest.approx(23, abs=0.5)
        await asyncio.Event().wait()
        return {}

    async def asked() -> Any:
        ended = await run(world, "hang")
        await world.settle()
        return ended

    world.handlers["hang"] = hang
    world.add("hang", max_attempts=1)
    ended = run_at_once(asked())
    assert (ended.status, ended.attempts[0].error_code) == ("dead", "TIMEOUT")


async def test_a_key_that_is_used_again_answers_with_the_same_run(world: World) -> None:
    world.add("succeed")
    world.add("refuse")
    first = await run(world, "succeed", "key")
    world.clock.now += 60
    assert (await run(world, "succeed", "key")).run_id == first.run_id
    assert (await run(world, "succeed", "another")).run_id != first.run_id
    with fails("IDEMPOTENCY_KEY_REUSED", 422):
        await run(world, "refuse", "key")
    await world.parts.catalog.enable("succeed", False)
    assert (await run(world, "succeed", "key")).run_id == first.run_id
    assert len(world.runs()) == 2


async def test_two_at_once_with_one_key_are_one_run(world: World) -> None:
    world.add("succeed")
    runs = await asyncio.gather(*(run(world, "succeed", "key") for _ in range(3)))
    assert len({one.run_id for one in runs}) == len(world.runs()) == 1


async def test_what_cannot_be_run_by_hand(world: World) -> None:
    world.add("succeed", enabled=False)
    with fails("TASK_DISABLED", 409):
        await run(world, "succeed")
    with fails("NOT_FOUND", 404):
        await run(world, "nothing")


async def test_a_dead_run_is_driven_again_with_all_its_attempts(world: World) -> None:
    errors = [unavailable("not yet")] * 4

    async def sometimes(context: TaskContext) -> TaskResult:
        if errors:
            raise errors.pop()
        return {}

    world.handlers["sometimes"] = sometimes
    world.add("sometimes", max_attempts=3)
    assert (await world.tick()).failed == [of("sometimes")]
    again = await retry(world, of("sometimes"))
    assert again.status == "succeeded"
    assert [(one.attempt, one.trigger, one.status) for one in again.attempts] == [
        (1, "cron", "failed"), (2, "retry", "failed"), (3, "retry", "failed"), (4, "retry", "failed"),
        (5, "retry", "succeeded"),
    ]  # fmt: skip
    with fails("NOT_RETRYABLE", 409):
        await retry(world, of("sometimes"))
    with fails("NOT_FOUND", 404):
        await retry(world, "sometimes@1")


async def test_a_missed_run_can_be_made_up_for(world: World) -> None:
    world.add("succeed", misfire_grace_s=0, last_scheduled_at=NOON - timedelta(hours=1))
    assert (await world.tick(NOON + timedelta(minutes=6))).missed == [of("succeed")]
    made_up = await retry(world, of("succeed"))
    assert [one.status for one in made_up.attempts] == ["missed", "succeeded"]


async def test_a_run_of_a_task_that_is_gone_is_not_repeated(world: World) -> None:
    world.add("refuse")
    await world.tick()
    await world.parts.catalog.delete("refuse")
    with fails("NOT_FOUND", 404):
        await retry(world, of("refuse"))


def new(name: str = "task", schedule: str = "@daily", handler: str = "succeed", **rest: Any) -> NewTask:
    return NewTask(name=name, schedule=schedule, handler=handler, **rest)


async def test_a_task_owes_nothing_of_before_it_was_registered_edited_or_enabled(world: World) -> None:
    at = datetime.now(UTC).replace(microsecond=0)
    world.clock.now = at.timestamp()
    catalog = world.parts.catalog
    await catalog.register(new(schedule="* * * * *"), world.parts.now)
    assert (await world.tick(at)).succeeded == []
    later = at + timedelta(hours=2)
    assert len((await world.tick(later)).succeeded) == 1
    await catalog.patch("task", TaskPatch(schedule="*/2 * * * *"), world.parts.now)
    await catalog.enable("task", False)
    assert (await world.tick(later + timedelta(hours=1))).succeeded == []
    due_after = world.database.rows("select due_after from scheduled_tasks")
    await catalog.enable("task", False)
    await catalog.patch("task", TaskPatch(description="the same schedule"), world.parts.now)
    assert world.database.rows("select due_after from scheduled_tasks") == due_after
    await catalog.enable("task", True)
    assert world.database.rows("select due_after from scheduled_tasks") > due_after


async def test_a_patch_changes_what_it_names(world: World) -> None:
    catalog, now = world.parts.catalog, world.parts.now
    task = await catalog.register(new(metadata={"team": "a"}, misfire_grace_s=60), now)
    assert task.next_runs == [f"2026-11-{day}T00:00:00.000Z" for day in range(24, 29)]
    patched = await catalog.patch(
        "task", TaskPatch(schedule=" every 90 minutes ", metadata={"team": "b"}, misfire_grace_s=None), now
    )
    expected = {"schedule": "every 90 minutes", "metadata": {"team": "b"}, "misfire_grace_s": None}
    kept = {
        name: value for name, value in task.model_dump().items() if name not in (*expected, "updated_at", "next_runs")
    }
    changed = patched.model_dump()
    assert {name: changed[name] for name in expected} == expected
    assert {name: changed[name] for name in kept if name != "next_run_at"} == {
        name: value for name, value in kept.items() if name != "next_run_at"
    }
    assert patched.next_run_at == "2026-11-23T13:30:00.000Z"


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"schedule": "0 0 0 0 0 0"}, "schedule: "),
        ({"handler": "constructor"}, "handler: "),
        ({"handler": "x"}, "handler: "),
    ],
)
async def test_what_is_no_schedule_or_handler_is_refused(world: World, change: dict[str, str], names: str) -> None:
    catalog, now = world.parts.catalog, world.parts.now
    world.add("succeed")
    with pytest.raises(ServiceError, match=f"INVALID_ARGUMENT: {names}"):
        await catalog.register(new(**change), now)
    with pytest.raises(ServiceError, match=f"INVALID_ARGUMENT: {names}"):
        await catalog.patch("succeed", TaskPatch(**change), now)  # type: ignore[arg-type]


async def test_a_name_is_taken_once(world: World) -> None:
    catalog, now = world.parts.catalog, world.parts.now
    first = await catalog.register(new(), now)
    with fails("TASK_EXISTS", 409):
        await catalog.register(new(handler="refuse"), now)
    assert await catalog.find("task", now) == first
    assert await catalog.delete("task")
    assert not await catalog.delete("task")
    assert await catalog.find("task", now) is None
    with fails("NOT_FOUND", 404):
        await catalog.patch("task", TaskPatch(enabled=True), now)


@pytest.mark.parametrize("how", ["disable", "delete"])
async def test_what_waits_for_a_task_that_is_taken_away_is_dead(world: World, how: str) -> None:
    async def not_yet(context: TaskContext) -> TaskResult:
        raise unavailable("not yet")

    world.handlers["not-yet"] = not_yet
    world.add("not-yet", retry_base_s=1000, retry_cap_s=1000)
    assert (await world.tick()).retrying == [of("not-yet")]
    catalog = world.parts.catalog
    assert await (catalog.delete("not-yet") if how == "delete" else catalog.enable("not-yet", False))
    assert world.runs("status, next_attempt_at") == [("dead", None)]


async def test_a_history_is_paged_by_task_and_status(world: World) -> None:
    world.database.rows("truncate task_executions restart identity")
    world.add("succeed")
    world.add("refuse")
    for hour in range(6):
        await world.tick(NOON + timedelta(hours=hour))
    history = world.parts.history
    pages, cursor = [], None
    while True:
        page = await history.page(5, cursor)
        pages.append([one.run_id for one in page.data])
        cursor = page.page.next_cursor
        if cursor is None:
            break
    assert [len(page) for page in pages] == [5, 5, 2]
    assert len({run_id for page in pages for run_id in page}) == 12
    at = [NOON + timedelta(hours=hour) for hour in (5, 4, 3, 2, 1, 0)]
    assert [one.run_id for one in (await history.page(10, None, task="refuse")).data] == [
        of("refuse", one) for one in at
    ]
    assert {one.task for one in (await history.page(10, None, status="dead")).data} == {"refuse"}
    for wrong in ("x", "WyJ4Il0", "WyIxIiwiMiJd", "WyLCsiJd"):
        with pytest.raises(ServiceError, match="INVALID_ARGUMENT: cursor"):
            await history.page(1, wrong)


async def test_tasks_are_listed_by_name_with_their_last_and_next_runs(world: World) -> None:
    world.add("b-unreadable", "now and then", handler="succeed")
    world.add("a-hourly", handler="succeed")
    world.add("c-disabled", handler="succeed", enabled=False)
    await world.tick()
    page = await world.parts.task_page(2, None)
    assert [(task.name, task.next_run_at) for task in page.data] == [
        ("a-hourly", "2026-11-23T13:00:00.000Z"), ("b-unreadable", None),
    ]  # fmt: skip
    last = page.data[0].last_run
    assert last is not None
    assert (last.run_id, last.status, page.data[1].last_run) == (of("a-hourly"), "succeeded", None)
    rest = await world.parts.task_page(2, page.page.next_cursor)
    assert ([task.name for task in rest.data], rest.data[0].next_runs, rest.page.next_cursor) == (
        ["c-disabled"],
        [],
        None,
    )


async def test_statistics_count_runs_and_not_attempts(world: World) -> None:
    rows = [
        # run, attempt, status, seconds late, duration
        ("t@1", 1, "failed", 1, 500), ("t@1", 2, "succeeded", 60, 100), ("t@2", 1, "succeeded", 3, 300),
        ("t@3", 1, "dead", 2, 50), ("t@4", 1, "missed", 900, None), ("t@5", 1, "dead", 2, 50), ("t@6", 1, "running", 2, None),
    ]  # fmt: skip
    world.add("t", handler="succeed")
    world.add("never", handler="succeed")
    for run_id, attempt, status, late, duration in rows:
        world.database.rows(
            "insert into task_executions (run_id, task, attempt, trigger, status, scheduled_at, duration_ms)"
            " values ($1, 't', $2, 'cron', $3, now() - $4 * interval '1 second', $5)",
            run_id, attempt, status, late, duration,
        )  # fmt: skip
    world.database.rows(
        "insert into task_executions (run_id, task, trigger, status, scheduled_at, started_at)"
        " values ('t@0', 't', 'cron', 'dead', now(), now() - interval '8 days')"
    )
    never, of_t = await world.parts.history.stats()
    assert (never.task, never.runs, never.success_rate, never.lag_p50_ms) == ("never", 0, None, None)
    assert (of_t.runs, of_t.succeeded, of_t.dead, of_t.missed) == (4, 2, 2, 1)
    assert (of_t.success_rate, of_t.consecutive_failures) == (0.5, 2)
    assert (of_t.duration_p50_ms, of_t.duration_p95_ms) == (200, 290)
    assert of_t.lag_p50_ms == pytest.approx(2000, abs=100)
    assert of_t.lag_p95_ms == pytest.approx(2800, abs=100)


async def test_the_defaults_can_be_added_by_hand(world: World) -> None:
    world.defaults = (TaskDefinition("succeed", "@hourly", "Succeeds."), TaskDefinition("refuse", "@hourly", "Fails."))
    world.add("refuse", "@yearly")
    assert (await world.parts.add_defaults()).added == ["succeed"]
    assert (await world.parts.add_defaults()).added == []
