"""A day of cron events on the real runtime, with faults: every task's runs are those that a look at each minute expects.

`pytest -rP` shows the table.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from tests.e2e.fault_proxy import cut_before, passed
from tests.e2e.odd_schedule import OddSchedule, at, odd_schedule
from tests.e2e.platform import Platform
from tests.e2e.test_schedule_faults import at_the_end

DAY = range(0, 1440, 5)


def clock(hour: int, minute: int = 0) -> int:
    """As a minute of the day."""
    return hour * 60 + minute


# Schedule, and the same for a minute of the day.
TASKS: Mapping[str, tuple[str, Callable[[int], bool]]] = {
    "odd-0": ("every 5 minutes", lambda minute: minute % 5 == 0),
    "odd-1": ("@hourly", lambda minute: minute % 60 == 0),
    "odd-2": ("@daily", lambda minute: minute == 0),
    "odd-3": ("every 90 minutes", lambda minute: minute % 90 == 0),
    "odd-4": ("*/15 * * * *", lambda minute: minute % 15 == 0),
    "odd-5": ("0 */6 * * *", lambda minute: minute % 360 == 0),
    "odd-6": ("30 */8 * * *", lambda minute: minute % 480 == 30),
    "odd-7": ("0 3 * * *", lambda minute: minute == 180),
}

LOST = range(clock(10, 5), clock(12, 25), 5)
"""Nobody delivers these events."""
OUTAGE = clock(5)
"""The database does not answer this one."""
KILLED = clock(15)
"""The runtime dies while odd-1 runs."""
UNRECORDED = clock(18, 5)
"""How odd-0 ended cannot be written down."""
OVERTAKEN = clock(21, 10)
"""Delivered after the event that follows it."""

Attempts = list[tuple[str, str]]
"""Trigger and status."""


def delivered() -> list[int]:
    minutes = [minute for minute in DAY if minute not in LOST]
    place = minutes.index(OVERTAKEN)
    minutes[place], minutes[place + 1] = minutes[place + 1], minutes[place]
    return minutes


def expected() -> dict[tuple[str, int], Attempts]:
    """By task and minute, from the predicates and the faults alone."""
    runs: dict[tuple[str, int], Attempts] = {}
    last = dict.fromkeys(TASKS, -1)
    for minute in delivered():
        if minute == OUTAGE:
            continue
        for task, (_, due) in TASKS.items():
            instant = max((one for one in range(minute + 1) if due(one)), default=-1)
            if instant > last[task]:
                runs[task, instant] = [("cron" if minute - instant < 5 else "catch-up", "succeeded")]
                last[task] = instant
    faulty = [(task, instant) for task, instant in runs if task in ("odd-5", "odd-6")]
    for run in faulty:
        runs[run] = [(runs[run][0][0], "dead")]
    flaky = [run for run in runs if run[0] == "odd-4"][3::4]
    for run in [*flaky, ("odd-7", clock(3)), ("odd-1", KILLED), ("odd-0", UNRECORDED)]:
        runs[run] = [(runs[run][0][0], "failed"), ("retry", "succeeded")]
    runs["odd-0", UNRECORDED + 5] = [("cron", "skipped")]
    return runs


def failing() -> set[int]:
    """The minutes whose events fail: an outage, a death, or a task that failed for good."""
    dead = {minute for minute in DAY for task in ("odd-5", "odd-6") if TASKS[task][1](minute)}
    return (dead - set(LOST)) | {LOST.stop} | {OUTAGE, KILLED, UNRECORDED}


async def test_a_day_with_faults_has_exactly_the_runs_it_should(platform: Platform) -> None:
    async with odd_schedule(platform) as odd:
        add_tasks(odd)
        failed: set[int] = set()
        for minute in delivered():
            await before(odd, minute)
            events = 1 if minute == KILLED else 3 if minute == 0 else 2 if minute % 60 == 0 else 1
            answers = await asyncio.gather(*(event(odd, minute) for _ in range(events)))
            if any("error" in answer or answer["ok"]["failed"] for answer in answers):
                failed.add(minute)
            await after(odd, minute)
        runs = recorded(odd)
        print(table(runs))
        assert runs == expected()
        assert failed == failing()


def add_tasks(odd: OddSchedule) -> None:
    often = ["succeed", "succeed", "succeed", "fail", "succeed"] * 30
    scripts: dict[str, list[str]] = {
        "odd-4": often, "odd-5": ["refuse"] * 9, "odd-6": ["hang"] * 9, "odd-7": ["fail"],
    }  # fmt: skip
    columns: dict[str, dict[str, Any]] = {
        "odd-4": {"retry_base_s": 0}, "odd-6": {"timeout_s": 1, "max_attempts": 1}, "odd-7": {"retry_base_s": 300,
        "retry_cap_s": 300},
    }  # fmt: skip
    for name, (schedule, _) in TASKS.items():
        own = {"due_after": at(0) - timedelta(seconds=1), **columns.get(name, {})}
        odd.add(name, schedule, *scripts.get(name, []), **own)


async def before(odd: OddSchedule, minute: int) -> None:
    if minute == OUTAGE:
        odd.proxy.usual = cut_before
    if minute == UNRECORDED:
        odd.proxy.usual = at_the_end(cut_before, 4)
    if minute == KILLED:
        odd.platform.rows("update odd_scripts set steps = '[\"hang\"]' where handler = 'odd-1' returning handler")


async def after(odd: OddSchedule, minute: int) -> None:
    odd.proxy.usual = passed
    if minute in (KILLED, UNRECORDED):
        odd.expire()


async def event(odd: OddSchedule, minute: int) -> dict[str, Any]:
    call = asyncio.ensure_future(odd.tick(at(0) + timedelta(minutes=minute)))
    if minute != KILLED:
        return await call
    while odd.platform.rows("select count(*) from odd_scripts where handler = 'odd-1' and steps = '[]'") != [(1,)] or [
        task for (task,) in odd.platform.rows("select task from task_executions where status = 'running'")
    ] != ["odd-1"]:
        await asyncio.sleep(0.05)
    odd.platform.kill_runtime()
    await asyncio.gather(call, return_exceptions=True)
    await odd.platform.until_ready()
    return {"error": "killed"}


def recorded(odd: OddSchedule) -> dict[tuple[str, int], Attempts]:
    found: dict[tuple[str, int], Attempts] = {}
    for task, scheduled, trigger, status in odd.runs("task, scheduled_at, trigger, status"):
        minute = round((scheduled - at(0)).total_seconds() / 60)
        found.setdefault((task, minute), []).append((trigger, status))
    return found


def table(runs: Mapping[tuple[str, int], Attempts]) -> str:
    """A row for each task: its runs as expected and as they were, and how they ended."""
    wanted = Counter(task for task, _ in expected())
    columns = ("expected", "runs", "attempts", "succeeded", "dead", "skipped", "catch-up")
    lines = [f"{'task':<8}{'schedule':<18}" + "".join(f"{column:>11}" for column in columns)]
    for name, (schedule, _) in TASKS.items():
        own = [attempts for (task, _), attempts in runs.items() if task == name]
        ends = Counter(attempts[-1][1] for attempts in own)
        late = sum(attempts[0][0] == "catch-up" for attempts in own)
        cells = (wanted[name], len(own), sum(map(len, own)), ends["succeeded"], ends["dead"], ends["skipped"], late)
        lines.append(f"{name:<8}{schedule:<18}" + "".join(f"{cell:>11}" for cell in cells))
    return "\n".join(lines)
