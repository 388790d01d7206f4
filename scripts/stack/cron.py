"""Fires the schedule Worker's cron triggers on time, as the platform does in production."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx
from croniter import croniter

from dotdo.ports import Clock

TIMEOUT_S = 120

Fire = Callable[[str, int], Awaitable[str]]
"""Delivers the event of a trigger for a scheduled time (seconds since 1970); what became of it."""

Report = Callable[[str], None]


class HostClock:
    def now_s(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def fire(schedule_url: str, cron: str, scheduled_s: int) -> str:
    """One cron event; what the runtime says became of it."""
    async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
        response = await client.get(
            f"{schedule_url}/cdn-cgi/handler/scheduled", params={"cron": cron, "time": scheduled_s * 1000}
        )
    return response.text.strip() or str(response.status_code)


async def run_triggers(schedule_url: str, crons: list[str], report: Report) -> None:
    """Until cancelled."""
    clock = HostClock()
    await asyncio.gather(*(run_trigger(cron, lambda c, s: fire(schedule_url, c, s), report, clock) for cron in crons))


async def run_trigger(cron: str, deliver: Fire, report: Report, clock: Clock) -> None:
    """Delivers an event at each instant of the expression from now on, until cancelled. One that fails is reported."""
    instants = croniter(cron, clock.now_s())
    while True:
        scheduled_s = int(instants.get_next(float))
        while (left_s := scheduled_s - clock.now_s()) > 0:
            await clock.sleep(left_s)
        try:
            outcome = await deliver(cron, scheduled_s)
        except httpx.HTTPError as error:
            outcome = f"not delivered ({type(error).__name__})"
        report(f"cron {cron}: {outcome}")
