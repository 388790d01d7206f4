"""Faults on the real runtime: events at once, outages, a runtime that is killed, tasks that hang or come late."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.e2e.fault_proxy import Fault, FaultProxy, cut_after, cut_before, passed
from tests.e2e.odd_schedule import OddSchedule, at, odd_schedule
from tests.e2e.platform import Platform

MINUTES = timedelta(minutes=1)


@pytest.fixture
async def odd(platform: Platform) -> AsyncIterator[OddSchedule]:
    async with odd_schedule(platform) as schedule:
        yield schedule


def of(task: str, hour: int = 0, minute: int = 0) -> str:
    return f"{task}@{round(at(hour, minute).timestamp() * 1000)}"


def at_the_end(fault: Fault, times: int) -> Fault:
    """The fault where the end of an attempt is to be recorded."""
    left = [fault] * times

    async def chosen(request: bytes, proxy: FaultProxy) -> bytes | None:
        if left and b"as retry) allowed" in request:
            return await left.pop()(request, proxy)
        return await passed(request, proxy)

    return chosen


async def succeeded(odd: OddSchedule, hour: int, minute: int = 0) -> Any:
    answer = await odd.tick(at(hour, minute))
    assert "ok" in answer, answer
    return answer["ok"]["succeeded"]


async def test_events_that_come_twice_and_at_once_run_each_task_once(odd: OddSchedule) -> None:
    for number in range(6):
        odd.add(f"odd-{number}", "@hourly")
    crons = ["*/5 * * * *", "0 * * * *", "0 0 * * *"]
    answers = await asyncio.gather(*(odd.tick(at(0), cron) for cron in crons * 3))
    started = sorted(run for answer in answers for run in answer["ok"]["succeeded"])
    assert started == [of(f"odd-{number}") for number in range(6)]
    assert [run[1:] for run in odd.runs()] == [(1, "cron", "succeeded")] * 6
    assert [answer["ok"]["failed"] for answer in answers] == [[]] * 9


async def test_a_runtime_that_is_killed_in_mid_task_loses_an_attempt_and_no_run(odd: OddSchedule) -> None:
    odd.add("odd-0", "@daily", "hang", timeout_s=180)  # so that its lease outlives the start of a runtime
    event = asyncio.ensure_future(odd.tick(at(0)))
    while odd.platform.rows("select steps from odd_scripts") != [([],)]:  # it has begun to hang
        await asyncio.sleep(0.05)
    odd.platform.kill_runtime()
    await asyncio.gather(event, return_exceptions=True)
    await odd.platform.until_ready()
    assert await succeeded(odd, 0, 5) == []
    odd.expire()
    assert await succeeded(odd, 0, 10) == [of("odd-0")]
    assert odd.runs("attempt, trigger, status, error_code") == [
        (1, "cron", "failed", "LEASE_EXPIRED"), (2, "retry", "succeeded", None),
    ]  # fmt: skip


async def test_a_task_that_hangs_is_cancelled_and_one_that_is_late_does_not_count(odd: OddSchedule) -> None:
    odd.add("odd-0", "@daily", "hang", timeout_s=1, max_attempts=1)
    odd.add("odd-1", "@daily", "late", timeout_s=1, max_attempts=1)
    odd.add("odd-2", "@daily", "crash")
    odd.add("odd-3", "@daily", "skip")
    result = (await odd.tick(at(0)))["ok"]
    assert result["failed"] == [of("odd-0"), of("odd-1"), of("odd-2")]
    assert result["skipped"] == [of("odd-3")]
    assert odd.runs("task, status, error_code, error_message") == [
        ("odd-0", "dead", "TIMEOUT", "took longer than 1 s"),
        ("odd-1", "dead", "TIMEOUT", "took longer than 1 s"),
        ("odd-2", "dead", "INTERNAL", "internal error"),
        ("odd-3", "skipped", "SKIPPED", "as it was told"),
    ]
    durations = dict(odd.runs("task, duration_ms"))
    assert durations["odd-0"] >= 1000
    assert durations["odd-1"] >= 1500


async def test_an_outage_when_the_event_comes_fails_it_and_the_next_one_catches_up(odd: OddSchedule) -> None:
    odd.add("odd-0", "@hourly")
    odd.proxy.usual = cut_before
    answer = await odd.tick(at(0))
    assert "UNAVAILABLE: the database does not answer" in answer["error"]["message"]
    odd.proxy.usual = passed
    assert await succeeded(odd, 0, 5) == [of("odd-0")]
    assert [run[1:] for run in odd.runs()] == [(1, "catch-up", "succeeded")]


async def test_what_the_database_drops_in_mid_read_is_read_again(odd: OddSchedule) -> None:
    odd.add("odd-0", "@hourly")
    odd.proxy.faults.extend([cut_before, cut_after])
    assert await succeeded(odd, 0) == [of("odd-0")]
    odd.proxy.faults.extend([cut_before, cut_after])
    assert [one["status"] for one in (await odd.call("getTaskHistory", "odd-0"))["data"]] == ["succeeded"]


async def test_an_outage_between_start_and_end_is_waited_out(odd: OddSchedule) -> None:
    odd.add("odd-0", "@hourly")
    odd.proxy.usual = at_the_end(cut_after, 2)
    assert await succeeded(odd, 0) == [of("odd-0")]
    assert odd.runs("attempt, status") == [(1, "succeeded")]


async def test_an_end_nobody_could_write_down_is_a_failed_event_and_another_attempt(odd: OddSchedule) -> None:
    odd.add("odd-0", "@hourly")
    odd.proxy.usual = at_the_end(cut_before, 99)
    assert (await odd.tick(at(0)))["ok"]["failed"] == [of("odd-0")]
    odd.proxy.usual = passed
    odd.expire()
    assert await succeeded(odd, 0, 5) == [of("odd-0")]
    assert odd.runs("attempt, status, error_code") == [(1, "failed", "LEASE_EXPIRED"), (2, "succeeded", None)]


async def test_retries_here_and_by_a_later_event(odd: OddSchedule) -> None:
    odd.add("odd-0", "@daily", "fail", "fail", retry_base_s=0.01)
    odd.add("odd-1", "@daily", "fail", retry_base_s=300, retry_cap_s=300)  # three quarters of it
    odd.add("odd-2", "@daily", *["fail"] * 3, retry_base_s=0)
    result = (await odd.tick(at(0)))["ok"]
    assert [result[outcome] for outcome in ("succeeded", "retrying", "failed")] == [
        [of("odd-0")], [of("odd-1")], [of("odd-2")],
    ]  # fmt: skip
    assert await succeeded(odd, 0, 5) == [of("odd-1")]
    assert odd.runs("task, attempt, trigger, status") == [
        ("odd-0", 1, "cron", "failed"), ("odd-0", 2, "retry", "failed"), ("odd-0", 3, "retry", "succeeded"),
        ("odd-1", 1, "cron", "failed"), ("odd-1", 2, "retry", "succeeded"),
        ("odd-2", 1, "cron", "failed"), ("odd-2", 2, "retry", "failed"), ("odd-2", 3, "retry", "dead"),
    ]  # fmt: skip
    driven = await odd.call("retryExecution", of("odd-2"))
    assert (driven["status"], [one["attempt"] for one in driven["attempts"]]) == ("succeeded", [1, 2, 3, 4])


async def test_an_event_with_nothing_to_do_asks_the_database_once(odd: OddSchedule) -> None:
    odd.add("odd-0", "@hourly")
    await odd.tick(at(0))
    odd.proxy.seen.clear()
    assert await succeeded(odd, 0, 5) == []
    assert len(odd.proxy.seen) == 1
