"""PostgreSQL through Neon's SQL over HTTP: one POST for one statement, always with bound parameters.

Protocol: the driver @neondatabase/serverless; headers and body are what that driver sends.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from db.adapters.pgtypes import DECODERS, decode_row
from db.adapters.sqlstate import DATABASE_ERROR, error_for
from dotdo.errors import ServiceError, timed_out, unavailable
from dotdo.ports import Bindings, HttpCall, HttpError, HttpReply

DEFAULT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type_oid: int


@dataclass(frozen=True, slots=True)
class Rows:
    """`rows` are decoded values in the order of `fields`. `row_count` is what the command affected or returned."""

    fields: list[Field]
    rows: list[list[Any]]
    row_count: int

    def dicts(self) -> list[dict[str, Any]]:
        names = [field.name for field in self.fields]
        return [dict(zip(names, row, strict=True)) for row in self.rows]

    def first(self) -> dict[str, Any] | None:
        return self.dicts()[0] if self.rows else None


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
        read_only: bool = False,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        raw_sql: bool = False,
    ) -> Rows:
        """One statement. `raw_sql`: the caller wrote it, and may be told what is wrong with it. Raises ServiceError."""
        statement = {"query": sql, "params": [_parameter(value) for value in params]}
        if read_only:  # the flag exists for batches only; a batch of one is a read-only transaction
            reply = await self._post({"queries": [statement]}, {"neon-batch-read-only": "true"}, timeout_s)
            return _rows(_body(reply, raw_sql=raw_sql)["results"][0])
        reply = await self._post(statement, {}, timeout_s)
        return _rows(_body(reply, raw_sql=raw_sql))

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
            json.dumps(body, separators=(",", ":"), ensure_ascii=False),
            timeout_s,
        )
        try:
            return await self._bindings.http.send(call)
        except HttpError as error:
            raise timed_out("the database did not answer in time") if error.timed_out else _no_database() from error


def _no_database() -> ServiceError:
    return unavailable("the database does not answer")


def _parameter(value: Any) -> Any:
    """Objects travel as JSON text; lists are PostgreSQL arrays; everything else as it is."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def _body(reply: HttpReply, *, raw_sql: bool) -> Any:
    if reply.status in (502, 503, 504):
        raise _no_database()
    try:
        body = json.loads(reply.text)
    except ValueError as error:
        raise DATABASE_ERROR from error
    if reply.status == 200 and isinstance(body, dict):
        return body
    if reply.status == 507:
        raise ServiceError("RESULT_TOO_LARGE", 400, "Result too large", "the answer is over 10 MiB: ask for fewer rows")
    if isinstance(body, dict) and isinstance(body.get("code"), str):
        raise error_for(body["code"], raw_sql_message=str(body.get("message", "")) if raw_sql else None)
    raise DATABASE_ERROR


def _rows(result: Any) -> Rows:
    try:
        fields = [Field(field["name"], field["dataTypeID"]) for field in result["fields"]]
        decoders = [DECODERS.get(field.type_oid) for field in fields]
        return Rows(fields, [decode_row(row, decoders) for row in result["rows"]], result["rowCount"] or 0)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DATABASE_ERROR from error
