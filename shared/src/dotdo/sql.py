"""PostgreSQL through the db service, for the Workers that keep their tables there."""

from typing import Any

from dotdo.ports import Bindings


class Sql:
    """Every method is one statement and one round trip. `$n` takes the n-th parameter. Raises db's ServiceError."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings

    async def rows(self, sql: str, *params: object) -> list[dict[str, Any]]:
        result = await self._bindings.peer("DB").call("query", sql, list(params))
        rows: list[dict[str, Any]] = result["rows"]
        return rows

    async def first(self, sql: str, *params: object) -> dict[str, Any] | None:
        rows = await self.rows(sql, *params)
        return rows[0] if rows else None

    async def execute(self, sql: str, *params: object) -> int:
        """The number of rows the statement changed."""
        result = await self._bindings.peer("DB").call("query", sql, list(params))
        return int(result["rowCount"])
