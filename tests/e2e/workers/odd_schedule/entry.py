"""The schedule service with tasks that go wrong as they are told: each call takes the next step of its handler's script."""

import asyncio
from functools import partial

from dotdo.contracts.schedule import CONTRACT
from dotdo.entry import Isolate, ServiceEntrypoint
from dotdo.errors import ServiceError, unavailable
from dotdo.log import Logger
from dotdo.ports import Bindings
from dotdo.service import Service
from schedule.app import build
from schedule.domain.registry import Registry, Skipped, TaskContext, TaskResult

__all__ = ["Default"]

JITTER = 0.75
NAMES = [f"odd-{number}" for number in range(10)]

_NEXT = "update odd_scripts set steps = steps - 0 where handler = $1 returning old.steps ->> 0 as step"


async def play(name: str, context: TaskContext) -> TaskResult:
    """One step: how to end, or `succeed` when none is left."""
    row = await context.sql.first(_NEXT, name)
    step = (row["step"] if row else None) or "succeed"
    if step == "fail":
        raise unavailable("as it was told")
    if step == "refuse":
        raise ServiceError("REFUSED", 400, "Refused", "as it was told")
    if step == "crash":
        raise RuntimeError("as it was told")
    if step == "skip":
        raise Skipped("as it was told")
    if step == "late":
        await late()
    if step == "hang":
        await asyncio.Event().wait()
    return {"step": step}


async def late() -> None:
    """Takes no notice of being cancelled for half a second."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(0.5)


def odd(bindings: Bindings, log: Logger) -> Service:
    handlers: Registry = {name: partial(play, name) for name in NAMES}
    return build(bindings, log, handlers, (), lambda: JITTER)


class Default(ServiceEntrypoint, isolate=Isolate(CONTRACT, odd)):
    """Its cron events come as calls of `tick`."""
