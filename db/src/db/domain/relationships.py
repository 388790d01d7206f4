"""Relationships: typed edges between things, and what can be reached over them."""

import base64
import hashlib
from typing import Literal

from db.domain.idempotency import IdempotencyKey, write_once
from db.domain.sql import Conditions, Parameters, Sql, with_instants
from dotdo.contracts.db.models import (
    EdgeOptions,
    Graph,
    Node,
    Pagination,
    Relationship,
    RelationshipInput,
    RelationshipList,
    RelationshipOptions,
    TraverseOptions,
)
from dotdo.model import row_reader
from dotdo.paging import Page

COLUMNS = "ns, id, type, from_ns, from_id, to_ns, to_id, data, code, visibility, version, created_at, updated_at"

_UPSERT = f"""
insert into relationships as old (ns, id, type, from_ns, from_id, to_ns, to_id, data, code, visibility)
values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10)
on conflict (ns, id) do update set
    type = excluded.type, from_ns = excluded.from_ns, from_id = excluded.from_id, to_ns = excluded.to_ns,
    to_id = excluded.to_id, data = excluded.data, code = excluded.code, visibility = excluded.visibility,
    version = old.version + 1, updated_at = now()
returning {COLUMNS}
"""

_GET = f"select {COLUMNS} from relationships where ns = $1 and id = $2"
_DELETE = f"delete from relationships where ns = $1 and id = $2 returning {COLUMNS}"

_ENDS = {"out": ("from_ns", "from_id", "to_ns", "to_id"), "in": ("to_ns", "to_id", "from_ns", "from_id")}

# `union` drops a place reached twice at the same depth, and the depth is bounded, so that a cycle ends. Each step looks its
# edges up by the index of its direction.
_TRAVERSE = """
with recursive reached (ns, id, depth) as (
    select $1::text, $2::text, 0
    union
    select step.ns, step.id, reached.depth + 1
    from reached cross join lateral ({steps}) as step
    where reached.depth < $3::int
), nodes as (
    select ns, id, min(depth) as depth from reached group by ns, id order by min(depth), ns, id limit $4
), edges as (
    select {columns}
    from nodes as start
    join relationships as edge on edge.from_ns = start.ns and edge.from_id = start.id
    join nodes as finish on edge.to_ns = finish.ns and edge.to_id = finish.id
    where true{filters}
    order by edge.ns, edge.id limit 1000
)
select
    (select jsonb_agg(to_jsonb(nodes) order by depth, ns, id) from nodes) as nodes,
    (select jsonb_agg(to_jsonb(edges) order by ns, id) from edges) as edges
"""


def edge_id(edge: RelationshipInput) -> str:
    """128 bits of SHA-256 over the ends and the type: the same edge has the same id wherever it is made."""
    parts = (edge.from_ns, edge.from_id, edge.type, edge.to_ns, edge.to_id)
    digest = hashlib.sha256(b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


relationship_from = row_reader(Relationship)
"""A row of `COLUMNS`."""

_node_from = row_reader(Node)


class Relationships:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def upsert(self, edge: RelationshipInput, key: IdempotencyKey | None = None) -> Relationship:
        """The stored row. Things at its ends need not exist yet."""
        values = [
            edge.ns or edge.from_ns, edge.id or edge_id(edge), edge.type, edge.from_ns, edge.from_id,
            edge.to_ns, edge.to_id, edge.data, edge.code, edge.visibility,
        ]  # fmt: skip
        if key is not None:
            (kept,) = await write_once(self._sql, key, _UPSERT, values)
            return relationship_from(with_instants(kept))
        row = (await self._sql.query(_UPSERT, values)).first()
        assert row is not None, "an upsert returns its row"
        return relationship_from(row)

    async def get(self, ns: str, id: str) -> Relationship | None:
        row = (await self._sql.query(_GET, [ns, id], repeatable=True)).first()
        return relationship_from(row) if row else None

    async def delete(self, ns: str, id: str) -> Relationship | None:
        row = (await self._sql.query(_DELETE, [ns, id])).first()
        return relationship_from(row) if row else None

    async def at(
        self, ns: str, id: str, direction: Literal["out", "in"], options: EdgeOptions, visibility: str | None = None
    ) -> tuple[list[Relationship], Page]:
        """The edges that start (`out`) or end (`in`) at a thing, newest first."""
        parameters = Parameters()
        where = Conditions(parameters)
        near_ns, near_id, _, _ = _ENDS[direction]
        where.equal(near_ns, ns)
        where.equal(near_id, id)
        where.equal("type", options.type)
        where.equal("visibility", visibility)
        edges, cursor = await self._page(where, parameters, options.limit, options.cursor)
        return edges, Page(limit=options.limit, next_cursor=cursor)

    async def list_namespace(self, ns: str, options: RelationshipOptions) -> RelationshipList:
        """The edges of a namespace, newest first."""
        parameters = Parameters()
        where = Conditions(parameters)
        where.equal("ns", ns)
        where.equal("type", options.type)
        where.equal("visibility", options.visibility)
        edges, cursor = await self._page(where, parameters, options.limit, options.cursor)
        return RelationshipList(data=edges, pagination=Pagination(limit=options.limit, next_cursor=cursor))

    async def _page(
        self, where: Conditions, parameters: Parameters, limit: int, cursor: str | None
    ) -> tuple[list[Relationship], str | None]:
        where.beyond(["created_at", "ns", "id"], ["::timestamptz", "", ""], cursor, "desc")
        statement = (
            f"select {COLUMNS}, created_at::text as sort_key from relationships where {where} "
            f"order by created_at desc, ns desc, id desc limit {parameters.add(limit + 1)}"
        )
        rows = (await self._sql.query(statement, parameters.values, repeatable=True)).dicts()
        next_cursor = where.next_cursor(rows, limit, "sort_key", "ns", "id")
        for row in rows:
            del row["sort_key"]
        return [relationship_from(row) for row in rows[:limit]], next_cursor

    async def traverse(self, ns: str, id: str, options: TraverseOptions, visibility: str | None = None) -> Graph:
        """The places within `depth` edges, nearest first, and at most 1000 of the edges between them."""
        parameters = Parameters(ns, id, options.depth, options.limit)
        filters = ""
        if options.types is not None:
            filters += f" and edge.type = any({parameters.add(options.types)}::text[])"
        if visibility is not None:
            filters += f" and edge.visibility = {parameters.add(visibility)}"
        directions = ("out", "in") if options.direction == "both" else (options.direction,)
        statement = _TRAVERSE.format(
            steps=" union all ".join(_step(direction, filters) for direction in directions),
            columns=", ".join(f"edge.{column}" for column in COLUMNS.split(", ")),
            filters=filters,
        )
        row = (await self._sql.query(statement, parameters.values, repeatable=True)).first() or {}
        return Graph(
            nodes=[_node_from(node) for node in row["nodes"] or []],
            edges=[relationship_from(with_instants(edge)) for edge in row["edges"] or []],
        )


def _step(direction: str, filters: str) -> str:
    near_ns, near_id, far_ns, far_id = _ENDS[direction]
    return (
        f"select edge.{far_ns} as ns, edge.{far_id} as id from relationships as edge "
        f"where edge.{near_ns} = reached.ns and edge.{near_id} = reached.id{filters}"
    )
