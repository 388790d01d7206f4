"""PostgreSQL through the db service, for the Workers that keep their tables there."""

from collections.abc import Sequence
from typing import Any

from dotdo.ports import Bindings


class Sql:
    """Every method is one statement and one round trip. `$n` takes the n-th parameter. Raises db's ServiceError.

    `repeatable`: doing it twice does no harm, as with a plain select, so that db tries again when a connection breaks.
    """

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings

    async def rows(self, sql: str, *params: object, repeatable: bool = False) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (await self._query(sql, params, repeatable))["rows"]
        return rows

    async def first(self, sql: str, *params: object, repeatable: bool = False) -> dict[str, Any] | None:
        rows = await self.rows(sql, *params, repeatable=repeatable)
        return rows[0] if rows else None

    async def execute(self, sql: str, *params: object, repeatable: bool = False) -> int:
        """The number of rows the statement changed."""
        return int((await self._query(sql, params, repeatable))["rowCount"])

    async def _query(self, sql: str, params: Sequence[object], repeatable: bool) -> Any:
        options = ({"repeatable": True},) if repeatable else ()
        return await self._bindings.peer("DB").call("query", sql, list(params), *options)

    async def transaction(self, *statements: tuple[str, Sequence[object]]) -> list[list[dict[str, Any]]]:
        """Several statements in one round trip, all or none; each sees what those before it did. The rows of each."""
        told = [{"sql": sql, "params": list(params)} for sql, params in statements]
        result = await self._bindings.peer("DB").call("transaction", told)
        return [each["rows"] for each in result["results"]]
