"""The HTTP side: one route that runs SQL, one that says whether it could."""

import asyncio
import contextlib
import functools
import json
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive

from scripts.stores.neon.errors import SqlError
from scripts.stores.neon.pool import CONNECT_S, Account, Pool
from scripts.stores.neon.statement import Budget, Connection, Statement, parse_statement, run
from scripts.stores.neon.values import parse_json

MAX_REQUEST_BYTES = 10 * 1024 * 1024
CLIENT_CLOSED_REQUEST = 499

ISOLATION_LEVELS = {
    "ReadUncommitted": b" ISOLATION LEVEL READ UNCOMMITTED",
    "ReadCommitted": b" ISOLATION LEVEL READ COMMITTED",
    "RepeatableRead": b" ISOLATION LEVEL REPEATABLE READ",
    "Serializable": b" ISOLATION LEVEL SERIALIZABLE",
}


class Endpoint:
    """Statements for whatever account a request names, on the server at `host`:`port`."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._pools: dict[Account, Pool] = {}

    async def sql(self, request: Request) -> Response:
        try:
            account = parse_account(request.headers.get("neon-connection-string"), self._host, self._port)
            pool = self._pools.setdefault(account, Pool(account))
            payload = _parse_payload(await _read_body(request))
            return _json(await _until_disconnect(request.receive, _answer(pool, payload, request.headers)))
        except SqlError as error:
            return _json(error.body, error.status)

    async def health(self, _: Request) -> Response:
        try:
            async with asyncio.timeout(CONNECT_S):
                _reader, writer = await asyncio.open_connection(self._host, self._port)
        except OSError:
            return JSONResponse({"status": "unavailable", "detail": "PostgreSQL cannot be reached"}, 503)
        writer.close()
        return JSONResponse({"status": "ok"})

    async def close(self) -> None:
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))


def create_app(host: str, port: int) -> Starlette:
    """The ASGI application for the PostgreSQL server at `host`:`port`."""
    endpoint = Endpoint(host, port)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await endpoint.close()

    routes = [Route("/sql", endpoint.sql, methods=["POST"]), Route("/health", endpoint.health)]
    return Starlette(routes=routes, lifespan=lifespan)


@functools.lru_cache(maxsize=64)
def parse_account(url: str | None, host: str, port: int) -> Account:
    """User, password and database of a connection string; its host and port are Neon's and do not count here."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        raise SqlError("invalid connection string in the header Neon-Connection-String") from None
    if parts.scheme not in {"postgresql", "postgres"} or not parts.username:
        raise SqlError("the header Neon-Connection-String must be postgresql://user:password@host/database")
    user, password = unquote(parts.username), unquote(parts.password or "")
    account = Account(host, port, user, password, unquote(parts.path.removeprefix("/")) or user)
    if "\0" in account.user + account.password + account.database:
        raise SqlError("invalid connection string in the header Neon-Connection-String")
    return account


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_REQUEST_BYTES:
            raise SqlError(f"request is too large (max is {MAX_REQUEST_BYTES} bytes)", status=413)
    return bytes(body)


def _parse_payload(body: bytes) -> dict[str, Any]:
    try:
        payload = parse_json(body)
    except (ValueError, RecursionError) as error:
        raise SqlError(f"invalid JSON in the request: {error}") from None
    if not isinstance(payload, dict):
        raise SqlError("invalid request: the body is a JSON object")
    return payload


async def _answer(pool: Pool, payload: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    array_mode = headers.get("neon-array-mode") == "true"
    raw_text = headers.get("neon-raw-text-output") == "true"
    budget = Budget()
    if "queries" not in payload:
        statement = parse_statement(payload, array_mode, raw_text)
        async with _connection(pool) as connection:
            return await run(connection, statement, budget)
    if not isinstance(payload["queries"], list):
        raise SqlError('invalid request: "queries" is a list')
    statements = [parse_statement(data, array_mode, raw_text) for data in payload["queries"]]
    begin = _begin(headers)
    async with _connection(pool) as connection:
        await run(connection, begin, budget)
        results = [await run(connection, statement, budget) for statement in statements]
        await run(connection, Statement(b"COMMIT"), budget)
    return {"results": results}


def _begin(headers: Mapping[str, str]) -> Statement:
    level = headers.get("neon-batch-isolation-level")
    if level is not None and level not in ISOLATION_LEVELS:
        raise SqlError(f"invalid isolation level; one of: {', '.join(ISOLATION_LEVELS)}")
    read_only = b" READ ONLY" if headers.get("neon-batch-read-only") == "true" else b""
    deferrable = b" DEFERRABLE" if headers.get("neon-batch-deferrable") == "true" else b""
    return Statement(b"BEGIN" + ISOLATION_LEVELS.get(level or "", b"") + read_only + deferrable)


@contextlib.asynccontextmanager
async def _connection(pool: Pool) -> AsyncIterator[Connection]:
    connection = await pool.take()
    try:
        yield connection
    finally:
        pool.give_back(connection)  # a transaction left open by an error or a lone BEGIN is rolled back there


async def _until_disconnect(receive: Receive, work: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """Awaits the work and cancels it, which cancels its statement, when the client goes away."""
    task = asyncio.current_task()
    assert task is not None, "a request is handled in a task"
    gone = asyncio.ensure_future(receive())  # the body has been read: all that can follow is the disconnect
    gone.add_done_callback(lambda _: task.cancel() if not gone.cancelled() else None)
    try:
        return await work
    except asyncio.CancelledError:
        if not gone.done():
            raise  # the server is stopping
        task.uncancel()
        raise SqlError("the client closed the connection", status=CLIENT_CLOSED_REQUEST) from None
    finally:
        gone.cancel()


def _json(body: Any, status: int = 200) -> Response:
    encoded = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(encoded, status, media_type="application/json")
