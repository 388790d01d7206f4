"""Things that wait for an embedding."""

from pydantic import Field

from dotdo.contracts.db.models.values import Embedding
from dotdo.contracts.values import JsonObject
from dotdo.model import Key, Model
from dotdo.paging import Limit


class WithoutEmbedding(Model):
    ns: str
    id: str
    type: str
    content: str | None
    data: JsonObject
    version: int


class WithoutEmbeddingOptions(Model):
    ns: Key | None = None
    limit: Limit = 100


class EmbeddingInput(Model):
    """`version`: of the thing that was read. One that has been written since keeps what it has, and waits for another."""

    ns: Key
    id: Key
    embedding: Embedding
    model: Key
    version: int | None = Field(default=None, ge=1)


class Updated(Model):
    updated: int
