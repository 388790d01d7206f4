"""ClickHouse's HTTP interface as an ASGI application.

/ping and /; for a query: credentials, then the statement, which may begin in the URL and go on in the body, then the answer.
"""

import contextlib
import dataclasses

from starlette.types import Receive, Scope, Send

from scripts.stores.clickhouse.answer import Answer
from scripts.stores.clickhouse.body import Body, ClientGone
from scripts.stores.clickhouse.engine import Engine
from scripts.stores.clickhouse.errors import QUERY_IS_TOO_LARGE, SYNTAX_ERROR, ClickHouseError, refuse
from scripts.stores.clickhouse.exchange import Exchange, Workplace
from scripts.stores.clickhouse.execution import Rest, Result
from scripts.stores.clickhouse.form import with_form
from scripts.stores.clickhouse.request import QueryRequest, authenticate, headers_of, parameters_of, parse_request
from scripts.stores.clickhouse.statement import Insert, Statement, parse

# The engine's max_query_size: within so many bytes an INSERT must come to its data.
HEAD_BYTES = 256 * 1024
MAX_STATEMENT_BYTES = 64 * 1024 * 1024


class Server:
    """One account, one folder of databases."""

    def __init__(self, engine: Engine, user: str, password: str, database: str) -> None:
        self._engine = engine
        self._account = (user, password)
        self._database = database
        self._place = Workplace(engine)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = Answer(send, self._engine.version, self._engine.timezone)
        path, method = scope["path"], scope["method"]
        if path == "/ping" or (path == "/" and method in ("GET", "HEAD") and not scope["query_string"]):
            await answer.plain(200, "Ok.\n")
        elif path != "/":
            await answer.plain(404, f"There is no handle {path[:100]}\n\nUse / or /ping for health checks.\n")
        elif method not in ("GET", "HEAD", "POST"):
            await answer.plain(405, f"{method} is not allowed; use GET for reading and POST for everything\n")
        else:
            await self._query(scope, receive, answer)

    def stop_queries(self) -> None:
        """Cancels what runs, so that a stop need not wait for it."""
        self._engine.kill_all()

    def close(self) -> None:
        self._place.close()

    async def _query(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        try:
            headers, parameters = headers_of(scope), parameters_of(scope)
            answer.headers["x-clickhouse-query-id"] = parameters.get("query_id", b"").decode("latin-1")
            authenticate(headers, parameters, *self._account)
            request = parse_request(scope["method"], headers, parameters, self._database)
            answer.headers["x-clickhouse-query-id"] = request.query_id
            if "session_timezone" in request.settings:
                answer.headers["x-clickhouse-timezone"] = request.settings["session_timezone"]
            body = Body(receive, request.content_encoding)
            if request.form:
                request = with_form(request, await _read_all(body))
            exchange = Exchange(self._place, request)
            try:
                await _answer(exchange, request, body, answer)
            finally:
                await exchange.close()
        except ClickHouseError as error:
            if not answer.started:
                await answer.error(error)
        except ClientGone:
            pass


async def _answer(exchange: Exchange, request: QueryRequest, body: Body, answer: Answer) -> None:
    statement = await _read_statement(request, body)
    if isinstance(statement, Insert):
        result = await exchange.insert(statement, body)
    else:
        result = await exchange.run(statement, body)
    coding = request.accepted_encoding
    if result.rest is not None:
        await _send_parts(exchange, result, result.rest, coding, answer)
    else:
        await exchange.close()
        await answer.result(result.format, coding if result.format else "", result.progress, result.body)


async def _send_parts(exchange: Exchange, result: Result, rest: Rest, coding: str, answer: Answer) -> None:
    await answer.begin(result.format, coding, result.progress)
    await answer.part(result.body, last=False)
    try:
        while not rest.ended:
            data = await exchange.call(rest.fetch)
            if rest.ended:
                await exchange.close()
            if data or rest.ended:
                await answer.part(data, last=rest.ended)
    except ClickHouseError as error:
        # Without its last part the answer stays incomplete, and the connection is closed.
        await answer.part(rest.fail(answer.last_words(error)), last=False)


async def _read_statement(request: QueryRequest, body: Body) -> Statement | Insert:
    """Reads as much of the body as belongs to the statement. Raises ClickHouseError."""
    if request.query.strip():
        with contextlib.suppress(ClickHouseError):  # it may go on in the body
            statement = parse(request.query)
            if isinstance(statement, Insert):
                data = statement.data
                return dataclasses.replace(statement, data=data + b"\n" if data.strip() else b"")
    text = request.query + b"\n" if request.query else b""
    text += await body.read(HEAD_BYTES)
    with contextlib.suppress(ClickHouseError):
        statement = parse(text)
        if isinstance(statement, Insert):
            return statement
    statement = parse(text + await _read_all(body))
    if not statement.tokens:
        raise refuse(SYNTAX_ERROR, "Syntax error: Empty query")
    return statement


async def _read_all(body: Body) -> bytes:
    data = await body.read(MAX_STATEMENT_BYTES)
    if not body.ended:
        raise refuse(QUERY_IS_TOO_LARGE, f"The statement is longer than {MAX_STATEMENT_BYTES} bytes")
    return data
