"""PostgreSQL through Neon's SQL over HTTP: one POST for one statement or one transaction, always with bound parameters.

Protocol: the driver @neondatabase/serverless; headers and body are what that driver sends.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic_core import from_json

from db.adapters.json_text import json_text
from db.adapters.pgtypes import DECODERS, Decoder
from db.adapters.retries import with_retries
from db.adapters.sqlstate import database_error, error_for
from dotdo.errors import ServiceError, timed_out, unavailable
from dotdo.instants import utc_text
from dotdo.ports import Bindings, HttpCall, HttpError, HttpReply

DEFAULT_TIMEOUT_S = 10.0
"""What the role's own statement_timeout is set to, too (migration 0004)."""

# The server gives up first, so that the caller learns why; this is the time left for the answer to travel.
_TRAVEL_S = 1.0

Isolation = Literal["ReadUncommitted", "ReadCommitted", "RepeatableRead", "Serializable"]


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type_oid: int


@dataclass(frozen=True, slots=True)
class Rows:
    """`rows` are decoded values in the order of `fields`. `row_count` is what the command affected or returned."""

    fields: list[Field]
    rows: list[Sequence[Any]]
    row_count: int

    @property
    def names(self) -> list[str]:
        return [field.name for field in self.fields]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return dict(zip(self.names, self.rows[index], strict=True))

    def dicts(self) -> list[dict[str, Any]]:
        names = self.names
        return [dict(zip(names, row, strict=True)) for row in self.rows]

    def first(self) -> dict[str, Any] | None:
        return self[0] if self.rows else None


@dataclass(frozen=True, slots=True)
class Statement:
    sql: str
    params: Sequence[Any] = ()


class StatementError(ServiceError):
    """A statement that PostgreSQL refused, with its SQLSTATE for code of ours to decide by."""

    def __init__(self, error: ServiceError, sqlstate: str) -> None:
        super().__init__(error.code, error.status, error.title, error.detail, retryable=error.retryable)
        self.sqlstate = sqlstate
        self.reason = f"SQLSTATE {sqlstate}"


def endpoint_of(database_url: str) -> str:
    """Where Neon takes SQL for a database: `https://api.<host without its first label>/sql`."""
    host = urlsplit(database_url).hostname or ""
    return f"https://api.{host.partition('.')[2]}/sql"


class Neon:
    """Reads DATABASE_URL (required) and NEON_HTTP_ENDPOINT (for another endpoint than Neon's own) at each call."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings

    async def query(
        self,
        sql: str,
        params: Sequence[Any] = (),
        *,
        repeatable: bool = False,
        read_only: bool = False,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        raw_sql: bool = False,
    ) -> Rows:
        """One statement. Raises ServiceError.

        `repeatable`: doing it twice does no harm, so that it is tried again when the connection or a concurrent write fails
        it. `raw_sql`: the caller wrote it, and may be told what is wrong with it.
        """
        if read_only or timeout_s != DEFAULT_TIMEOUT_S:
            results = await self.transaction(
                [Statement(sql, params)],
                read_only=read_only,
                timeout_s=timeout_s,
                repeatable=repeatable,
                raw_sql=raw_sql,
            )
            return results[0]
        body = _statement(sql, params)

        async def attempt() -> Rows:
            return _rows(_body(await self._post(body, {}, timeout_s), raw_sql=raw_sql))

        return await with_retries(attempt, self._bindings.clock) if repeatable else await attempt()

    async def transaction(
        self,
        statements: Sequence[Statement],
        *,
        isolation: Isolation = "ReadCommitted",
        read_only: bool = False,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        repeatable: bool = False,
        raw_sql: bool = False,
    ) -> list[Rows]:
        """All of the statements or none of them. Raises ServiceError."""
        limit = _statement("select set_config('statement_timeout', $1, true)", [f"{int(timeout_s * 1000)}ms"])
        queries = [limit, *(_statement(one.sql, one.params) for one in statements)]
        headers = {"neon-batch-isolation-level": isolation, "neon-batch-read-only": "true" if read_only else "false"}

        async def attempt() -> list[Rows]:
            reply = await self._post({"queries": queries}, headers, timeout_s)
            results = _body(reply, raw_sql=raw_sql).get("results")
            if not isinstance(results, list) or len(results) != len(queries):
                raise database_error()
            return [_rows(result) for result in results[1:]]

        return await with_retries(attempt, self._bindings.clock) if repeatable else await attempt()

    async def _post(self, body: dict[str, Any], headers: dict[str, str], timeout_s: float) -> HttpReply:
        database_url = self._bindings.text("DATABASE_URL")
        call = HttpCall(
            "POST",
            self._bindings.optional("NEON_HTTP_ENDPOINT") or endpoint_of(database_url),
            {
                "content-type": "application/json",
                "neon-connection-string": database_url,
                "neon-raw-text-output": "true",
                "neon-array-mode": "true",
                **headers,
            },
            json_text(body),
            timeout_s + _TRAVEL_S,
        )
        try:
            return await self._bindings.http.send(call)
        except HttpError as error:
            raise timed_out("the database did not answer in time") if error.timed_out else _no_database() from error


def _no_database() -> ServiceError:
    return unavailable("the database does not answer")


def _statement(sql: str, params: Sequence[Any]) -> dict[str, Any]:
    return {"query": sql, "params": [_parameter(value) for value in params]}


def _parameter(value: Any) -> Any:
    """Objects travel as JSON text; lists are PostgreSQL arrays; what JSON has no form for as PostgreSQL reads it."""
    if isinstance(value, dict):
        return json_text(value)
    if isinstance(value, list):
        return [_parameter(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # nan, inf and -inf
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, bytes | memoryview):
        return f"\\x{value.hex()}"
    return value


def _body(reply: HttpReply, *, raw_sql: bool) -> dict[str, Any]:
    body = _parsed(reply.body)
    if reply.status == 200 and body is not None:
        return body
    if reply.status == 413:
        raise ServiceError("PAYLOAD_TOO_LARGE", 413, "Payload too large", "the database takes at most 10 MiB at once")
    if reply.status == 507:
        detail = "the answer is over 10 MiB: ask for fewer rows; what a single statement wrote, if anything, is kept"
        raise ServiceError("RESULT_TOO_LARGE", 400, "Result too large", detail)
    if body is not None and isinstance(body.get("code"), str):
        refusal = error_for(body["code"], raw_sql_message=str(body.get("message", "")) if raw_sql else None)
        raise StatementError(refusal, body["code"])
    raise _no_database() if reply.status >= 500 else database_error()


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        body = from_json(text)  # half of the time of `json.loads`, and nothing nested can overflow the stack
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _rows(result: Any) -> Rows:
    try:
        fields = [Field(field["name"], field["dataTypeID"]) for field in result["fields"]]
        decoders = [DECODERS.get(field.type_oid) for field in fields]
        return Rows(fields, _decoded(result["rows"], decoders), result["rowCount"] or 0)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise database_error() from error


def _decoded(rows: list[list[Any]], decoders: list[Decoder | None]) -> list[Sequence[Any]]:
    """In place, and only the columns that have a decoder: most are text. Raises ValueError for a row of another length."""
    if any(len(row) != len(decoders) for row in rows):
        raise ValueError("a row has not as many values as there are columns")
    for place, decode in enumerate(decoders):
        if decode is not None:
            for row in rows:
                if (value := row[place]) is not None:
                    row[place] = decode(value)
    return list(rows)
