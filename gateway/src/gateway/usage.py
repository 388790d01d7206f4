"""Usage events: one row of the analytics database for each request, written in batches after the responses."""

from typing import Any

from dotdo.log import Logger
from dotdo.ports import Bindings, Defer

BATCH = 50
PERIOD_S = 5.0
CAPACITY = 1_000
"""Rows held at most, while db does not take them; what comes on top is dropped and counted."""
LOST_S = 60.0
"""After this long a flush that has not come back was ended by the runtime."""


class Usage:
    """Rows wait for `BATCH` of them or `PERIOD_S` seconds; a response never waits for either."""

    def __init__(self, bindings: Bindings, log: Logger) -> None:
        self._bindings = bindings
        self._log = log
        self._rows: list[dict[str, Any]] = []
        self._waiting_since_s: float | None = None
        self.dropped = 0

    def add(self, row: dict[str, Any], defer: Defer) -> None:
        """`row`: fields of `api_requests`."""
        if not self._bindings.has("DB"):
            return
        if len(self._rows) >= CAPACITY:
            self.dropped += 1
            return
        self._rows.append(row)
        if len(self._rows) == BATCH:
            defer(self._flush())
            return
        now_s = self._bindings.clock.now_s()
        if self._waiting_since_s is None or now_s - self._waiting_since_s > LOST_S:
            self._waiting_since_s = now_s
            defer(self._flush_later())

    async def _flush_later(self) -> None:
        try:
            await self._bindings.clock.sleep(PERIOD_S)
            await self._flush()
        finally:
            self._waiting_since_s = None

    async def _flush(self) -> None:
        rows, self._rows = self._rows, []
        if not rows:
            return
        try:
            await self._bindings.peer("DB").call("ingest", "api_requests", rows)
        except Exception as error:
            waiting = rows + self._rows
            self._rows = waiting[:CAPACITY]
            self.dropped += len(waiting) - len(self._rows)
            self._log.warn("usage.not_written", rows=len(rows), dropped=self.dropped, error=repr(error))
