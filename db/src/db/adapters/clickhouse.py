"""ClickHouse through its HTTP interface, with typed parameters and errors found even behind a 200."""

import base64
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from db.adapters.integers import safe_integer
from db.adapters.json_text import json_text
from db.adapters.retries import with_retries
from db.errors import invalid_sql
from dotdo.errors import ServiceError, invalid_argument, timed_out, unavailable
from dotdo.ports import Bindings, HttpCall, HttpError, HttpReply
from dotdo.tracing import current

DEFAULT_TIMEOUT_S = 10

GATHERED_BELOW = 1000
"""Rows. Smaller inserts wait for others in the store and become one part with them (`async_insert`); larger ones are parts of
their own. https://clickhouse.com/docs/optimize/asynchronous-inserts; with tokens and rollups from ClickHouse 26.1 on."""

# Codes: ClickHouse src/Common/ErrorCodes.cpp
_INVALID = frozenset({6, 26, 27, 38, 41, 53, 69, 70, 72, 117, 457})
_TIMEOUT = frozenset({159, 160, 209})
_SQL = frozenset({36, 42, 43, 46, 47, 60, 62, 81, 215, 386, 456, 497})
_TOO_LARGE = frozenset({158, 396})
_READ_ONLY = frozenset({164})
# Too many at once, the network, a replica that has to catch up, the keeper: what passes by itself.
_PASSING = frozenset({202, 203, 210, 225, 242, 252, 279, 285, 319, 999})

# What is guessed of the values in a JSON column, unless it is told not to: a text that looks like a day or an instant becomes
# one, in UTC and without its zone; true beside a number becomes 1, beside a text "true".
_AS_WRITTEN = {
    "input_format_try_infer_dates": "0",
    "input_format_try_infer_datetimes": "0",
    "input_format_json_read_bools_as_numbers": "0",
    "input_format_json_read_bools_as_strings": "0",
}

# What JavaScript could not hold has 16 digits at least.
_LONG_NUMBER = re.compile(r"\d{16}")


def _refused() -> ServiceError:
    """A new one each time: one object raised again and again would keep the traceback of every raise."""
    return ServiceError("DATABASE_ERROR", 502, "Database error", "the analytics database refused the statement")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a read found. `meta` names and types the columns; `statistics` is the store's own account."""

    data: list[dict[str, Any]]
    meta: list[dict[str, str]]
    rows: int
    statistics: dict[str, float]


class ClickHouse:
    """Optional: without CLICKHOUSE_URL every call is 503 NOT_CONFIGURED and the rest of the service works."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings

    @property
    def configured(self) -> bool:
        return bool(self._bindings.optional("CLICKHOUSE_URL"))

    async def query(
        self,
        sql: str,
        params: Mapping[str, Any],
        *,
        max_execution_time_s: int = DEFAULT_TIMEOUT_S,
        max_result_rows: int = 100_000,
        raw_sql: bool = False,
    ) -> Answer:
        """One read. `{name:Type}` in the SQL takes `params[name]`. Raises ServiceError.

        Integers beyond 2^53 - 1 either way come as text, as PostgreSQL's do, and decimals always.
        The request's id is part of the query's, so that the store's own log leads back here. `raw_sql`: the caller wrote the
        SQL, and may be told what is wrong with it.
        """
        settings = {
            "default_format": "JSON",
            "readonly": "2",
            "wait_end_of_query": "1",
            "max_execution_time": str(max_execution_time_s),
            "max_result_rows": str(max_result_rows),
            "result_overflow_mode": "throw",
            "output_format_json_quote_64bit_integers": "0",
            "output_format_json_quote_decimals": "1",
            "cancel_http_readonly_queries_on_client_close": "1",
            "query_id": f"{current().request_id}-{secrets.token_hex(4)}",
            **{f"param_{name}": parameter_text(value) for name, value in params.items()},
        }

        async def attempt() -> Answer:
            reply = await self._post(sql, settings, max_execution_time_s + 1, raw_sql=raw_sql)
            if reply.headers.get("x-clickhouse-format", "JSON") != "JSON":
                raise invalid_sql("the format of the answer is chosen by this service: leave FORMAT out")
            return _answer(reply)

        return await with_retries(attempt, self._bindings.clock)

    async def insert(self, table: str, rows: Sequence[Mapping[str, Any]], *, token: str = "") -> int:
        """Appends rows and waits until they are stored. The same `token` again inserts nothing. `table` is a constant.

        Tried again when the connection fails: each call has a token, its own when it was given none.
        """
        settings = {
            "query": f"insert into {table} format JSONEachRow",
            "wait_end_of_query": "1",
            "async_insert": str(int(len(rows) < GATHERED_BELOW)),
            "wait_for_async_insert": "1",
            "async_insert_deduplicate": "1",
            "max_execution_time": str(DEFAULT_TIMEOUT_S),
            "date_time_input_format": "best_effort",
            **_AS_WRITTEN,
            "input_format_skip_unknown_fields": "0",
            "insert_deduplication_token": token or secrets.token_hex(16),
            "deduplicate_blocks_in_dependent_materialized_views": "1",
        }
        body = json_text(rows)  # the format takes an array, too: half the cost of its rows one by one

        async def attempt() -> int:
            await self._post(body, settings, DEFAULT_TIMEOUT_S + 1, raw_sql=False)
            return len(rows)

        return await with_retries(attempt, self._bindings.clock) if rows else 0

    async def _post(self, body: str, settings: Mapping[str, str], timeout_s: float, *, raw_sql: bool) -> HttpReply:
        text, optional = self._bindings.text, self._bindings.optional
        user = optional("CLICKHOUSE_USERNAME", "default")
        credentials = base64.b64encode(f"{user}:{optional('CLICKHOUSE_PASSWORD')}".encode()).decode()
        query = {"database": optional("CLICKHOUSE_DATABASE", "default"), **settings}
        call = HttpCall(
            "POST",
            f"{text('CLICKHOUSE_URL').rstrip('/')}/?{_in_address(query)}",
            {"authorization": f"Basic {credentials}", "content-type": "text/plain; charset=utf-8"},
            body,
            timeout_s,
        )
        try:
            reply = await self._bindings.http.send(call)
        except HttpError as error:
            if error.timed_out:
                raise timed_out("the analytics database did not answer in time") from error
            raise unavailable("the analytics database does not answer") from error
        _raise_for(reply, raw_sql=raw_sql)
        return reply


def _in_address(query: Mapping[str, str]) -> str:
    """Raises INVALID_ARGUMENT for half of a surrogate pair, which UTF-8 has no form for."""
    try:
        return urlencode(query)
    except UnicodeEncodeError as error:
        raise invalid_argument("a text with half of a surrogate pair in it") from error


def parameter_text(value: Any) -> str:
    """A parameter's value in the escaped form that ClickHouse reads `param_*` in. Lists become arrays, objects maps.

    Raises INVALID_ARGUMENT for what has no such form.
    """
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ",".join(_array_item(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_array_item(str(key))}:{_array_item(item)}" for key, item in value.items()) + "}"
    if not isinstance(value, str | int | float):
        raise invalid_argument("params: a value that ClickHouse has no form for")
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _array_item(value: Any) -> str:
    if isinstance(value, datetime):
        return f"'{parameter_text(value)}'"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
        return f"'{escaped}'"
    return "NULL" if value is None else parameter_text(value)


def _answer(reply: HttpReply) -> Answer:
    try:
        body = _parsed(reply.text)
        return Answer(body["data"], body["meta"], body["rows"], body.get("statistics", {}))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _refused() from error


def _parsed(text: str) -> Any:
    return json.loads(text, parse_int=safe_integer) if _LONG_NUMBER.search(text) else json.loads(text)


def _message(reply: HttpReply) -> str:
    return reply.text.partition("DB::Exception: ")[2].partition("\n")[0][:500]


def _raise_for(reply: HttpReply, *, raw_sql: bool) -> None:
    code = reply.headers.get("x-clickhouse-exception-code", "")
    if reply.status == 200 and not code:
        return
    number = int(code) if code.isdigit() else 0
    if number in _SQL and raw_sql:
        raise invalid_sql(f"{_message(reply)} (code {number})")
    if number in _TOO_LARGE:
        raise ServiceError("RESULT_TOO_LARGE", 400, "Result too large", "the answer has more rows than allowed")
    if number in _READ_ONLY:
        raise ServiceError("READ_ONLY", 400, "Read-only", "only reads are allowed here")
    if number in _INVALID:
        raise invalid_argument("a value does not fit the column it is for")
    if number in _TIMEOUT:
        raise timed_out("the statement took longer than its limit")
    if number in _PASSING or (reply.status >= 500 and not number):
        raise unavailable("the analytics database does not answer")
    raise _refused()
