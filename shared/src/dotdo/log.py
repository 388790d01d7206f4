"""Structured logs: one JSON object a line, nothing in it that a log must not hold.

Only named fields are written. Values whose field name says secret are replaced, and so is anything that looks like one of
our credentials, wherever it stands.
"""

import json
import re
import time
from collections.abc import Callable
from functools import lru_cache

from dotdo.instants import rfc3339
from dotdo.tracing import under_way

_SECRET_FIELD = re.compile(r"password|secret|token|authorization|cookie|api_?key|credential|connection", re.IGNORECASE)
_CREDENTIAL = re.compile(r"sk_(?:live|test)_\w+|eyJ[\w-]+\.[\w-]+\.[\w-]*|postgres(?:ql)?://\S+")
_REDACTED = "[redacted]"
_SUSPICIOUS = re.compile(r"sk_|eyJ|postgres")
"""How each credential begins. A line without any, which is nearly every one, is looked at once and not field by field."""


# ASCII only: text with half a surrogate pair, which JSON from outside may hold, could not be written as UTF-8.
_JSON = json.JSONEncoder()
_PLAIN = frozenset({str, int, float, bool})


class Logger:
    """Writes lines for one service; each carries the ids of the request under way and of its trace."""

    def __init__(self, service: str, write_line: Callable[[str], object] = print) -> None:
        self._service = service
        self._write_line = write_line

    def info(self, event: str, **fields: object) -> None:
        self._write("info", event, fields)

    def warn(self, event: str, **fields: object) -> None:
        self._write("warn", event, fields)

    def error(self, event: str, **fields: object) -> None:
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        line: dict[str, object] = {
            "time": rfc3339(time.time()),
            "level": level,
            "service": self._service,
            "event": event,
        }
        if trace := under_way():
            line["request_id"], line["trace_id"] = trace.request_id, trace.trace_id
        for name, value in fields.items():
            if value is not None:
                line[name] = value if type(value) in _PLAIN and not _is_secret(name) else _clean(name, value)
        text = _JSON.encode(line)
        if _SUSPICIOUS.search(text):
            text = _JSON.encode({name: _clean(name, value) for name, value in line.items()})
        self._write_line(text)


@lru_cache(maxsize=512)
def _is_secret(name: str) -> bool:
    return _SECRET_FIELD.search(name) is not None


def _clean(name: str, value: object) -> object:
    if _is_secret(name):
        return _REDACTED
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {_CREDENTIAL.sub(_REDACTED, str(key)): _clean(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(name, item) for item in value]
    return _CREDENTIAL.sub(_REDACTED, str(value))
