"""PostgreSQL as the domain sees it, and the small pieces its statements are made of."""

import hashlib
import json
import math
from collections.abc import Sequence
from typing import Any, Protocol

from db.adapters.neon import Rows
from db.adapters.pgtypes import decode_timestamptz
from dotdo.errors import invalid_argument
from dotdo.paging import decode_cursor, encode_cursor

# Beyond these lengths the squares that pgvector adds up leave the range of its four-byte numbers.
_SHORTEST_VECTOR, _LONGEST_VECTOR = 1e-15, 1e15

ABORT, ABORTED = "dotdo_abort()", "DD001"
"""Takes everything back that its transaction has done, and the SQLSTATE it does so with (migration 0004)."""


class Sql(Protocol):
    async def query(self, sql: str, params: Sequence[Any] = (), *, repeatable: bool = False) -> Rows:
        """`repeatable`: doing it twice does no harm, so it is tried again when the connection fails."""
        ...


class Parameters:
    """Collects values and hands out their `$n`."""

    def __init__(self, *values: Any) -> None:
        self.values = list(values)

    def add(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


class Conditions:
    """A `where` clause that grows by what was asked for; None asks for nothing."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._terms: list[str] = []
        self._asked = ""

    def equal(self, column: str, value: Any) -> None:
        if value is not None:
            self._terms.append(f"{column} = {self._parameters.add(value)}")

    def term(self, text: str) -> None:
        self._terms.append(text)

    def beyond(self, columns: Sequence[str], casts: Sequence[str], cursor: str | None, order: str) -> None:
        """Rows behind the one the cursor names, in keyset order. The last condition.

        Raises INVALID_ARGUMENT for a cursor that another question was answered with, or that somebody changed.
        """
        self._asked = json.dumps([self._terms, self._parameters.values, list(columns), order])
        if cursor is None:
            return
        stamp, *key = decode_cursor(cursor, len(columns) + 1)
        if stamp != self._stamp(key):
            raise invalid_argument("cursor: belongs to another list, filter or order than this one")
        values = ", ".join(self._parameters.add(part) + cast for part, cast in zip(key, casts, strict=True))
        self._terms.append(f"({', '.join(columns)}) {'<' if order == 'desc' else '>'} ({values})")

    def next_cursor(self, rows: Rows | list[dict[str, Any]], limit: int, *columns: str) -> str | None:
        """The cursor behind the page, when a row more than `limit` was found. For after `beyond`."""
        if len(rows) <= limit:
            return None
        last = rows[limit - 1]
        key = [str(last[column]) for column in columns]
        return encode_cursor([self._stamp(key), *key])

    def _stamp(self, key: Sequence[str]) -> str:
        """Ties a key to the question it answers. Not a secret: a cursor lets nobody see more than the question itself."""
        return hashlib.sha256(json.dumps([self._asked, *key]).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        return " and ".join(self._terms) or "true"


def with_instants(row: dict[str, Any]) -> dict[str, Any]:
    """A row that came as jsonb, its instants in the platform's form."""
    return {
        **row,
        "created_at": decode_timestamptz(row["created_at"]),
        "updated_at": decode_timestamptz(row["updated_at"]),
    }


def vector(values: Sequence[float] | None) -> str | None:
    """pgvector's text form. Raises INVALID_ARGUMENT for one whose angle to another could not be computed."""
    if values is not None and not _SHORTEST_VECTOR <= math.hypot(*values) <= _LONGEST_VECTOR:
        raise invalid_argument("embedding: too short or too long a vector")
    return None if values is None else "[" + ",".join(map(repr, map(float, values))) + "]"
