"""The health of a service that keeps its state behind `db`."""

from dotdo.contracts.common import Health
from dotdo.errors import ServiceError
from dotdo.instants import rfc3339
from dotdo.ports import Bindings


async def database_health(service: str, bindings: Bindings) -> Health:
    """`degraded` when db, or PostgreSQL behind it, does not answer."""
    try:
        answer = await bindings.peer("DB").call("health")
        healthy = answer["postgres"]["status"] == "ok"
    except ServiceError:
        healthy = False
    return Health(status="ok" if healthy else "degraded", service=service, timestamp=rfc3339(bindings.clock.now_s()))
