"""ClickHouse through its HTTP interface, with typed parameters and errors found even behind a 200."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from dotdo.errors import ServiceError, invalid_argument, timed_out, unavailable
from dotdo.ports import Bindings, HttpCall, HttpError, HttpReply

DEFAULT_TIMEOUT_S = 10

# Codes: ClickHouse src/Common/ErrorCodes.cpp
_INVALID = frozenset({6, 26, 27, 38, 41, 53, 69, 70, 72, 117})
_TIMEOUT = frozenset({159, 160, 209})

ANALYTICS_ERROR = ServiceError("DATABASE_ERROR", 502, "Database error", "the analytics database refused the statement")


class ClickHouse:
    """Optional: without CLICKHOUSE_URL every call is 503 NOT_CONFIGURED and the rest of the service works."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings

    @property
    def configured(self) -> bool:
        return bool(self._bindings.optional("CLICKHOUSE_URL"))

    async def query(self, sql: str, params: Mapping[str, str | int], *, query_id: str = "") -> list[dict[str, Any]]:
        """Rows of one read. `{name:Type}` in the SQL takes `params[name]`. Raises ServiceError."""
        settings = {
            "default_format": "JSON",
            "readonly": "2",
            "wait_end_of_query": "1",
            "max_execution_time": str(DEFAULT_TIMEOUT_S),
            "output_format_json_quote_64bit_integers": "0",
            **{f"param_{name}": str(value) for name, value in params.items()},
        }
        reply = await self._post(sql, settings, query_id)
        try:
            rows: list[dict[str, Any]] = json.loads(reply.text)["data"]
        except (ValueError, KeyError, TypeError) as error:
            raise ANALYTICS_ERROR from error
        return rows

    async def insert(self, table: str, rows: Sequence[Mapping[str, Any]], *, token: str = "") -> int:
        """Appends rows and waits until they are stored. The same `token` again inserts nothing. `table` is a constant."""
        settings = {
            "query": f"insert into {table} format JSONEachRow",
            "wait_end_of_query": "1",
            "date_time_input_format": "best_effort",
        }
        if token:
            settings["insert_deduplication_token"] = token
        body = "\n".join(json.dumps(row, separators=(",", ":"), ensure_ascii=False) for row in rows)
        await self._post(body, settings, "")
        return len(rows)

    async def _post(self, body: str, settings: Mapping[str, str], query_id: str) -> HttpReply:
        text, optional = self._bindings.text, self._bindings.optional
        user = optional("CLICKHOUSE_USERNAME", "default")
        credentials = base64.b64encode(f"{user}:{optional('CLICKHOUSE_PASSWORD')}".encode()).decode()
        query = {"database": optional("CLICKHOUSE_DATABASE", "default"), **settings}
        if query_id:
            query["query_id"] = query_id
        call = HttpCall(
            "POST",
            f"{text('CLICKHOUSE_URL').rstrip('/')}/?{urlencode(query)}",
            {"authorization": f"Basic {credentials}", "content-type": "text/plain; charset=utf-8"},
            body,
            DEFAULT_TIMEOUT_S + 1,
        )
        try:
            reply = await self._bindings.http.send(call)
        except HttpError as error:
            if error.timed_out:
                raise timed_out("the analytics database did not answer in time") from error
            raise unavailable("the analytics database does not answer") from error
        _raise_for(reply)
        return reply


def _raise_for(reply: HttpReply) -> None:
    code = reply.headers.get("x-clickhouse-exception-code", "")
    if reply.status == 200 and not code:
        return
    number = int(code) if code.isdigit() else 0
    if number in _INVALID:
        raise invalid_argument("a value does not fit the column it is for")
    if number in _TIMEOUT:
        raise timed_out("the statement took longer than its limit")
    if reply.status in (502, 503, 504):
        raise unavailable("the analytics database does not answer")
    raise ANALYTICS_ERROR
