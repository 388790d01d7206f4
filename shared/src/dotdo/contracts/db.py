"""What the db service offers: its models, RPC methods and HTTP endpoints."""

from typing import Any, Literal

from pydantic import Field

from dotdo.contract import Contract, Endpoint, RpcMethod
from dotdo.contracts.common import Health, ServiceCard
from dotdo.model import Key, Model
from dotdo.paging import DEFAULT_LIMIT, Limit, Page

Visibility = Literal["public", "private", "unlisted"]


class Thing(Model):
    """An entity. `data` is any JSON object; `version` counts its writes."""

    ns: str
    id: str
    type: str
    content: str | None
    code: str | None
    data: dict[str, Any]
    visibility: Visibility
    version: int
    created_at: str
    updated_at: str
    embedding: list[float] | None = None


class ThingInput(Model):
    """What a caller writes. `created_at` is kept and `version` counted by the service."""

    ns: Key
    id: Key
    type: Key
    data: dict[str, Any] = Field(default_factory=dict)
    content: str | None = None
    code: str | None = None
    visibility: Visibility = "public"


class ThingBody(Model):
    """A thing written to the address that names it."""

    type: Key
    data: dict[str, Any] = Field(default_factory=dict)
    content: str | None = None
    code: str | None = None
    visibility: Visibility = "public"


class GetOptions(Model):
    include_embedding: bool = False


class ListOptions(Model):
    limit: Limit = 100
    cursor: str | None = None
    type: Key | None = None
    visibility: Visibility | None = None


class ListQuery(Model):
    ns: Key
    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None
    type: Key | None = None
    visibility: Visibility | None = None


class Pagination(Model):
    limit: int
    next_cursor: str | None


class ThingList(Model):
    """As RPC callers get it."""

    data: list[Thing]
    pagination: Pagination


class ThingPage(Model):
    """As HTTP callers get it."""

    data: list[Thing]
    page: Page


class QueryOptions(Model):
    read_only: bool = False
    timeout_ms: int = Field(default=10_000, ge=1, le=25_000)
    max_rows: int = Field(default=10_000, ge=1, le=10_000)


class QueryField(Model):
    name: str
    type_oid: int


class QueryResult(Model):
    rows: list[dict[str, Any]]
    row_count: int
    fields: list[QueryField]


class ExecuteResult(Model):
    row_count: int


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
    data: dict[str, Any] = Field(default_factory=dict)
    ulid: str | None = Field(default=None, pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$")
    ts: str | None = None


class Inserted(Model):
    inserted: int


class RecordedEvent(Model):
    ulid: str
    ts: str
    type: str
    id: str
    source: str
    data: dict[str, Any]


class ActivityQuery(Model):
    limit: Limit = 100


class EventList(Model):
    data: list[RecordedEvent]


Table = Literal["events", "service_health"]
Rows = list[dict[str, Any]]

METHODS = (
    RpcMethod("health", "Whether both stores answer, and how fast.", {}, DatabaseHealth),
    RpcMethod(
        "get",
        "One thing, or null.",
        {"ns": (Key, ...), "id": (Key, ...), "options": (GetOptions, GetOptions())},
        Thing | None,
    ),
    RpcMethod(
        "list",
        "The things of a namespace, newest first, in keyset pages.",
        {"ns": (Key, ...), "options": (ListOptions, ListOptions())},
        ThingList,
    ),
    RpcMethod("upsert", "Writes a thing, whole.", {"thing": (ThingInput, ...)}, Thing),
    RpcMethod(
        "delete", "Deletes a thing and its edges; the row, or null.", {"ns": (Key, ...), "id": (Key, ...)}, Thing | None
    ),
    RpcMethod(
        "query",
        "One SQL statement with $n parameters, always bound.",
        {"sql": (str, ...), "params": (list[Any], []), "options": (QueryOptions, QueryOptions())},
        QueryResult,
    ),
    RpcMethod(
        "ingest",
        "Appends rows to a ClickHouse table.",
        {"table": (Table, ...), "rows": (Rows, ...)},
        Inserted,
    ),
    RpcMethod(
        "recentActivity",
        "The newest events.",
        {"limit": (Limit, 100)},
        EventList,
    ),
)

ENDPOINTS = (
    Endpoint("GET", "/", "card", "What this service is.", access="public", result=ServiceCard),
    Endpoint("GET", "/health", "health", "Whether both stores answer.", access="public", result=DatabaseHealth),
    Endpoint(
        "GET", "/things", "list_things", "The things of a namespace.",
        permission="things:read", query=ListQuery, result=ThingPage,
    ),
    Endpoint(
        "POST", "/things", "create_thing", "Writes a thing; 201 when it is new.",
        permission="things:write", body=ThingInput, result=Thing, status=201,
    ),
    Endpoint("GET", "/things/{ns}/{id}", "get_thing", "One thing.", permission="things:read", result=Thing),
    Endpoint(
        "PUT", "/things/{ns}/{id}", "put_thing", "Writes a thing, whole.",
        permission="things:write", body=ThingBody, result=Thing,
    ),
    Endpoint(
        "DELETE", "/things/{ns}/{id}", "delete_thing", "Deletes a thing and its edges.",
        permission="things:write", result=Thing,
    ),
    Endpoint(
        "POST", "/events", "ingest_events", "Appends events.",
        permission="things:write", body=Event, result=Inserted, status=201,
    ),
    Endpoint(
        "GET", "/activity", "recent_activity", "The newest events.",
        permission="things:read", query=ActivityQuery, result=EventList,
    ),
)  # fmt: skip

CONTRACT = Contract("db", "0.1.0", METHODS, ENDPOINTS)
