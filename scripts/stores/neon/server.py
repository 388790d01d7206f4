"""The HTTP side: one route that runs SQL, one that says whether it could."""

import asyncio
import contextlib
import functools
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive

from scripts.stores.neon.errors import NOT_REACHED, SqlError
from scripts.stores.neon.pool import CONNECT_S, Account, Pool
from scripts.stores.neon.statement import Budget, Connection, Statement, parse_statement, run
from scripts.stores.neon.values import parse_json

MAX_REQUEST_BYTES = 10 * 1024 * 1024
CLIENT_CLOSED_REQUEST = 499

ISOLATION_LEVELS = {
    "ReadUncommitted": " ISOLATION LEVEL READ UNCOMMITTED",
    "ReadCommitted": " ISOLATION LEVEL READ COMMITTED",
    "RepeatableRead": " ISOLATION LEVEL REPEATABLE READ",
    "Serializable": " ISOLATION LEVEL SERIALIZABLE",
}


class Endpoint:
    """Statements for whatever account a request names, on the server at `host`:`port`."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._pools: dict[Account, Pool] = {}
        self._account = functools.lru_cache(maxsize=64)(self._parse_account)

    async def sql(self, request: Request) -> Response:
        try:
            pool = self._pool(request.headers.get("neon-connection-string"))
            payload = _payload(await _body(request))
            work = functools.partial(self._answer, pool, payload, request.headers)
            async with _ended_by_disconnect(request.receive) as gone:
                return _json(await work())
            return Response(status_code=CLIENT_CLOSED_REQUEST) if gone else Response(status_code=500)
        except SqlError as error:
            return _json(error.body, error.status)

    async def health(self, _: Request) -> Response:
        try:
            async with asyncio.timeout(CONNECT_S):
                _, writer = await asyncio.open_connection(self._host, self._port)
        except OSError:
            return JSONResponse({"status": "unavailable", "detail": "PostgreSQL cannot be reached"}, 503)
        writer.close()
        return JSONResponse({"status": "ok"})

    async def close(self) -> None:
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))
