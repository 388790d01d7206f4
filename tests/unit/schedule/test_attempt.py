"""schedule.domain.attempt: whatever a handler does, there is an outcome in time."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from dotdo.errors import ServiceError, unavailable
from dotdo.fakes import FakeBindings
from dotdo.log import Logger
from dotdo.sql import Sql
from schedule.domain.attempt import Outcome, perform
from schedule.domain.registry import Handler, Skipped, TaskContext, TaskResult

TIMEOUT_S = 29.0


def outcome(run: Callable[..., Any], handler: Handler) -> Outcome:
    bindings = FakeBindings()
    now_s = bindings.clock.now_s()
    context = TaskContext(bindings, Sql(bindings), Logger("schedule"), now_s, now_s + TIMEOUT_S)
    ended: Outcome = run(perform(handler, context, TIMEOUT_S))
    return ended


def test_a_result_and_how_long_it_took(run_at_once: Callable[..., Any]) -> None:
    async def three_seconds(context: TaskContext) -> TaskResult:
        await asyncio.sleep(3)
        return {"left": context.deadline_s - context.now_s}

    ended = outcome(run_at_once, three_seconds)
    assert ended.result == {"left": TIMEOUT_S}
    assert ended.duration_ms == 3000


@pytest.mark.parametrize(
    ("raised", "code", "cause"),
    [
        (unavailable("not yet"), "UNAVAILABLE", None),
        (RuntimeError("inside"), "INTERNAL", "RuntimeError('inside')"),
        (asyncio.CancelledError(), "INTERNAL", "CancelledError()"),
        (TimeoutError(), "INTERNAL", "TimeoutError()"),
    ],
)
def test_what_is_raised(run_at_once: Callable[..., Any], raised: BaseException, code: str, cause: str | None) -> None:
    async def fail(context: TaskContext) -> TaskResult:
        raise raised

    ended = outcome(run_at_once, fail)
    assert ended.error is not None
    assert (ended.error.code, ended.cause, ended.result) == (code, cause, None)
    assert "inside" not in ended.error.detail


def test_a_reason_to_skip(run_at_once: Callable[..., Any]) -> None:
    async def skip(context: TaskContext) -> TaskResult:
        raise Skipped("nothing is bound")

    ended = outcome(run_at_once, skip)
    assert (ended.skipped, ended.error, ended.result) == ("nothing is bound", None, None)


@pytest.mark.parametrize("value", [None, "text", [1], {"at": object()}, {"share": float("nan")}, {1j: 1}])
def test_a_result_that_is_no_json_object_is_a_fault_of_the_task(run_at_once: Callable[..., Any], value: Any) -> None:
    async def answer(context: TaskContext) -> TaskResult:
        result: TaskResult = value
        return result

    error = outcome(run_at_once, answer).error
    assert error is not None
    assert (error.code, error.retryable) == ("INTERNAL", False)


class Cleanup:
    """A task that is told to stop, and what it does then."""

    def __init__(self, then: Callable[[], Any]) -> None:
        self.then, self.cancelled = then, False

    async def __call__(self, context: TaskContext) -> TaskResult:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            await self.then()
        return {"late": True}


async def stop() -> None:
    raise asyncio.CancelledError


async def clean_up() -> None:
    await asyncio.sleep(0.5)


async def break_down() -> None:
    raise RuntimeError("in the cleanup")


async def go_on() -> None:
    await asyncio.sleep(3600)


@pytest.mark.parametrize(
    ("then", "took_ms"), [(stop, 29_000), (clean_up, 29_500), (break_down, 29_000), (go_on, 30_000)]
)
def test_a_task_is_cancelled_at_its_timeout_and_what_it_says_later_does_not_count(
    run_at_once: Callable[..., Any], then: Callable[[], Any], took_ms: int
) -> None:
    task = Cleanup(then)
    ended = outcome(run_at_once, task)
    assert task.cancelled
    assert ended.error is not None
    assert (ended.error.code, ended.error.retryable, ended.result) == ("TIMEOUT", True, None)
    assert ended.error.detail == "took longer than 29 s"
    assert ended.duration_ms == took_ms


def test_a_task_ends_with_what_called_it(run_at_once: Callable[..., Any]) -> None:
    task = Cleanup(stop)

    async def interrupted() -> None:
        bindings = FakeBindings()
        call = asyncio.ensure_future(perform(task, TaskContext(bindings, Sql(bindings), Logger("schedule"), 0, 29), 29))
        await asyncio.sleep(1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.sleep(0)
        assert task.cancelled  # here: where the loop ends it cancels everything

    run_at_once(interrupted())


def test_an_error_of_a_task_is_kept_as_it_is(run_at_once: Callable[..., Any]) -> None:
    error = ServiceError("SERVICE_DOWN", 503, "Service down", "not ok: db", retryable=True)

    async def fail(context: TaskContext) -> TaskResult:
        raise error

    assert outcome(run_at_once, fail).error is error
