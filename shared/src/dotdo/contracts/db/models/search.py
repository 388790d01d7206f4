"""Search by words, by meaning and by both."""

from typing import Literal

from pydantic import Field

from dotdo.contracts.db.models.things import Thing
from dotdo.contracts.db.models.values import Embedding, Pagination, Text, Visibility
from dotdo.model import Key, Model


class SearchOptions(Model):
    """`alpha` is the weight of the words in a hybrid search, 1 - alpha that of the vector."""

    limit: int = Field(default=20, ge=1, le=100)
    offset: int = Field(default=0, ge=0, le=10_000)
    threshold: float = Field(default=0.5, ge=-1, le=1)
    ns: Key | None = None
    type: Key | None = None
    mode: Literal["text", "vector", "hybrid"] | None = None
    alpha: float = Field(default=0.5, ge=0, le=1)
    visibility: Visibility | None = None


class SearchQuery(Model):
    q: Text = Field(min_length=1, max_length=1000)
    mode: Literal["text"] = "text"
    ns: Key | None = None
    type: Key | None = None
    visibility: Visibility | None = None
    limit: int = Field(default=20, ge=1, le=100)
    offset: int = Field(default=0, ge=0, le=10_000)


class SearchBody(SearchOptions):
    query: Text = Field(default="", max_length=1000)
    embedding: Embedding | None = None


class Found(Thing):
    """A thing and how well it fits; larger is better, comparable within one answer only."""

    score: float


class FoundList(Model):
    data: list[Found]
    pagination: Pagination
