"""Events and other facts of the moment: appended to ClickHouse, read back newest first."""

from collections.abc import Mapping, Sequence
from typing import Any

from db.adapters.clickhouse import ClickHouse
from db.domain.analytics_sql import require_own_tables
from db.domain.ingest_rows import require_rows
from dotdo.contracts.db.models import (
    ClickHouseOptions,
    ClickHouseResult,
    ClickHouseStats,
    ColumnMeta,
    EventPage,
    EventTypeStats,
    RecordedEvent,
)
from dotdo.ids import ulids
from dotdo.paging import decode_cursor, page_of

_INSTANT = "replaceOne(toString({column}), ' ', 'T') || 'Z'"

_RECENT = f"""
select ulid, {_INSTANT.format(column="ts")} as ts, type, id, source, data
from events where {{after}} order by events.ts desc, ulid desc limit {{{{limit:UInt32}}}}
"""
_AFTER = "(events.ts, ulid) < ({ts:DateTime64(3, 'UTC')}, {ulid:String})"

_STATS = f"""
select
    type, count() as count, sum(count()) over () as total,
    {_INSTANT.format(column="min(events.ts)")} as first, {_INSTANT.format(column="max(events.ts)")} as last
from events group by type order by count desc, type limit 100
"""


class Events:
    def __init__(self, analytics: ClickHouse) -> None:
        self._analytics = analytics

    async def ingest(self, table: str, rows: Sequence[Mapping[str, Any]], token: str = "") -> int:
        """The number of rows stored: all or none. `table` is one of the contract's, checked before it gets here."""
        require_rows(table, rows)
        if table == "events":
            rows = [{**row, "ulid": row.get("ulid") or made} for row, made in zip(rows, ulids(len(rows)), strict=True)]
        return await self._analytics.insert(table, rows, token=token)

    async def recent(self, limit: int, after: tuple[str, str] | None = None) -> list[RecordedEvent]:
        """The newest first, those behind the one with this time and ulid."""
        params: dict[str, Any] = {"limit": limit}
        if after is not None:
            ts, params["ulid"] = after
            params["ts"] = ts.replace("T", " ").removesuffix("Z")
        statement = _RECENT.format(after="true" if after is None else _AFTER)
        answer = await self._analytics.query(statement, params)
        return [RecordedEvent.model_construct(**row) for row in answer.data]

    async def page(self, limit: int, cursor: str | None) -> EventPage:
        """Raises INVALID_ARGUMENT for a foreign cursor."""
        after = decode_cursor(cursor, 2) if cursor is not None else None
        found = await self.recent(limit + 1, (after[0], after[1]) if after else None)
        data, page = page_of(found, limit, lambda event: (event.ts, event.ulid))
        return EventPage(data=data, page=page)

    async def stats(self) -> ClickHouseStats:
        """The 100 most frequent types, and how many events there are of all types together."""
        rows = (await self._analytics.query(_STATS, {})).data
        total = rows[0]["total"] if rows else 0
        events = [EventTypeStats(**{name: row[name] for name in EventTypeStats.model_fields}) for row in rows]
        return ClickHouseStats(events=events, total=total)

    async def read(self, sql: str, params: Mapping[str, Any], options: ClickHouseOptions) -> ClickHouseResult:
        """A read of a caller's own, of this database and by the service's settings."""
        require_own_tables(sql)
        answer = await self._analytics.query(
            sql,
            params,
            max_execution_time_s=options.max_execution_time,
            max_result_rows=options.max_result_rows,
            raw_sql=True,
        )
        meta = [ColumnMeta(name=column["name"], type=column["type"]) for column in answer.meta]
        return ClickHouseResult(data=answer.data, meta=meta, rows=answer.rows, statistics=answer.statistics)
