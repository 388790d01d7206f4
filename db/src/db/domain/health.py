"""Whether the stores answer, and how fast."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from dotdo.contracts.db.models import DatabaseHealth, StoreHealth
from dotdo.errors import ServiceError
from dotdo.instants import rfc3339
from dotdo.ports import Clock

Probe = Callable[[], Awaitable[object]]


async def _probe(probe: Probe) -> StoreHealth:
    started = time.perf_counter()
    try:
        await probe()
    except ServiceError as error:
        return StoreHealth(status="not_configured" if error.code == "NOT_CONFIGURED" else "down")
    return StoreHealth(status="ok", latency_ms=round((time.perf_counter() - started) * 1000, 2))


async def check(clock: Clock, postgres: Probe, clickhouse: Probe) -> DatabaseHealth:
    """Both stores at once. ClickHouse is optional: not configured is not degraded."""
    pg, ch = await asyncio.gather(_probe(postgres), _probe(clickhouse))
    healthy = pg.status == "ok" and ch.status != "down"
    return DatabaseHealth(
        status="ok" if healthy else "degraded",
        service="db",
        postgres=pg,
        clickhouse=ch,
        timestamp=rfc3339(clock.now_s()),
    )
