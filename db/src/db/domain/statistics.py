"""How much there is of what."""

from db.domain.sql import Conditions, Parameters, Sql
from dotdo.contracts.db.models import NamespaceCount, Stats, Totals, TypeCount

ESTIMATED_ABOVE = 100_000
TOP = 100

_TOTALS = """
select
    (select greatest(reltuples, 0)::int8 from pg_class where oid = 'things'::regclass) as things,
    (select greatest(reltuples, 0)::int8 from pg_class where oid = 'relationships'::regclass) as relationships
"""
_EXACT_TOTALS = """
select
    (select count(*) from things) as things,
    (select count(*) from relationships) as relationships,
    (select count(*) from things where embedding is not null) as things_with_embeddings
"""
# The planner's statistics: most common values with their share of the rows.
_COMMON = """
select value as name, (share * greatest(reltuples, 0))::int8 as count
from pg_stats
join pg_class on pg_class.oid = format('%I.%I', schemaname, tablename)::regclass
cross join lateral unnest(most_common_vals::text::text[], most_common_freqs) as common (value, share)
where schemaname = 'public' and tablename = {table} and attname = {column}
order by count desc limit 100
"""


class Statistics:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def stats(self) -> Stats:
        """Exact up to 100 000 rows of both tables, the planner's estimates above, and said so."""
        row = await self._estimates()
        estimated = max(row.values(), default=0) > ESTIMATED_ABOVE
        if estimated:
            namespaces = await self._common("things", "ns")
            types = await self._common("relationships", "type")
            totals = Totals(**row, things_with_embeddings=await self._estimated_embeddings(), estimated=True)
        else:
            exact = (await self._sql.query(_EXACT_TOTALS, repeatable=True)).first() or {}
            namespaces = await self._counted("things", "ns")
            types = await self._counted("relationships", "type")
            totals = Totals(**exact, estimated=False)
        return Stats(
            things_by_namespace=[NamespaceCount(ns=name, count=count) for name, count in namespaces],
            relationships_by_type=[TypeCount(type=name, count=count) for name, count in types],
            totals=totals,
        )

    async def types(self, ns: str | None) -> list[TypeCount]:
        """Things by type, most first. Of all namespaces together: the planner's estimates above 100 000 rows."""
        if ns is None and (await self._estimates()).get("things", 0) > ESTIMATED_ABOVE:
            return [TypeCount(type=name, count=count) for name, count in await self._common("things", "type")]
        parameters = Parameters()
        where = Conditions(parameters)
        where.equal("ns", ns)
        statement = (
            f"select type, count(*) as count from things where {where} group by 1 order by 2 desc, 1 limit {TOP}"
        )
        rows = (await self._sql.query(statement, parameters.values, repeatable=True)).dicts()
        return [TypeCount(**row) for row in rows]

    async def _estimates(self) -> dict[str, int]:
        return (await self._sql.query(_TOTALS, repeatable=True)).first() or {}

    async def _counted(self, table: str, column: str) -> list[tuple[str, int]]:
        statement = f"select {column}, count(*) from {table} group by 1 order by 2 desc, 1 limit {TOP}"
        return [(name, count) for name, count in (await self._sql.query(statement, repeatable=True)).rows]

    async def _common(self, table: str, column: str) -> list[tuple[str, int]]:
        statement = _COMMON.format(table="$1", column="$2")
        rows = (await self._sql.query(statement, [table, column], repeatable=True)).rows
        return [(name, count) for name, count in rows]

    async def _estimated_embeddings(self) -> int:
        statement = """
        select ((1 - null_frac) * greatest(reltuples, 0))::int8 as n from pg_stats
        join pg_class on pg_class.oid = 'things'::regclass
        where schemaname = 'public' and tablename = 'things' and attname = 'embedding'
        """
        row = (await self._sql.query(statement, repeatable=True)).first()
        return int(row["n"]) if row else 0
