"""Cron events, each delivered several times and from two callers at once: an instant of the schedule every few seconds."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import httpx

from scripts.soak.client import CONNECTION, Client, Refused
from scripts.stack.cron import fire

STEP_S = 300
DAY_S = 24 * 3600
EVERY_MINUTES = "*/5 * * * *"
HOURLY = "0 * * * *"
EVENT_FAILED = "EVENT_FAILED"


class Cron:
    """The instants lie in the future from now on, one after the other; `acknowledged` are those with an event that was `ok`."""

    def __init__(self, schedule_url: str, client: Client) -> None:
        self._schedule_url = schedule_url
        self._client = client
        self._next_s = (int(time.time()) // STEP_S + 1) * STEP_S
        self._one_at_a_time = asyncio.Lock()
        self.acknowledged: list[int] = []
        self.delivered = 0
        self.midnights_s: list[float] = []
        """When what runs once a day began, by the monotonic clock."""

    async def step(self) -> None:
        """The next instant, by the trigger twice and by RPC once. Raises Refused when one of them failed."""
        await self._deliver(2, 1)

    async def burst(self) -> None:
        """The next instant by five of each."""
        await self._deliver(5, 5)

    async def _deliver(self, triggers: int, calls: int) -> None:
        async with self._one_at_a_time:
            at, self._next_s = self._next_s, self._next_s + STEP_S
            if at % DAY_S == 0:
                self.midnights_s.append(time.monotonic())
            crons = [EVERY_MINUTES] * triggers + ([HOURLY] * triggers if at % 3600 == 0 else [])
            events: list[Coroutine[Any, Any, None]] = [self._trigger(cron, at) for cron in crons]
            events += [self._call(at) for _ in range(calls)]
            outcomes = await asyncio.gather(*events, return_exceptions=True)
            self.delivered += len(events)
            failures = [one for one in outcomes if isinstance(one, BaseException)]
            if len(failures) < len(outcomes):
                self.acknowledged.append(at)
        for failure in failures:
            raise failure

    async def _trigger(self, cron: str, at: int) -> None:
        try:
            outcome = await fire(self._schedule_url, cron, at)
        except httpx.TransportError as error:
            raise Refused(CONNECTION, type(error).__name__) from None
        if outcome != "ok":
            raise Refused(EVENT_FAILED, outcome)

    async def _call(self, at: int) -> None:
        """What `dispatch` does, in whose stead this is: a failed run fails the event."""
        result = await self._client.call("SCHEDULE", "tick", EVERY_MINUTES, at * 1000)
        if result["failed"]:
            raise Refused(EVENT_FAILED, ", ".join(result["failed"]))
