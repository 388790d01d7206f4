"""Things: entities addressed by (ns, id), each with a type, a JSON object and a version that counts its writes."""

from collections.abc import Sequence
from typing import Any, Protocol

from db.adapters.neon import Rows
from dotdo.contracts.db import ListOptions, Thing, ThingInput
from dotdo.paging import decode_cursor, encode_cursor


class Sql(Protocol):
    """PostgreSQL as the domain sees it."""

    async def query(self, sql: str, params: Sequence[Any] = (), *, read_only: bool = False) -> Rows: ...


_COLUMNS = "ns, id, type, content, code, data, visibility, version, created_at, updated_at"

_GET = f"select {_COLUMNS} from things where ns = $1 and id = $2"
_GET_WITH_EMBEDDING = f"select {_COLUMNS}, embedding::real[] as embedding from things where ns = $1 and id = $2"

_UPSERT = f"""
insert into things as old (ns, id, type, content, code, data, visibility)
values ($1, $2, $3, $4, $5, $6::jsonb, $7)
on conflict (ns, id) do update set
    type = excluded.type, content = excluded.content, code = excluded.code, data = excluded.data,
    visibility = excluded.visibility, version = old.version + 1, updated_at = now()
returning {_COLUMNS}
"""

# Edges go first and with the thing: one statement is one transaction.
_DELETE = f"""
with edges as (
    delete from relationships where (from_ns, from_id) = ($1, $2) or (to_ns, to_id) = ($1, $2)
)
delete from things where ns = $1 and id = $2 returning {_COLUMNS}
"""

# The cursor carries created_at with its microseconds; the column itself goes out in milliseconds.
_LIST = f"select {_COLUMNS}, created_at::text as sort_key from things where ns = $1"
_ORDER = "order by created_at desc, id desc limit"


def _thing(row: dict[str, Any]) -> Thing:
    return Thing.model_construct(**row)


class Things:
    """Every method is one round trip."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def get(self, ns: str, id: str, *, include_embedding: bool = False) -> Thing | None:
        row = (await self._sql.query(_GET_WITH_EMBEDDING if include_embedding else _GET, [ns, id])).first()
        return _thing(row) if row else None

    async def upsert(self, thing: ThingInput) -> Thing:
        """The stored row; `version` is 1 when it is new."""
        values = [thing.ns, thing.id, thing.type, thing.content, thing.code, thing.data, thing.visibility]
        row = (await self._sql.query(_UPSERT, values)).first()
        assert row is not None, "an upsert returns its row"
        return _thing(row)

    async def delete(self, ns: str, id: str) -> Thing | None:
        row = (await self._sql.query(_DELETE, [ns, id])).first()
        return _thing(row) if row else None

    async def page(self, ns: str, options: ListOptions) -> tuple[list[Thing], str | None]:
        """One page, newest first, and the cursor of the next one. Raises INVALID_ARGUMENT for a foreign cursor."""
        params: list[Any] = [ns]
        sql = _LIST
        for column, value in (("type", options.type), ("visibility", options.visibility)):
            if value is not None:
                params.append(value)
                sql += f" and {column} = ${len(params)}"
        if options.cursor is not None:
            params.extend(decode_cursor(options.cursor, 2))
            sql += f" and (created_at, id) < (${len(params) - 1}::timestamptz, ${len(params)})"
        params.append(options.limit + 1)
        rows = (await self._sql.query(f"{sql} {_ORDER} ${len(params)}", params)).dicts()
        page = rows[: options.limit]
        more = len(rows) > options.limit
        cursor = encode_cursor([page[-1]["sort_key"], page[-1]["id"]]) if more else None
        return [_thing({name: row[name] for name in row if name != "sort_key"}) for row in page], cursor
