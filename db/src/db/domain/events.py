"""Events: what happened, appended to ClickHouse and read back newest first."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from dotdo.contracts.db import RecordedEvent
from dotdo.ids import ulid


class Analytics(Protocol):
    """ClickHouse as the domain sees it."""

    async def query(self, sql: str, params: Mapping[str, str | int]) -> list[dict[str, Any]]: ...

    async def insert(self, table: str, rows: Sequence[Mapping[str, Any]]) -> int: ...


_RECENT = """
select ulid, replaceOne(toString(ts), ' ', 'T') || 'Z' as ts, type, id, source, data
from events order by events.ts desc, ulid desc limit {limit:UInt32}
"""


class Events:
    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def ingest(self, table: str, rows: Sequence[Mapping[str, Any]]) -> int:
        """The number of rows stored. `table` is one of the contract's, checked before it gets here."""
        if table == "events":
            rows = [{**row, "ulid": row.get("ulid") or ulid()} for row in rows]
        return await self._analytics.insert(table, rows)

    async def recent(self, limit: int) -> list[RecordedEvent]:
        rows = await self._analytics.query(_RECENT, {"limit": limit})
        return [RecordedEvent.model_validate(row) for row in rows]
