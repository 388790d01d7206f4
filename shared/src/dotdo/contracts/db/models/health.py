"""How the two stores are."""

from typing import Literal

from dotdo.contracts.common import Health
from dotdo.model import Model


class StoreHealth(Model):
    status: Literal["ok", "down", "not_configured"]
    latency_ms: float | None = None


class DatabaseHealth(Health):
    """`degraded`: PostgreSQL or a configured ClickHouse does not answer."""

    postgres: StoreHealth
    clickhouse: StoreHealth
