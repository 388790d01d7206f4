"""Things: entities addressed by (ns, id), each with a type, a JSON object and a version that counts its writes."""

from collections.abc import Sequence
from typing import Any

from db.adapters.neon import StatementError
from db.domain.idempotency import IdempotencyKey, write_once
from db.domain.pages import json_array, json_fields, page_statement
from db.domain.sql import (
    ABORT,
    ABORTED,
    Conditions,
    Parameters,
    Sql,
    vector,
    with_instants,
)
from dotdo.contracts.db.models import (
    BatchResult,
    CountOptions,
    ListOptions,
    Pagination,
    Thing,
    ThingInput,
    ThingPatch,
)
from dotdo.errors import ServiceError, forbidden, invalid_argument
from dotdo.json_text import JsonText
from dotdo.model import row_reader

COLUMNS = "ns, id, type, content, code, data, visibility, version, created_at, updated_at"

_GET = f"select {COLUMNS} from things where ns = $1 and id = $2"
_GET_WITH_EMBEDDING = f"select {COLUMNS}, embedding::real[] as embedding from things where ns = $1 and id = $2"

_CHANGES = """type = excluded.type, content = excluded.content, code = excluded.code, data = excluded.data,
    visibility = excluded.visibility, embedding = coalesce(excluded.embedding, old.embedding),
    embedding_model = case when excluded.embedding is null then old.embedding_model end,
    version = old.version + 1, updated_at = now()"""

_UPSERT = f"""
insert into things as old (ns, id, type, content, code, data, visibility, embedding)
values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8::vector)
on conflict (ns, id) do update set {_CHANGES}{{condition}}
returning {COLUMNS}
"""

_UPDATE = f"""
update things as old set
    type = $3, content = $4, code = $5, data = $6::jsonb, visibility = $7, embedding = coalesce($8::vector, embedding),
    embedding_model = case when $8::vector is null then embedding_model end,
    version = version + 1, updated_at = now()
where ns = $1 and id = $2{{conditions}}
returning {COLUMNS}
"""

_INSERT = f"""
insert into things (ns, id, type, content, code, data, visibility, embedding)
values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8::vector)
on conflict (ns, id) do nothing
returning {COLUMNS}
"""

_BATCH_UPSERT = f"""
insert into things as old (ns, id, type, content, code, data, visibility, embedding)
select ns, id, type, content, code, coalesce(data, '{{{{}}}}'), coalesce(visibility, 'public'), embedding::vector
from jsonb_to_recordset($1::jsonb -> 'things')
    as batch (ns text, id text, type text, content text, code text, data jsonb, visibility text, embedding text)
order by ns, id -- two batches with rows in common lock them in one order
on conflict (ns, id) do update set {_CHANGES}{{condition}}
returning version
"""

# Its edges go with the thing, and only with it: one statement is one transaction.
_DELETE = """
with gone as (
    delete from things where ns = $1 and id = $2{conditions} returning {columns}
), edges as (
    delete from relationships
    where ((from_ns, from_id) = ($1, $2) or (to_ns, to_id) = ($1, $2)) and exists (select from gone)
)
select * from gone
"""

_STORED = "select version, visibility from things where ns = $1 and id = $2"

# For who may not see private things: a condition of the write itself, so that none turns private in between.
_SEEN = " and visibility <> 'private'"
_SEEN_BEFORE = " where old.visibility <> 'private'"
_ALL_SEEN_BEFORE = f" where case when old.visibility = 'private' then {ABORT}::text is null else true end"

# PostgreSQL's name of a sort field, what its text is cast back from, and the text that keeps its microseconds.
_SORT = {
    "createdAt": ("created_at", "::timestamptz", "created_at::text"),
    "updatedAt": ("updated_at", "::timestamptz", "updated_at::text"),
    "id": ("id", "", "id"),
}


_FIELDS = {camel: json_fields(Thing, COLUMNS, camel=camel) for camel in (False, True)}

thing_from = row_reader(Thing)
"""A row of `COLUMNS`."""


def version_mismatch() -> ServiceError:
    return ServiceError("VERSION_MISMATCH", 412, "Version mismatch", "the stored version is another one")


class Things:
    """Every method is one round trip, but for what is said to be more."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def get(self, ns: str, id: str, *, include_embedding: bool = False) -> Thing | None:
        statement = _GET_WITH_EMBEDDING if include_embedding else _GET
        row = (await self._sql.query(statement, [ns, id], repeatable=True)).first()
        return thing_from(row) if row else None

    async def upsert(
        self,
        thing: ThingInput,
        *,
        versions: Sequence[int] | None = None,
        must_exist: bool = False,
        key: IdempotencyKey | None = None,
        sees_private: bool,
    ) -> Thing:
        """The stored row; `version` is 1 when it is new. An embedding that is not given stays.

        Raises VERSION_MISMATCH when the stored version is none of `versions`, 0 while nothing is stored, and FORBIDDEN for a
        private thing that is not the caller's to see. With a key: three round trips.
        """
        values: list[Any] = [
            thing.ns, thing.id, thing.type, thing.content, thing.code, thing.data, thing.visibility,
            vector(thing.embedding),
        ]  # fmt: skip
        seen = "" if sees_private else _SEEN
        if versions == [0]:
            statement = _INSERT
        elif versions is not None:
            statement = _UPDATE.format(conditions=f" and version = any($9::int8[]){seen}")
            values.append(versions)
        elif must_exist:
            statement = _UPDATE.format(conditions=seen)
        else:
            statement = _UPSERT.format(condition="" if sees_private else _SEEN_BEFORE)
        if key is not None:
            rows = [with_instants(row) for row in await write_once(self._sql, key, statement, values)]
        else:
            rows = (await self._sql.query(statement, values)).dicts()
        if not rows:
            raise await self._not_written(thing.ns, thing.id, sees_private=sees_private)
        return thing_from(rows[0])

    async def _not_written(self, ns: str, id: str, *, sees_private: bool) -> ServiceError:
        stored = None if sees_private else await self._stored(ns, id)
        hidden = stored is not None and stored["visibility"] == "private"
        return forbidden("this thing is not yours to write") if hidden else version_mismatch()

    async def patch(
        self, ns: str, id: str, changes: ThingPatch, *, versions: Sequence[int] | None = None, sees_private: bool
    ) -> Thing | None:
        """The changed row; None when none is to be seen. Raises VERSION_MISMATCH, and INVALID_ARGUMENT for a null type."""
        parameters = Parameters(ns, id)
        assignments = ["version = version + 1", "updated_at = now()"]
        for name in sorted(changes.model_fields_set):
            value = getattr(changes, name)
            if value is None and name in ("type", "visibility", "data"):
                raise invalid_argument(f"{name}: cannot be null")
            if name == "data":
                assignments.append(f"data = jsonb_merge_patch(data, {parameters.add(value)}::jsonb)")
            elif name == "embedding":
                assignments += [f"embedding = {parameters.add(vector(value))}::vector", "embedding_model = null"]
            else:
                assignments.append(f"{name} = {parameters.add(value)}")
        statement = (
            f"update things set {', '.join(assignments)} "
            f"where ns = $1 and id = $2{_conditions(parameters, versions, sees_private)} returning {COLUMNS}"
        )
        return await self._changed(statement, parameters, versions, sees_private)

    async def delete(
        self, ns: str, id: str, *, versions: Sequence[int] | None = None, sees_private: bool
    ) -> Thing | None:
        """The deleted row; None when there is none to be seen. Raises VERSION_MISMATCH."""
        parameters = Parameters(ns, id)
        statement = _DELETE.format(conditions=_conditions(parameters, versions, sees_private), columns=COLUMNS)
        return await self._changed(statement, parameters, versions, sees_private)

    async def _changed(
        self, statement: str, parameters: Parameters, versions: Sequence[int] | None, sees_private: bool
    ) -> Thing | None:
        row = (await self._sql.query(statement, parameters.values)).first()
        if row is None and versions is not None:
            stored = await self._stored(*parameters.values[:2])
            if stored is not None and (sees_private or stored["visibility"] != "private"):
                raise version_mismatch()
        return thing_from(row) if row else None

    async def _stored(self, ns: str, id: str) -> dict[str, Any] | None:
        return (await self._sql.query(_STORED, [ns, id], repeatable=True)).first()

    async def batch_upsert(
        self, things: Sequence[ThingInput], key: IdempotencyKey | None = None, *, sees_private: bool
    ) -> BatchResult:
        """All or none. Raises INVALID_ARGUMENT when a thing stands in the batch twice, FORBIDDEN as `upsert` does."""
        if len({(thing.ns, thing.id) for thing in things}) != len(things):
            raise invalid_argument("things: the same ns and id stand there twice")
        batch = [{**thing.model_dump(exclude={"embedding"}), "embedding": vector(thing.embedding)} for thing in things]
        statement = _BATCH_UPSERT.format(condition="" if sees_private else _ALL_SEEN_BEFORE)
        try:
            if key is not None:
                rows = await write_once(self._sql, key, statement, [{"things": batch}])
            else:
                rows = (await self._sql.query(statement, [{"things": batch}])).dicts()
        except StatementError as error:
            if error.sqlstate != ABORTED:
                raise
            raise forbidden("a thing of the batch is not yours to write") from error
        inserted = sum(1 for row in rows if row["version"] == 1)
        return BatchResult(inserted=inserted, updated=len(rows) - inserted)

    async def count(self, ns: str, options: CountOptions) -> int:
        parameters = Parameters()
        where = _filters(parameters, ns, options.type, options.visibility)
        row = (
            await self._sql.query(f"select count(*) as n from things where {where}", parameters.values, repeatable=True)
        ).first()
        return int(row["n"]) if row else 0

    async def page(self, ns: str, options: ListOptions, *, camel: bool) -> tuple[JsonText, Pagination]:
        """One page in keyset order, its things as a JSON array. A total is a second round trip.

        Raises INVALID_ARGUMENT for a foreign cursor.
        """
        if options.cursor is not None and options.offset:
            raise invalid_argument("offset: cannot be combined with cursor")
        column, cast, text = _SORT[options.order_by]
        parameters = Parameters()
        where = _filters(parameters, ns, options.type, options.visibility)
        where.beyond([column, "id"], [cast, ""], options.cursor, options.order)
        statement = page_statement(
            "things", COLUMNS, _FIELDS[camel], text, where, [f"{column} {options.order}", f"id {options.order}"],
            limit=parameters.add(options.limit), offset=parameters.add(options.offset),
        )  # fmt: skip
        rows = await self._sql.query(statement, parameters.values, repeatable=True)
        cursor = where.next_cursor(rows, options.limit, "sort_key", "id")
        pagination = Pagination(
            limit=options.limit, offset=options.offset, total=await self._total(ns, options), next_cursor=cursor
        )
        return json_array(rows, options.limit), pagination

    async def _total(self, ns: str, options: ListOptions) -> int | None:
        if options.count == "exact":
            return await self.count(ns, CountOptions(type=options.type, visibility=options.visibility))
        if options.count == "estimated":
            parameters = Parameters()
            where = _filters(parameters, ns, options.type, options.visibility)
            plan = (
                await self._sql.query(
                    f"explain (format json) select from things where {where}", parameters.values, repeatable=True
                )
            ).rows[0][0]
            return int(plan[0]["Plan"]["Plan Rows"])
        return None


def _conditions(parameters: Parameters, versions: Sequence[int] | None, sees_private: bool) -> str:
    """Of a write of one thing."""
    version = "" if versions is None else f" and version = any({parameters.add(versions)}::int8[])"
    return version + ("" if sees_private else _SEEN)


def _filters(parameters: Parameters, ns: str, type_: str | None, visibility: str | None) -> Conditions:
    where = Conditions(parameters)
    where.equal("ns", ns)
    where.equal("type", type_)
    where.equal("visibility", visibility)
    return where
