"""ClickHouse: queries, events and what is made of them."""

from typing import Literal

from pydantic import Field

from dotdo.contracts.values import Data, JsonObject
from dotdo.model import Key, Model
from dotdo.paging import DEFAULT_LIMIT, Limit, Page


class ClickHouseOptions(Model):
    """The settings a caller may choose; everything else is the service's. `max_execution_time` is in seconds."""

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
    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None


class EventList(Model):
    """As RPC callers get it."""

    data: list[RecordedEvent]


class EventPage(Model):
    """As HTTP callers get it."""

    data: list[RecordedEvent]
    page: Page


class EventTypeStats(Model):
    type: str
    count: int
    first: str
    last: str


class ClickHouseStats(Model):
    events: list[EventTypeStats]
    total: int


Table = Literal["events", "api_requests", "service_health"]
