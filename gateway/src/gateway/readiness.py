"""Liveness of the gateway itself, and whether the Workers behind it answer."""

import asyncio
from typing import Any

from dotdo.errors import ServiceError
from dotdo.http import HttpResponse, json_response
from dotdo.instants import rfc3339
from dotdo.ports import Bindings, HttpError
from gateway.routes import BINDINGS, PLATFORM

TIMEOUT_S = 2.0
FAULT = 500
"""From this status on a Worker says itself that it fails. One without /health says 404, and so that it answers."""


def live(bindings: Bindings) -> dict[str, str]:
    """No I/O: that this answers is the answer."""
    return {"status": "ok", "service": "gateway", "timestamp": rfc3339(bindings.clock.now_s())}


async def ready(bindings: Bindings) -> HttpResponse:
    """200 when every Worker that is bound is ok within two seconds, else 503. Says which, not why."""
    names = [name for name in BINDINGS if bindings.has(name)]
    states = await asyncio.gather(*(_state(bindings, name) for name in names))
    services = {name.lower(): state for name, state in zip(names, states, strict=True)}
    ok = all(state == "ok" for state in states)
    body: dict[str, Any] = {**live(bindings), "status": "ok" if ok else "degraded", "services": services}
    return json_response(body, 200 if ok else 503)


async def _state(bindings: Bindings, name: str) -> str:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            if name not in PLATFORM:
                return "ok" if await bindings.upstream(name).status_of("/health") < FAULT else "down"
            answer = await bindings.peer(name).call("health")
        return str(answer["status"])
    except (ServiceError, HttpError, TimeoutError, KeyError, TypeError):
        return "down"
