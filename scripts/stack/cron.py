"""Fires the schedule Worker's cron triggers on time, as the platform does in production."""

import asyncio
import time
from collections.abc import Callable

import httpx
from croniter import croniter

Report = Callable[[str], None]


async def fire(schedule_url: str, cron: str, scheduled_s: int) -> str:
    """One cron event; what the runtime says became of it."""
    async with httpx.AsyncClient(timeout=120) as client:
        response = await client.get(
            f"{schedule_url}/cdn-cgi/handler/scheduled", params={"cron": cron, "time": scheduled_s * 1000}
        )
    return response.text.strip() or str(response.status_code)


async def run_triggers(schedule_url: str, crons: list[str], report: Report) -> None:
    """Until cancelled."""
    await asyncio.gather(*(_run_trigger(schedule_url, cron, report) for cron in crons))


async def _run_trigger(schedule_url: str, cron: str, report: Report) -> None:
    instants = croniter(cron, time.time())
    while True:
        scheduled_s = int(instants.get_next(float))
        await asyncio.sleep(max(0.0, scheduled_s - time.time()))
        try:
            outcome = await fire(schedule_url, cron, scheduled_s)
        except httpx.HTTPError as error:
            outcome = f"not delivered ({type(error).__name__})"
        report(f"cron {cron}: {outcome}")
