"""Calls between Workers.

A JavaScript caller uses the camelCase methods and gets plain objects; a failed call rejects with `CODE: detail`. A Python
peer uses `callJson`, one JSON text each way, several times cheaper than nested values: the answer is `{"ok": result}` or
`{"error": {code, status, title, detail, retryable}}`.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from dotdo.errors import ServiceError, unavailable
from dotdo.nesting import parse_json
from dotdo.tracing import Trace, current

CALL_JSON = "callJson"

_compact_json = json.JSONEncoder(separators=(",", ":")).encode

Send = Callable[[str], Awaitable[str]]


def rejection_message(error: ServiceError) -> str:
    """All that a JavaScript caller gets to see of a failed call."""
    return f"{error.code}: {error.detail}"


def error_envelope(error: ServiceError) -> str:
    fields = {
        "code": error.code,
        "status": error.status,
        "title": error.title,
        "detail": error.detail,
        "retryable": error.retryable,
    }
    return json.dumps({"error": fields})


def ok_envelope(result_json: str) -> str:
    return f'{{"ok":{result_json}}}'


def parse_call(text: str) -> tuple[str, list[Any], Trace | None]:
    """Method, positional parameters and trace of a `callJson` request. Raises ValueError for anything else."""
    match parse_json(text):
        case {"method": str(method), "params": [*params], "trace": [str(request_id), str(traceparent)]}:
            return method, params, Trace(request_id, traceparent)
        case {"method": str(method), "params": [*params], **rest} if rest.get("trace") is None:
            return method, params, None
    raise ValueError("not a call")


class JsonPeer:
    """A Python peer's side of `callJson`. `send` delivers one text to the peer and returns its answer."""

    def __init__(self, name: str, send: Send) -> None:
        self._name = name
        self._send = send

    async def call(self, method: str, *params: object) -> Any:
        """The method's result. Raises the peer's ServiceError; 503 UNAVAILABLE when the peer gives no answer."""
        trace = current()
        request = {"method": method, "params": params, "trace": (trace.request_id, trace.traceparent)}
        text = _compact_json(request)
        try:
            answer = json.loads(await self._send(text))
        except Exception as error:
            raise unavailable(f"the {self._name} service does not answer") from error
        match answer:
            case {"ok": result}:
                return result
            case {"error": {"code": code, "status": status, "title": title, "detail": detail, "retryable": retryable}}:
                raise ServiceError(code, status, title, detail, retryable=retryable)
        raise unavailable(f"the {self._name} service answers something else than this one understands")
