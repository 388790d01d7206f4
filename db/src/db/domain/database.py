"""The two stores and what the service does with them."""

from db.adapters.clickhouse import ClickHouse
from db.adapters.neon import Neon
from db.domain.events import Events
from db.domain.health import check
from db.domain.things import Things
from dotdo.contracts.db import DatabaseHealth
from dotdo.ports import Clock

PROBE_TIMEOUT_S = 2.0


class Database:
    def __init__(self, sql: Neon, analytics: ClickHouse, clock: Clock) -> None:
        self.sql = sql
        self.things = Things(sql)
        self.events = Events(analytics)
        self._analytics = analytics
        self._clock = clock

    async def health(self) -> DatabaseHealth:
        return await check(
            self._clock,
            lambda: self.sql.query("select 1", timeout_s=PROBE_TIMEOUT_S),
            lambda: self._analytics.query("select 1", {}),
        )
