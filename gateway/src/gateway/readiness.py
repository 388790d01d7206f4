"""Liveness of the gateway itself, and whether the Workers behind it answer."""

import asyncio
from collections.abc import Sequence
from typing import Any

from dotdo.errors import ServiceError
from dotdo.http import HttpResponse, json_response
from dotdo.instants import rfc3339
from dotdo.ports import Bindings

TIMEOUT_S = 2.0


def live(bindings: Bindings) -> dict[str, str]:
    """No I/O: that this answers is the answer."""
    return {"status": "ok", "service": "gateway", "timestamp": rfc3339(bindings.clock.now_s())}


async def ready(bindings: Bindings, names: Sequence[str]) -> HttpResponse:
    """200 when every bound service is ok within two seconds, else 503. Says which, not why."""
    states = await asyncio.gather(*(_state(bindings, name) for name in names))
    services = {name.lower(): state for name, state in zip(names, states, strict=True)}
    ok = all(state == "ok" for state in states)
    body: dict[str, Any] = {**live(bindings), "status": "ok" if ok else "degraded", "services": services}
    return json_response(body, 200 if ok else 503)


async def _state(bindings: Bindings, name: str) -> str:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            answer = await bindings.peer(name).call("health")
        return str(answer["status"])
    except (ServiceError, TimeoutError, KeyError, TypeError):
        return "down"
