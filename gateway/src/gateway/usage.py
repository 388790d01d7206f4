"""Usage events: one row of the analytics database for each request, written in batches after the responses."""

import secrets
from collections import deque
from dataclasses import dataclass
from typing import Any

from dotdo.errors import ServiceError
from dotdo.log import Logger
from dotdo.ports import Bindings, Defer

BATCH = 50
PERIOD_S = 5.0
CAPACITY = 1_000
"""Rows held at most, while db does not take them; what comes on top is dropped and counted."""
LOST_S = 60.0
"""After this long a flush that has not come back was ended by the runtime."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that are stored once however often they are sent: by its token db knows a batch whose answer was lost."""

    token: str
    rows: list[dict[str, Any]]


class Usage:
    """Rows wait for `BATCH` of them or `PERIOD_S` seconds; a response never waits for either."""

    def __init__(self, bindings: Bindings, log: Logger) -> None:
        self._bindings = bindings
        self._log = log
        self._rows: list[dict[str, Any]] = []
        self._batches: deque[Batch] = deque()
        self._waiting_since_s: float | None = None
        self._unwanted = False
        self.dropped = 0

    def add(self, row: dict[str, Any], defer: Defer) -> None:
        """`row`: fields of `api_requests`."""
        if not self._bindings.has("DB"):
            return
        if self._held >= CAPACITY:
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

    @property
    def _held(self) -> int:
        return len(self._rows) + sum(len(batch.rows) for batch in self._batches)

    async def _flush_later(self) -> None:
        try:
            await self._bindings.clock.sleep(PERIOD_S)
            await self._flush()
        finally:
            self._waiting_since_s = None

    async def _flush(self) -> None:
        """All that waits, the oldest first, up to the first batch that is not taken: the rest with the next flush."""
        if self._rows:
            self._batches.append(Batch(secrets.token_hex(16), self._rows))
            self._rows = []
        while self._batches:
            batch = self._batches.popleft()
            try:
                await self._bindings.peer("DB").call("ingest", "api_requests", batch.rows, {"token": batch.token})
            except Exception as error:
                self._failed(batch, error)
                return
            self._unwanted = False

    def _failed(self, batch: Batch, error: Exception) -> None:
        """Keeps the batch as it is; not when the same would happen again: without ClickHouse, which is said once, or with rows
        that db refuses.
        """
        unwanted = isinstance(error, ServiceError) and error.code == "NOT_CONFIGURED"
        refused = isinstance(error, ServiceError) and error.status < 500
        if unwanted or refused or self._held + len(batch.rows) > CAPACITY:
            self.dropped += len(batch.rows)
        else:
            self._batches.appendleft(batch)
        if not (unwanted and self._unwanted):
            self._log.warn("usage.not_written", rows=len(batch.rows), dropped=self.dropped, error=repr(error))
        self._unwanted = unwanted
