"""The RPC methods. Whoever is bound to this Worker is trusted, with raw SQL too."""

from typing import Any

from db.domain.database import Database
from db.domain.idempotency import idempotency_key
from dotdo.contracts.db import models as m
from dotdo.json_text import JsonText, json_object
from dotdo.service import Call

SCOPE = "rpc"


class RpcHandlers:
    """One method for each row of the contract's `METHODS`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def health(self, call: Call) -> m.DatabaseHealth:
        return await self._database.health()

    async def get(self, call: Call, *, ns: str, id: str, options: m.GetOptions) -> m.Thing | JsonText | None:
        if options.include_relationships:
            return await self._database.thing_with_relationships(ns, id, include_embedding=options.include_embedding)
        return await self._database.things.get(ns, id, include_embedding=options.include_embedding)

    async def upsert(self, call: Call, *, thing: m.ThingInput, options: m.WriteOptions) -> m.Thing:
        key = None
        if options.idempotency_key is not None:
            key = idempotency_key(SCOPE, options.idempotency_key, [thing.model_dump(), options.if_version])
        return await self._database.things.upsert(
            thing, versions=_versions(options.if_version), key=key, sees_private=True
        )

    async def patch(
        self, call: Call, *, ns: str, id: str, changes: m.ThingPatch, options: m.PatchOptions
    ) -> m.Thing | None:
        return await self._database.things.patch(
            ns, id, changes, versions=_versions(options.if_version), sees_private=True
        )

    async def delete(self, call: Call, *, ns: str, id: str) -> m.Thing | None:
        return await self._database.things.delete(ns, id, sees_private=True)

    async def count(self, call: Call, *, ns: str, options: m.CountOptions) -> int:
        return await self._database.things.count(ns, options)

    async def batch_upsert(self, call: Call, *, things: list[m.ThingInput]) -> m.BatchResult:
        return await self._database.things.batch_upsert(things, sees_private=True)

    async def search(
        self, call: Call, *, query: str, embedding: list[float] | None, options: m.SearchOptions
    ) -> m.FoundList:
        return await self._database.search.search(query, embedding, options)

    async def vector_search(self, call: Call, *, embedding: list[float], options: m.SearchOptions) -> m.FoundList:
        vector_only = options.model_copy(update={"mode": "vector"})
        return await self._database.search.search("", embedding, vector_only)

    async def get_relationships(self, call: Call, *, ns: str, id: str, options: m.EdgeOptions) -> JsonText:
        edges, page = await self._database.relationships.at(ns, id, "out", options, sees_private=True, camel=True)
        return json_object(camel=True, outgoing=edges, page=page)

    async def get_incoming_relationships(self, call: Call, *, ns: str, id: str, options: m.EdgeOptions) -> JsonText:
        edges, page = await self._database.relationships.at(ns, id, "in", options, sees_private=True, camel=True)
        return json_object(camel=True, incoming=edges, page=page)

    async def upsert_relationship(self, call: Call, *, relationship: m.RelationshipInput) -> m.Relationship:
        return await self._database.relationships.upsert(relationship, sees_private=True)

    async def delete_relationship(self, call: Call, *, ns: str, id: str) -> m.Relationship | None:
        return await self._database.relationships.delete(ns, id, sees_private=True)

    async def list_relationships(self, call: Call, *, ns: str, options: m.RelationshipOptions) -> JsonText:
        edges, page = await self._database.relationships.list_namespace(ns, options, sees_private=True, camel=True)
        return json_object(
            camel=True, data=edges, pagination=m.Pagination(limit=page.limit, next_cursor=page.next_cursor)
        )

    async def traverse(self, call: Call, *, ns: str, id: str, options: m.TraverseOptions) -> m.Graph:
        return await self._database.relationships.traverse(ns, id, options, sees_private=True)

    async def query(self, call: Call, *, sql: str, params: list[Any], options: m.QueryOptions) -> m.QueryResult:
        return await self._database.raw.query(sql, params, options)

    async def execute(self, call: Call, *, sql: str, params: list[Any], options: m.StatementOptions) -> m.ExecuteResult:
        return m.ExecuteResult(row_count=(await self._database.raw.run(sql, params, options)).row_count)

    async def first(
        self, call: Call, *, sql: str, params: list[Any], options: m.StatementOptions
    ) -> dict[str, Any] | None:
        return (await self._database.raw.run(sql, params, options)).first()

    async def transaction(
        self, call: Call, *, statements: list[m.SqlStatement], options: m.TransactionOptions
    ) -> m.TransactionResult:
        return await self._database.raw.transaction(statements, options)

    async def clickhouse(
        self, call: Call, *, sql: str, params: dict[str, Any], options: m.ClickHouseOptions
    ) -> m.ClickHouseResult:
        return await self._database.events.read(sql, params, options)

    async def ingest(
        self, call: Call, *, table: str, rows: list[dict[str, Any]], options: m.IngestOptions
    ) -> m.Inserted:
        return m.Inserted(inserted=await self._database.events.ingest(table, rows, options.token or ""))

    async def stats(self, call: Call) -> m.Stats:
        return await self._database.statistics.stats()

    async def type_distribution(self, call: Call, *, ns: str | None) -> list[m.TypeCount]:
        return await self._database.statistics.types(ns)

    async def clickhouse_stats(self, call: Call) -> m.ClickHouseStats:
        return await self._database.events.stats()

    async def recent_activity(self, call: Call, *, limit: int) -> m.EventList:
        return m.EventList(data=await self._database.events.recent(limit))

    async def get_entities_without_embeddings(
        self, call: Call, *, options: m.WithoutEmbeddingOptions
    ) -> list[m.WithoutEmbedding]:
        return await self._database.embeddings.missing(options)

    async def update_embeddings(self, call: Call, *, embeddings: list[m.EmbeddingInput]) -> m.Updated:
        return m.Updated(updated=await self._database.embeddings.store(embeddings))

    async def list(self, call: Call, *, ns: str, options: m.ListOptions) -> JsonText:
        things, pagination = await self._database.things.page(ns, options, camel=True)
        return json_object(camel=True, data=things, pagination=pagination)


def _versions(if_version: int | None) -> list[int] | None:
    return None if if_version is None else [if_version]
