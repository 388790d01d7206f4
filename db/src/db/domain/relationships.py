"""Relationships: typed edges between things, and what can be reached over them."""

import base64
import hashlib
from typing import Literal

from db.domain.idempotency import IdempotencyKey, write_once
from db.domain.pages import json_array, json_fields, page_statement
from db.domain.sql import Conditions, Parameters, Sql, with_instants
from dotdo.contracts.db.models import (
    EdgeOptions,
    Graph,
    Node,
    Relationship,
    RelationshipInput,
    RelationshipOptions,
    TraverseOptions,
)
from dotdo.errors import forbidden
from dotdo.json_text import JsonText
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
{{seen}}
returning {COLUMNS}
"""

_GET = f"select {COLUMNS} from relationships as edge where ns = $1 and id = $2{{seen}}"

_DELETE = f"delete from relationships as edge where ns = $1 and id = $2{{seen}} returning {COLUMNS}"

# What an edge shows of a thing at its end: one that is not public is shown by no list, and a private one by nothing.
_END = "(select visibility from things where things.ns = {edge}.{end}_ns and things.id = {edge}.{end}_id)"
_ADDRESSED = "{edge}.visibility <> 'private'" + "".join(
    f" and {_END} is distinct from 'private'".replace("{end}", end) for end in ("from", "to")
)
# By what it is not: the planner takes an equation for rare, and would read all edges of a thing for one page.
_LISTED = f"coalesce({_END}, '') not in ('private', 'unlisted')"
_START_IS_SEEN = "not exists (select from things where ns = $1 and id = $2 and visibility = 'private')"

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


_FIELDS = {camel: json_fields(Relationship, COLUMNS, camel=camel) for camel in (False, True)}

relationship_from = row_reader(Relationship)
"""A row of `COLUMNS`."""

_node_from = row_reader(Node)


class Relationships:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def upsert(
        self, edge: RelationshipInput, key: IdempotencyKey | None = None, *, sees_private: bool
    ) -> Relationship:
        """The stored row. Things at its ends need not exist yet.

        Raises FORBIDDEN for an edge that is there and not the caller's to see.
        """
        values = [
            edge.ns or edge.from_ns, edge.id or edge_id(edge), edge.type, edge.from_ns, edge.from_id,
            edge.to_ns, edge.to_id, edge.data, edge.code, edge.visibility,
        ]  # fmt: skip
        statement = _UPSERT.format(seen="" if sees_private else f"where {_ADDRESSED.format(edge='old')}")
        if key is not None:
            rows = [with_instants(row) for row in await write_once(self._sql, key, statement, values)]
        else:
            rows = (await self._sql.query(statement, values)).dicts()
        if not rows:
            raise forbidden("this relationship is not yours to write")
        return relationship_from(rows[0])

    async def get(self, ns: str, id: str, *, sees_private: bool) -> Relationship | None:
        """None when there is none to be seen."""
        statement = _GET.format(seen="" if sees_private else f" and {_ADDRESSED.format(edge='edge')}")
        row = (await self._sql.query(statement, [ns, id], repeatable=True)).first()
        return relationship_from(row) if row else None

    async def delete(self, ns: str, id: str, *, sees_private: bool) -> Relationship | None:
        """The deleted row; None when there is none to be seen."""
        statement = _DELETE.format(seen="" if sees_private else f" and {_ADDRESSED.format(edge='edge')}")
        row = (await self._sql.query(statement, [ns, id])).first()
        return relationship_from(row) if row else None

    async def at(
        self,
        ns: str,
        id: str,
        direction: Literal["out", "in"],
        options: EdgeOptions,
        *,
        sees_private: bool,
        camel: bool,
    ) -> tuple[JsonText, Page]:
        """The edges that start (`out`) or end (`in`) at a thing, newest first, as a JSON array."""
        parameters = Parameters(ns, id)
        where = Conditions(parameters)
        near, far = ("from", "to") if direction == "out" else ("to", "from")
        where.term(f"{near}_ns = $1 and {near}_id = $2")
        where.equal("type", options.type)
        if not sees_private:
            where.equal("visibility", "public")
            where.term(_START_IS_SEEN)
            where.term(_LISTED.format(edge="relationships", end=far))
        return await self._page(where, parameters, options, camel)

    async def list_namespace(
        self, ns: str, options: RelationshipOptions, *, sees_private: bool, camel: bool
    ) -> tuple[JsonText, Page]:
        """The edges of a namespace, newest first, as a JSON array."""
        parameters = Parameters()
        where = Conditions(parameters)
        where.equal("ns", ns)
        where.equal("type", options.type)
        where.equal("visibility", options.visibility if sees_private else "public")
        if not sees_private:
            for end in ("from", "to"):
                where.term(_LISTED.format(edge="relationships", end=end))
        return await self._page(where, parameters, options, camel)

    async def _page(
        self, where: Conditions, parameters: Parameters, options: EdgeOptions | RelationshipOptions, camel: bool
    ) -> tuple[JsonText, Page]:
        where.beyond(["created_at", "ns", "id"], ["::timestamptz", "", ""], options.cursor, "desc")
        order = ["created_at desc", "ns desc", "id desc"]
        statement = page_statement(
            "relationships", COLUMNS, _FIELDS[camel], "created_at::text", where, order,
            limit=parameters.add(options.limit),
        )  # fmt: skip
        rows = await self._sql.query(statement, parameters.values, repeatable=True)
        next_cursor = where.next_cursor(rows, options.limit, "sort_key", "ns", "id")
        return json_array(rows, options.limit), Page(limit=options.limit, next_cursor=next_cursor)

    async def traverse(self, ns: str, id: str, options: TraverseOptions, *, sees_private: bool) -> Graph:
        """The places within `depth` edges, nearest first, and at most 1000 of the edges between them."""
        parameters = Parameters(ns, id, options.depth, options.limit)
        filters = ""
        if options.types is not None:
            filters += f" and edge.type = any({parameters.add(options.types)}::text[])"
        if not sees_private:
            filters += f" and edge.visibility = 'public' and {_START_IS_SEEN}"
        directions = ("out", "in") if options.direction == "both" else (options.direction,)
        statement = _TRAVERSE.format(
            steps=" union all ".join(_step(direction, filters, sees_private) for direction in directions),
            columns=", ".join(f"edge.{column}" for column in COLUMNS.split(", ")),
            filters=filters,
        )
        row = (await self._sql.query(statement, parameters.values, repeatable=True)).first() or {}
        return Graph(
            nodes=[_node_from(node) for node in row["nodes"] or []],
            edges=[relationship_from(with_instants(edge)) for edge in row["edges"] or []],
        )


def _step(direction: str, filters: str, sees_private: bool) -> str:
    near, far = ("from", "to") if direction == "out" else ("to", "from")
    listed = "" if sees_private else f" and {_LISTED.format(edge='edge', end=far)}"
    return (
        f"select edge.{far}_ns as ns, edge.{far}_id as id from relationships as edge "
        f"where edge.{near}_ns = reached.ns and edge.{near}_id = reached.id{filters}{listed}"
    )
