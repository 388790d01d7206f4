"""Asks each bound service for its health and keeps the answers in ClickHouse."""

import asyncio
import time

from dotdo.errors import ServiceError
from dotdo.instants import rfc3339
from schedule.domain.registry import TaskContext, TaskResult

SERVICES = ("DB", "AUTH")
TIMEOUT_S = 5.0


async def run(context: TaskContext) -> TaskResult:
    """`{services: {name: status}}`. Raises SERVICE_DOWN when one is not ok, whether or not the answers could be stored."""
    bound = [name for name in SERVICES if context.bindings.has(name)]
    rows = await asyncio.gather(*(_probe(context, name) for name in bound))
    states = {str(row["service"]): str(row["status"]) for row in rows}
    down = sorted(name for name, status in states.items() if status != "ok")
    try:
        await context.bindings.peer("DB").call("ingest", "service_health", rows)
    except ServiceError as error:
        if not down and error.code != "NOT_CONFIGURED":
            raise
        context.log.warn("health.not_stored", code=error.code)
    if down:
        raise ServiceError("SERVICE_DOWN", 503, "Service down", f"not ok: {', '.join(down)}", retryable=True)
    return {"services": states}


async def _probe(context: TaskContext, name: str) -> dict[str, object]:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            answer = await context.bindings.peer(name).call("health")
        status = str(answer["status"])
    except (ServiceError, TimeoutError):
        status = "down"
    latency_ms = round((time.perf_counter() - started) * 1000, 2)
    return {"ts": rfc3339(context.now_s), "service": name.lower(), "status": status, "latency_ms": latency_ms}
