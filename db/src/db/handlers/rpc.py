"""The RPC methods. Whoever is bound to this Worker is trusted, with raw SQL too."""

from typing import Any

from db.domain.database import Database
from dotdo.contracts.db import (
    DatabaseHealth,
    EventList,
    GetOptions,
    Inserted,
    ListOptions,
    Pagination,
    QueryField,
    QueryOptions,
    QueryResult,
    Thing,
    ThingInput,
    ThingList,
)
from dotdo.errors import ServiceError, invalid_argument
from dotdo.service import Call

MAX_INGEST_ROWS = 10_000


class RpcHandlers:
    """One method for each row of the contract's `METHODS`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def health(self, call: Call) -> DatabaseHealth:
        return await self._database.health()

    async def get(self, call: Call, *, ns: str, id: str, options: GetOptions) -> Thing | None:
        return await self._database.things.get(ns, id, include_embedding=options.include_embedding)

    async def upsert(self, call: Call, *, thing: ThingInput) -> Thing:
        return await self._database.things.upsert(thing)

    async def delete(self, call: Call, *, ns: str, id: str) -> Thing | None:
        return await self._database.things.delete(ns, id)

    async def query(self, call: Call, *, sql: str, params: list[Any], options: QueryOptions) -> QueryResult:
        """Raises RESULT_TOO_LARGE rather than cutting rows off without a word."""
        result = await self._database.sql.query(
            sql, params, read_only=options.read_only, timeout_s=options.timeout_ms / 1000, raw_sql=True
        )
        if len(result.rows) > options.max_rows:
            raise ServiceError(
                "RESULT_TOO_LARGE", 400, "Result too large", f"the answer has more than {options.max_rows} rows"
            )
        fields = [QueryField(name=field.name, type_oid=field.type_oid) for field in result.fields]
        return QueryResult(rows=result.dicts(), row_count=result.row_count, fields=fields)

    async def ingest(self, call: Call, *, table: str, rows: list[dict[str, Any]]) -> Inserted:
        if len(rows) > MAX_INGEST_ROWS:
            raise invalid_argument(f"rows: at most {MAX_INGEST_ROWS} are taken, {len(rows)} were given")
        return Inserted(inserted=await self._database.events.ingest(table, rows))

    async def recent_activity(self, call: Call, *, limit: int) -> EventList:
        return EventList(data=await self._database.events.recent(limit))

    async def list(self, call: Call, *, ns: str, options: ListOptions) -> ThingList:
        data, cursor = await self._database.things.page(ns, options)
        return ThingList(data=data, pagination=Pagination(limit=options.limit, next_cursor=cursor))
