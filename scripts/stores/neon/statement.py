"""One statement on one connection, by PostgreSQL's extended protocol, which takes exactly one."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import generators
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

from scripts.stores.neon.errors import NOT_REACHED, SqlError, from_result
from scripts.stores.neon.values import DECODERS, encode_param, encode_text

Connection = psycopg.AsyncConnection[Any]
Row = list[Any] | dict[str, Any]

MAX_ANSWER_BYTES = 10 * 1024 * 1024
MAX_PARAMS = 65535  # the protocol counts them in 16 bits
# Rows arrive in portions, so that an endless answer is stopped at the limit and not first held in memory.
ROWS_A_PORTION = 64

WITH_ROWS = (ExecStatus.TUPLES_OK, ExecStatus.TUPLES_CHUNK)
WITHOUT_ROWS = (ExecStatus.COMMAND_OK, ExecStatus.EMPTY_QUERY)
COPIES = (ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH)


@dataclass(frozen=True)
class Statement:
    query: bytes
    params: Sequence[bytes | None] = ()
    array_mode: bool = False
    raw_text: bool = True


@dataclass
class Budget:
    """What one HTTP answer may still hold, in bytes of column values."""

    left: int = MAX_ANSWER_BYTES

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise SqlError(f"response is too large (max is {MAX_ANSWER_BYTES} bytes)", status=507)


def parse_statement(data: Any, array_mode: bool, raw_text: bool) -> Statement:
    """A `{"query": "…$1", "params": […]}` of a request. Raises SqlError."""
    if not isinstance(data, dict) or not isinstance(data.get("query"), str):
        raise SqlError('invalid request: each query is an object with a string "query"')
    params = [] if data.get("params") is None else data["params"]
    if not isinstance(params, list):
        raise SqlError('invalid request: "params" is a list')
    if len(params) > MAX_PARAMS:
        raise SqlError(f"a statement takes at most {MAX_PARAMS} params, not {len(params)}", "54000")
    own_mode = data.get("arrayMode")
    return Statement(
        encode_text(data["query"]),
        [encode_param(value) for value in params],
        array_mode if own_mode is None else own_mode is True,
        raw_text,
    )


async def run(connection: Connection, statement: Statement, budget: Budget) -> dict[str, Any]:
    """The statement's result as the protocol words it. Raises SqlError; the connection may then be in any state."""
    try:
        return await _run(connection, statement, budget)
    except psycopg.OperationalError as error:
        last_words = connection.pgconn.get_result()  # why the server closed the connection, when it said so
        if last_words is not None and last_words.error_field(DiagnosticField.SQLSTATE):
            raise from_result(last_words) from error
        raise SqlError("the connection to PostgreSQL was lost", NOT_REACHED, 500) from error


async def _run(connection: Connection, statement: Statement, budget: Budget) -> dict[str, Any]:
    pgconn = connection.pgconn
    pgconn.send_query_params(statement.query, statement.params)
    pgconn.set_chunked_rows_mode(ROWS_A_PORTION)
    await connection.wait(generators.send(pgconn))
    rows: list[Row] = []
    last: PGresult | None = None
    tag = b""
    while (result := await connection.wait(generators.fetch(pgconn))) is not None:
        if result.status in WITH_ROWS:
            rows.extend(_rows(result, statement, budget))
        elif result.status in COPIES:
            raise SqlError("COPY with a client's data is not possible over HTTP", "0A000")
        elif result.status not in WITHOUT_ROWS:
            with contextlib.suppress(psycopg.OperationalError):
                await connection.wait(generators.fetch_many(pgconn))
            raise from_result(result)
        last = result
        tag = result.command_status or tag  # libpq puts it on the last portion with rows, or on the empty one after it
    assert last is not None, "libpq gives at least one result for a statement it could send"
    return {**_command(tag), "fields": _fields(last), "rows": rows, "rowAsArray": statement.array_mode}


def _rows(result: PGresult, statement: Statement, budget: Budget) -> Iterator[Row]:
    columns = range(result.nfields)
    names = [_name(result, column) for column in columns]
    decoders = [None if statement.raw_text else DECODERS.get(result.ftype(column)) for column in columns]
    value_of = result.get_value
    for row in range(result.ntuples):
        values: list[Any] = []
        size = 0
        for column in columns:
            value = value_of(row, column)
            if value is None:
                values.append(None)
                continue
            size += len(value)
            text = value.decode()
            decode = decoders[column]
            values.append(decode(text) if decode else text)
        budget.spend(size)
        yield values if statement.array_mode else dict(zip(names, values, strict=True))


def _fields(result: PGresult) -> list[dict[str, Any]]:
    return [
        {
            "name": _name(result, column),
            "dataTypeID": result.ftype(column),
            "tableID": result.ftable(column),
            "columnID": result.ftablecol(column),
            "dataTypeSize": result.fsize(column),
            "dataTypeModifier": result.fmod(column),
            "format": "text",
        }
        for column in range(result.nfields)
    ]


def _name(result: PGresult, column: int) -> str:
    return (result.fname(column) or b"").decode()


def _command(tag: bytes) -> dict[str, Any]:
    """`INSERT 0 3` → INSERT and 3, `CREATE TABLE` → CREATE and null."""
    words = tag.decode().split()
    count = words[-1] if words else ""
    return {"command": words[0] if words else "", "rowCount": int(count) if count.isdecimal() else None}
