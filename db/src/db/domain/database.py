"""The two stores and what the service does with them."""

import asyncio
from typing import Any

from db.adapters.clickhouse import ClickHouse
from db.adapters.neon import Neon
from db.domain.embeddings import Embeddings
from db.domain.events import Events
from db.domain.health import check
from db.domain.idempotency import IdempotencyKey, store_once
from db.domain.relationships import Relationships
from db.domain.search import Search
from db.domain.statistics import Statistics
from db.domain.things import Things
from db.domain.transactions import RawSql
from dotdo.contracts.db.models import DatabaseHealth, EdgeOptions
from dotdo.json_text import JsonText
from dotdo.ports import Clock

PROBE_TIMEOUT_S = 2


class Database:
    def __init__(self, neon: Neon, analytics: ClickHouse, clock: Clock) -> None:
        self.raw = RawSql(neon)
        self.things = Things(neon)
        self.relationships = Relationships(neon)
        self.search = Search(neon)
        self.statistics = Statistics(neon)
        self.embeddings = Embeddings(neon)
        self.events = Events(analytics)
        self._neon = neon
        self._analytics = analytics
        self._clock = clock

    async def thing_with_relationships(self, ns: str, id: str, *, include_embedding: bool) -> JsonText | None:
        """The thing and its first 100 outgoing edges, read at once, for who sees private ones; with the names of RPC."""
        thing, (edges, _) = await asyncio.gather(
            self.things.get(ns, id, include_embedding=include_embedding),
            self.relationships.at(ns, id, "out", EdgeOptions(), sees_private=True, camel=True),
        )
        if thing is None:
            return None
        shown = thing.model_dump_json(by_alias=True, exclude={"relationships"})
        return JsonText(f'{shown[:-1]},"relationships":{edges}}}')

    async def ingest_event(self, row: dict[str, Any], key: IdempotencyKey | None) -> None:
        """With a key it is stored once however often it is sent."""

        async def store(token: str) -> None:
            await self.events.ingest("events", [row], token)

        await (store("") if key is None else store_once(self._neon, key, store))

    async def health(self) -> DatabaseHealth:
        return await check(
            self._clock,
            lambda: self._neon.query("select 1", timeout_s=PROBE_TIMEOUT_S),
            lambda: self._analytics.query("select 1", {}, max_execution_time_s=PROBE_TIMEOUT_S),
        )
