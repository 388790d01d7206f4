"""What the fields of the models beside it are made of."""

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from dotdo.contracts.values import EMBEDDING_DIMENSIONS, shallow
from dotdo.model import Model

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

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]


class Pagination(Model):
    """`total` only when it was asked for."""

    limit: int
    offset: int = 0
    total: int | None = None
    next_cursor: str | None = None
