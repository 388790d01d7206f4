"""Connections of one account, kept open between requests.

Smaller than psycopg_pool on purpose: a connection that PostgreSQL refuses has to fail the request that needed it, at once and
with the server's own reason, where a pool that connects in the background lets requests wait for its timeout.
"""

import asyncio
import contextlib
import select
from dataclasses import dataclass, field

import psycopg
from psycopg import generators
from psycopg.pq import ExecStatus, TransactionStatus

from scripts.stores.neon.errors import SqlError, from_refusal
from scripts.stores.neon.statement import Connection

LIMIT = 32
WAIT_S = 10.0
CONNECT_S = 5
CLOSE_S = 3.0


@dataclass(frozen=True)
class Account:
    """Who connects to which database where; a pool's key."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str


class Pool:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._idle: list[Connection] = []  # last in, first out: the warmest caches serve
        self._slots = asyncio.Semaphore(LIMIT)
        self._resets: set[asyncio.Task[None]] = set()

    async def take(self) -> Connection:
        """A connection without any session state. Raises SqlError: the account is refused, or nobody gives one back in time."""
        try:
            async with asyncio.timeout(WAIT_S):
                await self._slots.acquire()
        except TimeoutError:
            raise SqlError(f"no connection became free within {WAIT_S:.0f} s", "53300", 500) from None
        try:
            while self._idle:
                connection = self._idle.pop()
                if _alive(connection):
                    return connection
                await connection.close()
            return await self._connect()
        except BaseException:
            self._slots.release()
            raise

    def give_back(self, connection: Connection) -> None:
        """Cleans the connection behind the request's back; the next request finds it without what this one left."""
        task = asyncio.create_task(self._reset(connection))
        self._resets.add(task)
        task.add_done_callback(self._resets.discard)

    async def close(self) -> None:
        """Waits for requests that are being cancelled: their statements end with them, not when the server notices."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                for _ in range(LIMIT):
                    await self._slots.acquire()
        for connection in self._idle:
            await connection.close()

    async def _connect(self) -> Connection:
        who = self._account
        try:
            return await psycopg.AsyncConnection.connect(
                host=who.host, port=who.port, user=who.user, password=who.password, dbname=who.database,
                autocommit=True, connect_timeout=CONNECT_S, client_encoding="utf8", gssencmode="disable",
            )  # fmt: skip
        except psycopg.OperationalError as error:
            raise from_refusal(str(error)) from None

    async def _reset(self, connection: Connection) -> None:
        try:
            if await _clean(connection):
                self._idle.append(connection)
            else:
                await connection.close()
        finally:
            self._slots.release()


def _alive(connection: Connection) -> bool:
    """Whether nothing has arrived since the last answer: an idle connection only hears when the server ends it."""
    if connection.closed:
        return False
    readable = select.poll()
    readable.register(connection.pgconn.socket, select.POLLIN)
    return not readable.poll(0)


async def _clean(connection: Connection) -> bool:
    """Takes back transaction, settings, locks, temporary tables. False when that failed, or when a statement still ran."""
    pgconn = connection.pgconn
    with contextlib.suppress(psycopg.Error):
        if pgconn.transaction_status == TransactionStatus.ACTIVE:
            await connection.cancel_safe(timeout=CONNECT_S)
            return False
        if pgconn.transaction_status != TransactionStatus.IDLE:
            await _succeeds(connection, b"ROLLBACK")
        return await _succeeds(connection, b"DISCARD ALL")
    return False


async def _succeeds(connection: Connection, command: bytes) -> bool:
    connection.pgconn.send_query_params(command, None)
    results = await connection.wait(generators.execute(connection.pgconn))
    return all(result.status == ExecStatus.COMMAND_OK for result in results)
