"""What the fields of the models beside it are made of."""

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from dotdo.model import Model
from dotdo.nesting import MAX_DEPTH, nests_deeper

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


class Pagination(Model):
    """`total` only when it was asked for."""

    limit: int
    offset: int = 0
    total: int | None = None
    next_cursor: str | None = None
