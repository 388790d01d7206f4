"""Edges between things, and walks along them."""

from typing import Literal

from pydantic import Field

from dotdo.contracts.db.models.values import Pagination, Text, Visibility
from dotdo.contracts.values import Data, JsonObject
from dotdo.model import Key, Model
from dotdo.paging import DEFAULT_LIMIT, Limit, Page


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
