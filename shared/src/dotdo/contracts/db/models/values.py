"""What the fields of the models beside it are made of."""

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from dotdo.contracts.values import EMBEDDING_DIMENSIONS, JsonObject, shallow
from dotdo.model import Model
from dotdo.nesting import MAX_DEPTH, nests_deeper

Visibility = Literal["public", "private", "unlisted"]
Order = Literal["asc", "desc"]

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


Values = Annotated[list[Any], AfterValidator(shallow)]
"""The parameters of a statement."""


def _all_shallow(rows: list[JsonObject]) -> list[JsonObject]:
    for number, row in enumerate(rows):
        if nests_deeper(row, MAX_DEPTH):
            raise ValueError(f"row {number} is nested deeper than {MAX_DEPTH} levels")
    return rows


Rows = Annotated[list[JsonObject], AfterValidator(_all_shallow)]
"""Rows for a table: looked at together, which costs a third of a look from within pydantic for each."""

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]


class Pagination(Model):
    """`total` only when it was asked for."""

    limit: int
    offset: int = 0
    total: int | None = None
    next_cursor: str | None = None
