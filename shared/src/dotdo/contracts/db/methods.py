"""The RPC methods of the db service."""

from typing import Any

from pydantic import Field

from dotdo.contract import RpcMethod
from dotdo.contracts.db import models as m
from dotdo.model import Key
from dotdo.paging import Limit

_NS, _ID = (Key, ...), (Key, ...)


def _options(model: Any) -> tuple[Any, Any]:
    return (model, model())


METHODS = (
    RpcMethod("health", "Whether both stores answer, and how fast.", {}, m.DatabaseHealth),
    RpcMethod("get", "One thing, or null.", {"ns": _NS, "id": _ID, "options": _options(m.GetOptions)}, m.Thing | None),
    RpcMethod("list", "The things of a namespace, in keyset pages.", {"ns": _NS, "options": _options(m.ListOptions)},
              m.ThingList),
    RpcMethod("upsert", "Writes a thing, whole.", {"thing": (m.ThingInput, ...), "options": _options(m.WriteOptions)},
              m.Thing),
    RpcMethod("patch", "Changes parts of a thing; the row, or null.",
              {"ns": _NS, "id": _ID, "changes": (m.ThingPatch, ...), "options": _options(m.PatchOptions)}, m.Thing | None),
    RpcMethod("delete", "Deletes a thing and its edges; the row, or null.", {"ns": _NS, "id": _ID}, m.Thing | None),
    RpcMethod("count", "How many things a namespace has.", {"ns": _NS, "options": _options(m.CountOptions)}, int),
    RpcMethod("batchUpsert", "Writes up to 1000 things in one transaction.",
              {"things": (list[m.ThingInput], Field(min_length=1, max_length=m.MAX_BATCH))}, m.BatchResult),
    RpcMethod("search", "By words, by meaning, or both.",
              {"query": (m.Text, Field(default="", max_length=1000)), "embedding": (m.Embedding | None, None),
               "options": _options(m.SearchOptions)}, m.FoundList),
    RpcMethod("vectorSearch", "By meaning.",
              {"embedding": (m.Embedding, ...), "options": _options(m.SearchOptions)}, m.FoundList),
    RpcMethod("getRelationships", "The edges that start at a thing.",
              {"ns": _NS, "id": _ID, "options": _options(m.EdgeOptions)}, m.Outgoing),
    RpcMethod("getIncomingRelationships", "The edges that end at a thing.",
              {"ns": _NS, "id": _ID, "options": _options(m.EdgeOptions)}, m.Incoming),
    RpcMethod("upsertRelationship", "Writes an edge.", {"relationship": (m.RelationshipInput, ...)}, m.Relationship),
    RpcMethod("deleteRelationship", "Deletes an edge; the row, or null.", {"ns": _NS, "id": _ID}, m.Relationship | None),
    RpcMethod("listRelationships", "The edges of a namespace.",
              {"ns": _NS, "options": _options(m.RelationshipOptions)}, m.RelationshipList),
    RpcMethod("traverse", "What can be reached from a thing.",
              {"ns": _NS, "id": _ID, "options": _options(m.TraverseOptions)}, m.Graph),
    RpcMethod("query", "One SQL statement with $n parameters, always bound.",
              {"sql": (m.Text, ...), "params": (m.Values, []), "options": _options(m.QueryOptions)}, m.QueryResult),
    RpcMethod("execute", "One SQL statement; how many rows it changed.",
              {"sql": (m.Text, ...), "params": (m.Values, []), "options": _options(m.StatementOptions)}, m.ExecuteResult),
    RpcMethod("first", "The first row of a query, or null.",
              {"sql": (m.Text, ...), "params": (m.Values, []), "options": _options(m.StatementOptions)}, m.JsonObject | None),
    RpcMethod("transaction", "Several statements, all or none.",
              {"statements": (list[m.SqlStatement], Field(min_length=1, max_length=100)),
               "options": _options(m.TransactionOptions)}, m.TransactionResult),
    RpcMethod("clickhouse", "One read of the analytics database, with typed {name:Type} parameters.",
              {"sql": (m.Text, ...), "params": (m.Data, {}), "options": _options(m.ClickHouseOptions)},
              m.ClickHouseResult),
    RpcMethod("ingest", "Appends up to 10 000 rows to a table of the analytics database.",
              {"table": (m.Table, ...), "rows": (m.Rows, Field(max_length=m.MAX_INGEST_ROWS)),
               "options": _options(m.IngestOptions)}, m.Inserted),
    RpcMethod("stats", "How much there is.", {}, m.Stats),
    RpcMethod("typeDistribution", "Things by type.", {"ns": (Key | None, None)}, list[m.TypeCount]),
    RpcMethod("clickhouseStats", "Events by type.", {}, m.ClickHouseStats),
    RpcMethod("recentActivity", "The newest events.", {"limit": (Limit, 100)}, m.EventList),
    RpcMethod("getEntitiesWithoutEmbeddings", "Things that have none, in the order of their keys.",
              {"options": _options(m.WithoutEmbeddingOptions)}, list[m.WithoutEmbedding]),
    RpcMethod("updateEmbeddings", "Stores embeddings.",
              {"embeddings": (list[m.EmbeddingInput], Field(max_length=m.MAX_BATCH))}, m.Updated),
)  # fmt: skip
