"""Things that wait for an embedding."""

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
