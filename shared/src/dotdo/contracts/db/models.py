"""The models of the db service: what callers send and what they get."""

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from dotdo.contracts.common import Health
from dotdo.model import Key, Model
from dotdo.nesting import MAX_DEPTH, nests_deeper
from dotdo.paging import DEFAULT_LIMIT, Limit, Page

Visibility = Literal["public", "private", "unlisted"]
Order = Literal["asc", "desc"]
JsonObject = dict[str, Any]

EMBEDDING_DIMENSIONS = 768
MAX_BATCH = 1000
MAX_INGEST_ROWS = 10_000


def _finite(values: list[float]) -> list[float]:
    if not all(math.isfinite(value) for value in values):
        raise ValueError("every number must be finite")
    if not any(values):
        raise ValueError("a vector of zeros has no direction")
    return values


Embedding = Annotated[
    list[float],
    Field(min_length=EMBEDDING_DIMENSIONS, max_length=EMBEDDING_DIMENSIONS),
    AfterValidator(_finite),
]


def _shallow(value: Any) -> Any:
    if nests_deeper(value, MAX_DEPTH):
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    return value


Data = Annotated[JsonObject, AfterValidator(_shallow)]
"""An object as callers send it."""
Values = Annotated[list[Any], AfterValidator(_shallow)]
"""The parameters of a statement."""

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]


class Relationship(Model):
    """An edge from one thing to another."""

    ns: str
    id: str
    type: str
    from_ns: str
    from_id: str
    to_ns: str
    to_id: str
    data: JsonObject
    code: str | None
    visibility: Visibility
    version: int
    created_at: str
    updated_at: str


class Thing(Model):
    """An entity. `data` is any JSON object; `version` counts its writes."""

    ns: str
    id: str
    type: str
    content: str | None
    code: str | None
    data: JsonObject
    visibility: Visibility
    version: int
    created_at: str
    updated_at: str
    embedding: list[float] | None = None
    relationships: list[Relationship] | None = None


class ThingBody(Model):
    """A thing written to the address that names it."""

    type: Key
    data: Data = Field(default_factory=dict)
    content: Text | None = None
    code: Text | None = None
    visibility: Visibility = "public"
    embedding: Embedding | None = None


class ThingInput(ThingBody):
    """What a caller writes. `created_at` is kept and `version` counted by the service."""

    ns: Key
    id: Key


class ThingPatch(Model):
    """What is to change; a field that is not given stays. `data` is a JSON Merge Patch (RFC 7396)."""

    type: Key | None = None
    data: Data | None = None
    content: Text | None = None
    code: Text | None = None
    visibility: Visibility | None = None
    embedding: Embedding | None = None


class WriteOptions(Model):
    """`if_version`: only when that is the stored version. `idempotency_key`: the same key again answers the same."""

    if_version: int | None = Field(default=None, ge=1)
    idempotency_key: Key | None = None


class PatchOptions(Model):
    if_version: int | None = Field(default=None, ge=1)


class GetOptions(Model):
    include_embedding: bool = False
    include_relationships: bool = False


class ListOptions(Model):
    limit: Limit = 100
    offset: int = Field(default=0, ge=0, le=100_000)
    cursor: str | None = None
    type: Key | None = None
    visibility: Visibility | None = None
    order_by: Literal["createdAt", "updatedAt", "id"] = "createdAt"
    order: Order = "desc"
    count: Literal["exact", "estimated"] | None = None


class ListQuery(Model):
    ns: Key
    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None
    type: Key | None = None
    visibility: Visibility | None = None
    order_by: Literal["created_at", "updated_at", "id"] = "created_at"
    order: Order = "desc"


class CountOptions(Model):
    type: Key | None = None
    visibility: Visibility | None = None


class Pagination(Model):
    """`total` only when it was asked for."""

    limit: int
    offset: int = 0
    total: int | None = None
    next_cursor: str | None = None


class ThingList(Model):
    """As RPC callers get it."""

    data: list[Thing]
    pagination: Pagination


class ThingPage(Model):
    """As HTTP callers get it."""

    data: list[Thing]
    page: Page


class BatchBody(Model):
    things: list[ThingInput] = Field(min_length=1, max_length=MAX_BATCH)


class BatchResult(Model):
    inserted: int
    updated: int


class SearchChoices(Model):
    """`alpha` is the weight of the words in a hybrid search, 1 - alpha that of the vector."""

    limit: int = Field(default=20, ge=1, le=100)
    offset: int = Field(default=0, ge=0, le=10_000)
    threshold: float = Field(default=0.5, ge=-1, le=1)
    ns: Key | None = None
    type: Key | None = None
    mode: Literal["text", "vector", "hybrid"] | None = None
    alpha: float = Field(default=0.5, ge=0, le=1)


class SearchOptions(SearchChoices):
    visibility: Visibility | None = None


class SearchQuery(Model):
    q: Text = Field(min_length=1, max_length=1000)
    mode: Literal["text"] = "text"
    ns: Key | None = None
    type: Key | None = None
    limit: int = Field(default=20, ge=1, le=100)
    offset: int = Field(default=0, ge=0, le=10_000)


class SearchBody(SearchChoices):
    query: Text = Field(default="", max_length=1000)
    embedding: Embedding | None = None


class Found(Thing):
    """A thing and how well it fits; larger is better, comparable within one answer only."""

    score: float


class FoundList(Model):
    data: list[Found]
    pagination: Pagination


class RelationshipInput(Model):
    """`ns` defaults to the one it starts from, `id` to a hash of its ends and type: the same edge twice is one edge."""

    ns: Key | None = None
    id: Key | None = None
    type: Key
    from_ns: Key
    from_id: Key
    to_ns: Key
    to_id: Key
    data: Data = Field(default_factory=dict)
    code: Text | None = None
    visibility: Visibility = "public"


class EdgeOptions(Model):
    type: Key | None = None
    limit: Limit = 100
    cursor: str | None = None


class EdgeQuery(Model):
    direction: Literal["out", "in"] = "out"
    type: Key | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None


class Outgoing(Model):
    outgoing: list[Relationship]
    page: Page


class Incoming(Model):
    incoming: list[Relationship]
    page: Page


class RelationshipOptions(Model):
    limit: Limit = 100
    cursor: str | None = None
    type: Key | None = None
    visibility: Visibility | None = None


class RelationshipQuery(Model):
    ns: Key
    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None
    type: Key | None = None


class RelationshipList(Model):
    data: list[Relationship]
    pagination: Pagination


class RelationshipPage(Model):
    data: list[Relationship]
    page: Page


class TraverseOptions(Model):
    types: list[Key] | None = Field(default=None, max_length=50)
    direction: Literal["out", "in", "both"] = "out"
    depth: int = Field(default=2, ge=1, le=5)
    limit: Limit = 100


class GraphQuery(Model):
    depth: int = Field(default=2, ge=1, le=5)
    direction: Literal["out", "in", "both"] = "out"
    limit: Limit = 100


class Node(Model):
    """`depth` is the number of edges from the start, by the shortest way found."""

    ns: str
    id: str
    depth: int


class Graph(Model):
    nodes: list[Node]
    edges: list[Relationship]


class QueryOptions(Model):
    read_only: bool = False
    timeout_ms: int = Field(default=10_000, ge=1, le=25_000)
    max_rows: int = Field(default=10_000, ge=1, le=10_000)


class QueryField(Model):
    name: str
    type_oid: int


class QueryResult(Model):
    rows: list[JsonObject]
    row_count: int
    fields: list[QueryField]


class ExecuteResult(Model):
    row_count: int


class SqlStatement(Model):
    sql: Text
    params: Values = Field(default_factory=list)


class TransactionOptions(Model):
    isolation: Literal["read_committed", "repeatable_read", "serializable"] = "read_committed"
    read_only: bool = False
    timeout_ms: int = Field(default=10_000, ge=1, le=25_000)


class TransactionResult(Model):
    success: bool
    results: list[QueryResult]


class ClickHouseOptions(Model):
    """The settings a caller may choose; everything else is the service's."""

    max_execution_time: int = Field(default=10, ge=1, le=25)
    max_result_rows: int = Field(default=10_000, ge=1, le=100_000)


class ColumnMeta(Model):
    name: str
    type: str


class ClickHouseResult(Model):
    data: list[JsonObject]
    meta: list[ColumnMeta]
    rows: int
    statistics: dict[str, float]


class StoreHealth(Model):
    status: Literal["ok", "down", "not_configured"]
    latency_ms: float | None = None


class DatabaseHealth(Health):
    """`degraded`: PostgreSQL or a configured ClickHouse does not answer."""

    postgres: StoreHealth
    clickhouse: StoreHealth


class Event(Model):
    """One row of the ClickHouse table `events`. `ulid` and `ts` are made by the store when absent."""

    type: Key
    id: str = ""
    source: str = ""
    data: Data = Field(default_factory=dict)
    ulid: str | None = Field(default=None, pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$")
    ts: str | None = None


class Inserted(Model):
    inserted: int


class IngestOptions(Model):
    """`token`: the same token again stores nothing; for a caller that tries again."""

    token: Key | None = None


class RecordedEvent(Model):
    ulid: str
    ts: str
    type: str
    id: str
    source: str
    data: JsonObject


class ActivityQuery(Model):
    limit: Limit = 100


class EventList(Model):
    data: list[RecordedEvent]


class NamespaceCount(Model):
    ns: str
    count: int


class TypeCount(Model):
    type: str
    count: int


class Totals(Model):
    """`estimated`: above 100 000 rows the totals are the planner's."""

    things: int
    relationships: int
    things_with_embeddings: int
    estimated: bool


class Stats(Model):
    things_by_namespace: list[NamespaceCount]
    relationships_by_type: list[TypeCount]
    totals: Totals


class TypesQuery(Model):
    ns: Key | None = None


class TypeList(Model):
    data: list[TypeCount]


class EventTypeStats(Model):
    type: str
    count: int
    first: str
    last: str


class ClickHouseStats(Model):
    events: list[EventTypeStats]
    total: int


class WithoutEmbedding(Model):
    ns: str
    id: str
    type: str
    content: str | None
    data: JsonObject


class WithoutEmbeddingOptions(Model):
    ns: Key | None = None
    limit: Limit = 100


class EmbeddingInput(Model):
    ns: Key
    id: Key
    embedding: Embedding
    model: Key


class Updated(Model):
    updated: int


class RpcBody(Model):
    """An RPC call over HTTP, for admins."""

    method: str
    params: list[Any] = Field(default_factory=list)


Table = Literal["events", "api_requests", "service_health"]
