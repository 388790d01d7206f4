"""Request ids and W3C trace context (https://www.w3.org/TR/trace-context/): validated, continued or created.

The trace of the request under way is a context variable: each request runs in a task of its own, so log lines and
downstream calls find theirs without every function handing it on.
"""

import re
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from dotdo.ids import uuid7

REQUEST_ID_HEADER = "x-request-id"
TRACEPARENT_HEADER = "traceparent"

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.\-]{1,128}\Z")
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})\Z")


@dataclass(frozen=True, slots=True)
class Trace:
    """Carried by every call and log line of one request."""

    request_id: str
    traceparent: str

    @property
    def trace_id(self) -> str:
        return self.traceparent[3:35]

    @property
    def headers(self) -> dict[str, str]:
        return {REQUEST_ID_HEADER: self.request_id, TRACEPARENT_HEADER: self.traceparent}


def trace_from(headers: Mapping[str, str]) -> Trace:
    """The caller's trace when its headers (lower-case names) are well formed, else a new one. Our own span either way."""
    request_id = headers.get(REQUEST_ID_HEADER, "")
    if not _REQUEST_ID.match(request_id):
        request_id = f"req_{uuid7()}"
    parent = _TRACEPARENT.match(headers.get(TRACEPARENT_HEADER, ""))
    chance = secrets.token_hex(24)  # at once: each asking costs a way into JavaScript
    trace_id, flags = parent.groups() if parent else (chance[:32], "01")
    return Trace(request_id, f"00-{trace_id}-{chance[32:]}-{flags}")


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def begin(trace: Trace | None = None) -> Trace:
    """Makes this the trace of the current task; a new one for work that no request started, such as a cron run."""
    trace = trace or trace_from({})
    _current.set(trace)
    return trace


def current() -> Trace:
    """The trace of the current task, begun now if it has none."""
    return _current.get() or begin()


def under_way() -> Trace | None:
    """The trace of the current task, if it has one."""
    return _current.get()


def current_request_id() -> str | None:
    trace = under_way()
    return trace.request_id if trace else None
