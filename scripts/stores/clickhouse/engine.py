"""The engine in this process. Every call blocks, and is made from worker threads; only ClickHouseError comes out."""

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.stores.clickhouse.configuration import prepare
from scripts.stores.clickhouse.errors import UNKNOWN_SETTING, from_engine, refuse

# The connection itself: chdb's public wrapper mangles parameters.
_chdb: Any = importlib.import_module("chdb._chdb")

# The engine gives each query an id of its own. This setting, which means nothing without a query cache, carries the
# request's id instead, so that KILL QUERY finds it.
QUERY_ID_SETTING = "query_cache_tag"

_SETTING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


@dataclass(frozen=True)
class Progress:
    """Rows and bytes, for X-ClickHouse-Summary."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    result_bytes: int = 0
    elapsed_ns: int = 0

    def __add__(self, other: "Progress") -> "Progress":
        return Progress(**{name: value + getattr(other, name) for name, value in vars(self).items()})


class Engine:
    """Bound to one folder; a process can hold one, and a folder has one process."""

    def __init__(self, folder: Path, database: str) -> None:
        self._address = prepare(folder)
        self._open = _checked(lambda: _chdb.connect(self._address))  # keeps the engine up between requests
        _checked(lambda: self._open.query(f"CREATE DATABASE IF NOT EXISTS {quote_name(database)}"))
        self.version = self._value("SELECT version()")
        self.timezone = self._value("SELECT timezone()")

    def connect(self) -> "Handle":
        """An isolated session: its database, settings and temporary tables are its own."""
        return Handle(_checked(lambda: _chdb.connect(self._address)))

    def kill(self, query_id: str) -> None:
        """Asks the query to stop; returns at once."""
        self._kill(f"Settings['{QUERY_ID_SETTING}'] = {quote(query_id)}")

    def kill_all(self) -> None:
        self._kill("1")

    def close(self) -> None:
        self._open.close()

    def _kill(self, condition: str) -> None:
        handle = self.connect()
        try:
            handle.run(f"KILL QUERY WHERE {condition} ASYNC".encode(), "TSV", {})
        finally:
            handle.close()

    def _value(self, sql: str) -> str:
        value: str = _checked(lambda: self._open.query(sql, "TSVRaw")).bytes().decode().strip()
        return value


class Handle:
    """One session of the engine. Used by one thread at a time."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def use(self, database: str) -> None:
        self.run(f"USE {quote_name(database)}".encode(), "Null", {})

    def set(self, settings: Mapping[str, str]) -> None:
        """Values as the URL has them; the engine checks and converts."""
        if not settings:
            return
        for name in settings:
            if not _SETTING_NAME.fullmatch(name):
                raise refuse(UNKNOWN_SETTING, f"Unknown setting '{name}'")
        changes = ", ".join(f"{name} = {quote(value)}" for name, value in settings.items())
        self.run(f"SET {changes}".encode(), "Null", {})

    def classify(self, sql: bytes) -> tuple[int, bool]:
        """How many statements the engine's parser finds, 0 when it cannot parse all of it; and whether they only read."""
        found = self._connection.classify_query(sql)
        return found["statement_count"], found["query_class"] == _chdb.query_class.READ_ONLY

    def run(self, sql: bytes, output_format: str, params: Mapping[str, str]) -> tuple[bytes, Progress]:
        """The whole result at once. `params` are in the escaped form of a URL's param_…"""
        result = _checked(lambda: self._connection.query(sql, output_format, params=dict(params)))
        return result.bytes(), _progress(result)

    def stream(self, sql: bytes, output_format: str, params: Mapping[str, str]) -> "Rows":
        """The result part by part; each part is a complete text of the format."""
        return Rows(
            self._connection, _checked(lambda: self._connection.send_query(sql, output_format, params=dict(params)))
        )

    def insert(self, sql: bytes, input_format: str) -> "Insertion":
        """Takes data for an INSERT that ends before its FORMAT."""
        return Insertion(self._connection, _checked(lambda: self._connection.send_insert(sql, input_format)))

    def close(self) -> None:
        self._connection.close()


class Rows:
    """A result being read."""

    def __init__(self, connection: Any, stream: Any) -> None:
        self._connection = connection
        self._stream = stream
        self._ended = False
        self.progress = Progress()

    def fetch(self) -> bytes:
        """The next part; empty at the end."""
        self._ended = True  # by an error, unless a part comes
        result = _checked(lambda: self._connection.streaming_fetch_result(self._stream))
        part: bytes = result.bytes()
        if part:
            self.progress += _progress(result)
            self._ended = False
        return part

    def cancel(self, engine: Engine, query_id: str) -> None:
        """Gives up what was not fetched, so that the handle can be used again."""
        if not self._ended:
            self._ended = True
            engine.kill(query_id)  # a cancel alone would wait for the next block of rows, if there ever is one
            self._connection.streaming_cancel_query(self._stream)


class Insertion:
    """An INSERT being fed."""

    def __init__(self, connection: Any, stream: Any) -> None:
        self._connection = connection
        self._stream = stream

    def append(self, data: bytes) -> None:
        """Blocks while the engine has enough to do."""
        try:
            self._connection.insert_append(self._stream, data)
        except RuntimeError:
            self.finish()  # says why
            raise

    def finish(self) -> Progress:
        """Returns when everything is stored."""
        return _progress(_checked(lambda: self._connection.insert_done(self._stream)))

    def cancel(self) -> None:
        """What was not yet stored is dropped."""
        self._connection.insert_cancel(self._stream)


def quote(value: str) -> str:
    """A string literal."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def quote_name(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def _checked(call: Callable[[], Any]) -> Any:
    try:
        result = call()
    except RuntimeError as error:
        raise from_engine(str(error)) from None
    failed = getattr(result, "has_error", None)
    if failed is not None and failed():
        raise from_engine(result.error_message())
    return result


def _progress(result: Any) -> Progress:
    return Progress(
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        result_rows=result.rows_read(),
        result_bytes=result.bytes_read(),
        elapsed_ns=round(result.elapsed() * 1e9),
    )
