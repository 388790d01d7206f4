"""PostgreSQL as the domain sees it, and the small pieces its statements are made of."""

from collections.abc import Sequence
from typing import Any, Protocol

from db.adapters.neon import Rows
from db.adapters.pgtypes import decode_timestamptz
from dotdo.paging import decode_cursor, encode_cursor


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

    def equal(self, column: str, value: Any) -> None:
        if value is not None:
            self._terms.append(f"{column} = {self._parameters.add(value)}")

    def term(self, text: str) -> None:
        self._terms.append(text)

    def beyond(self, columns: Sequence[str], casts: Sequence[str], cursor: str | None, order: str) -> None:
        """Rows behind the one the cursor names, in keyset order. Raises INVALID_ARGUMENT for a foreign cursor."""
        if cursor is None:
            return
        key = decode_cursor(cursor, len(columns))
        values = ", ".join(self._parameters.add(part) + cast for part, cast in zip(key, casts, strict=True))
        self._terms.append(f"({', '.join(columns)}) {'<' if order == 'desc' else '>'} ({values})")

    def __str__(self) -> str:
        return " and ".join(self._terms) or "true"


def next_cursor(rows: list[dict[str, Any]], limit: int, *columns: str) -> str | None:
    """The cursor behind the page, when a row more than `limit` was found."""
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    return encode_cursor([str(last[column]) for column in columns])


def with_instants(row: dict[str, Any]) -> dict[str, Any]:
    """A row that came as jsonb, its instants in the platform's form."""
    return {
        **row,
        "created_at": decode_timestamptz(row["created_at"]),
        "updated_at": decode_timestamptz(row["updated_at"]),
    }


def vector(values: Sequence[float] | None) -> str | None:
    """pgvector's text form."""
    return None if values is None else "[" + ",".join(map(repr, map(float, values))) + "]"
