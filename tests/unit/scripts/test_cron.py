"""The local stack's cron triggers fire at their instants, and a failure stops none of the later ones."""

import asyncio

import httpx
import pytest

from dotdo.fakes import FakeClock
from scripts.stack.cron import run_trigger

NOON_S = 1_795_435_200


async def test_events_come_at_each_instant_and_go_on_after_a_failure() -> None:
    clock = FakeClock(NOON_S + 61.5)
    delivered: list[tuple[str, int, float]] = []
    reported: list[str] = []

    async def deliver(cron: str, scheduled_s: int) -> str:
        delivered.append((cron, scheduled_s, clock.now_s()))
        if len(delivered) == 2:
            raise httpx.ConnectError("gone")
        if len(delivered) == 4:
            raise asyncio.CancelledError
        return "ok"

    with pytest.raises(asyncio.CancelledError):
        await run_trigger("*/5 * * * *", deliver, reported.append, clock)
    assert [(scheduled - NOON_S, at - NOON_S) for _, scheduled, at in delivered] == [
        (300, 300), (600, 600), (900, 900), (1200, 1200),
    ]  # fmt: skip
    assert reported == [
        "cron */5 * * * *: ok",
        "cron */5 * * * *: not delivered (ConnectError)",
        "cron */5 * * * *: ok",
    ]
