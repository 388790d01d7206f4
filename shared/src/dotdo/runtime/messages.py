"""The runtime's requests and responses, and the plain values the services take and give."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import js
from pyodide.ffi import JsException, to_js

from dotdo.errors import invalid_argument, payload_too_large
from dotdo.http import HttpRequest, HttpResponse
from dotdo.runtime.values import js_body, js_object

MAX_BODY_BYTES = 10 * 1024 * 1024
DISCARDS_FOR_MS = 10_000
"""How long a client may go on sending what nobody wants before it is answered."""


def plain_request(request: Any) -> HttpRequest:
    """The runtime's request as a plain value; its body is read when asked for."""
    native = request.js_object
    url = urlsplit(native.url)  # in the runtime's normal form already
    headers = js.Object.fromEntries(native.headers).to_py()

    async def read_body() -> bytes:
        if int(headers.get("content-length") or 0) > MAX_BODY_BYTES:
            await discard_body(native)
            raise payload_too_large(MAX_BODY_BYTES)
        try:
            body: bytes = (await native.arrayBuffer()).to_bytes()
        except JsException as error:  # its sender hung up
            raise invalid_argument("body: it ended before it was all there") from error
        if len(body) > MAX_BODY_BYTES:
            raise payload_too_large(MAX_BODY_BYTES)
        return body

    return HttpRequest(native.method, url.path, url.query, headers, read_body)


async def discard_body(request: Any) -> None:
    """Reads what is left of a body, without entering Python: a client that is still sending does not see an answer."""
    if not request.body or request.bodyUsed:
        return
    with suppress(JsException):  # the client has gone
        read = request.body.pipeTo(js.WritableStream.new())
        await js.Promise.race(to_js([read, js.scheduler.wait(DISCARDS_FOR_MS)]))


def native_response(response: HttpResponse) -> Any:
    """The runtime's response for a plain one."""
    body = js_body(response.body) if response.status not in (204, 304) else None
    return js.Response.new(body, js_object({"status": response.status, "headers": list(response.headers)}))
