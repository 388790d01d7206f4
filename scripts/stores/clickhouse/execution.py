"""Runs one statement on one handle. Everything here blocks and belongs on a worker thread."""

import contextlib
import tempfile
from dataclasses import dataclass
from typing import Protocol

from scripts.stores.clickhouse import formats
from scripts.stores.clickhouse.access import check, check_values
from scripts.stores.clickhouse.compression import COMPRESSORS, Compressor
from scripts.stores.clickhouse.engine import QUERY_ID_SETTING, Engine, Insertion, Progress, Rows
from scripts.stores.clickhouse.errors import READONLY, SYNTAX_ERROR, ClickHouseError, refuse
from scripts.stores.clickhouse.request import QueryRequest
from scripts.stores.clickhouse.sessions import Restored, Session
from scripts.stores.clickhouse.statement import Insert, Statement

# A result that is complete within so many bytes is sent with Content-Length and its final summary.
SMALL_BYTES = 64 * 1024
PART_BYTES = 1024 * 1024

KILLS_BY_ID = (b"QUERY_ID", b"INITIAL_QUERY_ID")


class Rest(Protocol):
    """What follows the beginning of a result."""

    ended: bool

    def fetch(self) -> bytes:
        """Some more; at the end `ended` is true. May be empty before that, while a compressor collects."""
        ...

    def fail(self, last_words: bytes) -> bytes:
        """What to send instead of the rest."""
        ...


@dataclass
class Result:
    """What there is to send: all of it, or a beginning and the rest."""

    format: str | None
    """None when the statement has no result, not even an empty one."""
    body: bytes
    progress: Progress
    rest: Rest | None = None


class Lease:
    """A handle for one request: a fresh one, or its session's, which is then left as it was."""

    def __init__(self, engine: Engine, request: QueryRequest, session: Session | None) -> None:
        """Raises ClickHouseError for a database or setting that the engine rejects."""
        self.rows: Rows | None = None
        self._engine = engine
        self._query_id = request.query_id
        self._restored: Restored | None = None
        settings = {QUERY_ID_SETTING: request.query_id, **request.settings}
        if session is None:
            self.handle = engine.connect()
        else:
            self.handle = session.handle = session.handle or engine.connect()
            settings.pop("readonly", None)  # could not be undone; run() refuses what it forbids
            self._restored = Restored(self.handle, settings, request.database)
        try:
            if request.database:
                self.handle.use(request.database)
            self.handle.set(settings)
        except BaseException:
            self.release()
            raise

    def release(self, *, keep_database: bool = False) -> None:
        """Ends what is still running on the handle, and gives it back."""
        if self.rows is not None:
            self.rows.cancel(self._engine, self._query_id)
        if self._restored is None:
            self.handle.close()
        else:
            with contextlib.suppress(ClickHouseError):  # a session that has set itself readonly stays as it is
                self._restored.undo(keep_database=keep_database)


def run(lease: Lease, request: QueryRequest, statement: Statement) -> Result:
    """Runs up to the first part of the result. Raises ClickHouseError."""
    handle = lease.handle
    check(statement.text, statement.tokens)
    text = _kill_by_request_id(statement) if statement.first_word == b"KILL" else statement.text
    statements, reads = handle.classify(text)
    if statements > 1:
        raise refuse(SYNTAX_ERROR, "Syntax error (Multi-statements are not allowed)")
    if request.readonly and not reads and statement.first_word not in (b"SET", b"USE"):
        raise refuse(READONLY, "Cannot execute query in readonly mode. For queries that change something, use POST")
    output_format = statement.format or request.format
    compressor = COMPRESSORS[request.accepted_encoding]() if request.accepted_encoding else None
    extremes = request.settings.get("extremes", "0") != "0"
    if not reads or extremes or not statement.streams or not formats.streamed(output_format):
        body, progress = handle.run(text, output_format, request.params)
        if not body and not reads and statement.first_word != b"KILL":
            return Result(None, b"", progress)
        return Result(output_format, compressor.compress(body) + compressor.flush() if compressor else body, progress)
    lease.rows = handle.stream(text, output_format, request.params)
    parts = _Parts(lease.rows, output_format, compressor)
    body = b""
    while len(body) < SMALL_BYTES and not parts.ended:
        body += parts.fetch()
    rest: Rest | None = None if parts.ended else parts
    if rest is not None and request.wait_end_of_query:
        rest = _Collected(parts)
    return Result(output_format, body, parts.progress, rest)


def begin_insert(lease: Lease, request: QueryRequest, insert: Insert) -> Insertion:
    """Starts an INSERT that waits for data. Raises ClickHouseError."""
    handle = lease.handle
    check(insert.text, insert.tokens)
    if request.readonly:
        raise refuse(READONLY, "Cannot execute query in readonly mode. For queries that change something, use POST")
    if request.params:
        handle.set({f"param_{name}": value for name, value in request.params.items()})
    return handle.insert(insert.text, insert.format)


def finish_insert(insertion: Insertion, insert: Insert, data: bytes) -> Result:
    """Stores what was appended and `data`. VALUES come here all at once, because they may hold expressions."""
    if insert.evaluates:
        try:
            check_values(data)
        except ClickHouseError:
            insertion.cancel()
            raise
    if data:
        insertion.append(data)
    return Result(None, b"", insertion.finish())


class _Parts:
    """A streamed result in pieces of moderate size, without the headers that each part but the first repeats."""

    def __init__(self, rows: Rows, output_format: str, compressor: Compressor | None) -> None:
        self._rows = rows
        self._format = output_format
        self._compressor = compressor
        self._header = b""
        self._part = b""
        self._position = 0
        self.ended = False

    @property
    def progress(self) -> Progress:
        return self._rows.progress

    def fetch(self) -> bytes:
        if self._position == len(self._part):
            self._part = b""  # frees it before the next one is made
            self._part = self._rows.fetch()
            if not self._part:
                self.ended = True
                return self._compressor.flush() if self._compressor else b""
            self._position = self._repeated()
        piece = self._part[self._position : self._position + PART_BYTES]
        self._position += len(piece)
        return self._compressor.compress(piece) if self._compressor else piece

    def fail(self, last_words: bytes) -> bytes:
        return self._compressor.compress(last_words) + self._compressor.flush() if self._compressor else last_words

    def _repeated(self) -> int:
        """How much of the part was sent before, as header of the first one."""
        size = formats.header_size(self._format, self._part)
        if self._header and self._part[:size] == self._header:
            return size
        self._header = self._part[:size]
        return 0


class _Collected:
    """Parts gathered in a file, so that an error of any of them comes before the first is sent."""

    def __init__(self, parts: _Parts) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed when the result is dropped
        while not parts.ended:
            self._file.write(parts.fetch())
        self._left = self._file.tell()
        self._file.seek(0)
        self.ended = False

    def fetch(self) -> bytes:
        data = self._file.read(PART_BYTES)
        self._left -= len(data)
        self.ended = self._left == 0
        return data

    def fail(self, last_words: bytes) -> bytes:
        return last_words


def _kill_by_request_id(statement: Statement) -> bytes:
    """KILL QUERY WHERE query_id = …, with the id that requests have in place of the engine's own."""
    text = statement.text
    for token in reversed(statement.tokens):
        name = token.name
        if name is not None and name.upper() in KILLS_BY_ID:
            text = text[: token.start] + f"Settings['{QUERY_ID_SETTING}']".encode() + text[token.end :]
    return text
