"""Sessions by id: handles that stay open between requests, one request at a time each."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scripts.stores.clickhouse.engine import Handle, quote
from scripts.stores.clickhouse.errors import SESSION_IS_LOCKED, SESSION_NOT_FOUND, refuse
from scripts.stores.clickhouse.request import SessionRequest


@dataclass
class Session:
    expires: float = 0
    busy: bool = True
    handle: Handle | None = None
    """Opened by the session's first request."""


class Sessions:
    """Used from the event loop; the handles only from worker threads."""

    def __init__(self) -> None:
        self._open: dict[str, Session] = {}

    def take(self, wanted: SessionRequest) -> Session:
        """Raises ClickHouseError when the session is in use, or has to exist and does not."""
        session = self._open.get(wanted.id)
        if session is None:
            if wanted.must_exist:
                raise refuse(SESSION_NOT_FOUND, f"Session '{wanted.id[:100]}' not found")
            session = self._open[wanted.id] = Session()
        elif session.busy:
            raise refuse(SESSION_IS_LOCKED, f"Session '{wanted.id[:100]}' is locked by a concurrent client")
        session.busy = True
        return session

    def give_back(self, session: Session, timeout_s: int) -> None:
        session.expires = time.monotonic() + timeout_s
        session.busy = False

    def take_expired(self) -> list[Handle]:
        """The handles of the sessions whose time has come, for the caller to close."""
        now = time.monotonic()
        over = [name for name, session in self._open.items() if not session.busy and session.expires <= now]
        handles = [self._open.pop(name).handle for name in over]
        return [handle for handle in handles if handle is not None]

    def close(self) -> None:
        for session in self._open.values():
            if session.handle is not None:
                session.handle.close()
        self._open.clear()


class Restored:
    """What one request changes of a session and the next must not see: its settings and its database."""

    def __init__(self, handle: Handle, settings: Mapping[str, str], database: str) -> None:
        self._handle = handle
        names = ", ".join(quote(name) for name in settings)
        changed = f"SELECT name, changed, value FROM system.settings WHERE name IN ({names})"
        self._was = _rows(handle, changed) if names else []
        self._was_database = _rows(handle, "SELECT currentDatabase()")[0][0] if database else ""

    def undo(self, *, keep_database: bool) -> None:
        back = [f"{name} = {quote(value) if changed else 'DEFAULT'}" for name, changed, value in self._was]
        if back:
            self._handle.run(f"SET {', '.join(back)}".encode(), "Null", {})
        if self._was_database and not keep_database:
            self._handle.use(self._was_database)


def _rows(handle: Handle, sql: str) -> list[list[Any]]:
    lines = handle.run(sql.encode(), "JSONCompactEachRow", {})[0].splitlines()
    return [json.loads(line) for line in lines]
