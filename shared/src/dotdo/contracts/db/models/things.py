"""Things: what is written, asked for and answered."""

from typing import Literal

from pydantic import Field

from dotdo.contracts.db.models.relationships import Relationship
from dotdo.contracts.db.models.values import MAX_BATCH, Embedding, Order, Pagination, Text, Visibility
from dotdo.contracts.values import Data, JsonObject
from dotdo.model import Key, Model
from dotdo.paging import DEFAULT_LIMIT, Limit, Page


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
