"""One request's statement on the worker threads, and the watch for a client that goes away meanwhile."""

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from scripts.stores.clickhouse import execution
from scripts.stores.clickhouse.body import Body, ClientGone
from scripts.stores.clickhouse.engine import Engine, Insertion
from scripts.stores.clickhouse.errors import QUERY_IS_TOO_LARGE, refuse
from scripts.stores.clickhouse.execution import Lease, Result
from scripts.stores.clickhouse.request import QueryRequest
from scripts.stores.clickhouse.sessions import Session, Sessions
from scripts.stores.clickhouse.statement import Insert, Statement

# Statements at a time; more wait. KILL QUERY for clients that went away has threads of its own.
WORKERS = 32
KILLERS = 2
KILL_AGAIN_S = 0.2
# An INSERT with less data than this runs in one go.
SMALL_INSERT_BYTES = 1024 * 1024
MAX_VALUES_BYTES = 64 * 1024 * 1024
# Statements that end when nobody waits for their result; others run to their end, as on a real server.
READS = (b"SELECT", b"WITH", b"FROM", b"SHOW", b"DESCRIBE", b"DESC", b"EXPLAIN", b"EXISTS", b"CHECK", b"(")

T = TypeVar("T")


class Workplace:
    """The engine, the threads that call it, and the open sessions."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sessions = Sessions()
        self.workers = ThreadPoolExecutor(WORKERS, "query")
        self.killers = ThreadPoolExecutor(KILLERS, "kill")

    def close(self) -> None:
        """Cancels the statements that run, waits for their end, then closes the engine."""
        self.engine.kill_all()
        self.workers.shutdown(cancel_futures=True)
        self.killers.shutdown()
        self.sessions.close()
        self.engine.close()


class Exchange:
    """To be closed before the answer is complete, so that the client's next request finds its session free."""

    def __init__(self, place: Workplace, request: QueryRequest) -> None:
        """Raises ClickHouseError when the request's session is in use or missing."""
        self._place = place
        self._request = request
        self._session: Session | None = None
        self._lease: Lease | None = None
        self._gone: asyncio.Task[None] | None = None
        self._keep_database = False
        if request.session is not None:
            for expired in place.sessions.take_expired():
                place.workers.submit(expired.close)
            self._session = place.sessions.take(request.session)

    async def run(self, statement: Statement, body: Body) -> Result:
        """The result or its beginning. Raises ClickHouseError and ClientGone."""
        self._keep_database = statement.first_word == b"USE"
        if statement.first_word in READS:
            self._gone = body.disconnect()
        return await self.call(lambda: execution.run(self._take(), self._request, statement))

    async def insert(self, insert: Insert, body: Body) -> Result:
        """Feeds the body to the INSERT. Raises ClickHouseError, and ClientGone when the body breaks off."""
        data = insert.data + await body.read(MAX_VALUES_BYTES if insert.evaluates else SMALL_INSERT_BYTES)
        if not body.ended and insert.evaluates:
            raise refuse(QUERY_IS_TOO_LARGE, f"VALUES are limited to {MAX_VALUES_BYTES} bytes; formats are not")

        def begin() -> Insertion:
            return execution.begin_insert(self._take(), self._request, insert)

        if body.ended:
            return await self.call(lambda: execution.finish_insert(begin(), insert, data))
        return await self._feed(await self.call(begin), insert, data, body)

    async def call(self, work: Callable[[], T]) -> T:
        """Runs on a worker thread. Raises ClientGone, after the statement has ended, when the client went away."""
        running = self._place.workers.submit(work)
        future = asyncio.wrap_future(running)
        if self._gone is None:
            return await future
        waiting: set[asyncio.Future[Any]] = {future, self._gone}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self._gone.done():
            await self._end(running, future)
            raise ClientGone
        return future.result()

    async def close(self) -> None:
        """Gives handle and session back; an unfinished result is dropped. May be called again."""
        if self._gone is not None:
            self._gone.cancel()
        lease, self._lease = self._lease, None
        if lease is not None:
            release = functools.partial(lease.release, keep_database=self._keep_database)
            await asyncio.get_running_loop().run_in_executor(self._place.workers, release)
        session, self._session = self._session, None
        if session is not None and self._request.session is not None:
            self._place.sessions.give_back(session, self._request.session.timeout_s)

    async def _feed(self, insertion: Insertion, insert: Insert, data: bytes, body: Body) -> Result:
        try:
            while not body.ended:
                await self.call(functools.partial(insertion.append, data))
                data = await body.read(SMALL_INSERT_BYTES)
        except (ClientGone, asyncio.CancelledError):
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._place.workers, insertion.cancel))
            raise
        return await self.call(lambda: execution.finish_insert(insertion, insert, data))

    async def _end(self, running: Future[T], future: "asyncio.Future[T]") -> None:
        """Returns when nothing runs any more."""
        kill = functools.partial(self._place.engine.kill, self._request.query_id)
        while not future.done() and not running.cancel():  # a kill too early finds nothing
            await asyncio.get_running_loop().run_in_executor(self._place.killers, kill)
            await asyncio.wait({future}, timeout=KILL_AGAIN_S)
        await asyncio.wait({future})
        if not future.cancelled():
            future.exception()  # nobody wants to know

    def _take(self) -> Lease:
        self._lease = Lease(self._place.engine, self._request, self._session)
        return self._lease
