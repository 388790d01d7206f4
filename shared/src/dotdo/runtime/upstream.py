"""Passing an inbound request on to a bound Worker."""

from typing import Any

import js
from pyodide.ffi import JsException, create_proxy, to_js

from dotdo.errors import invalid_argument, payload_too_large, request_timed_out, timed_out
from dotdo.ports import HttpError, Passage, UpstreamResponse
from dotdo.runtime.values import js_object

BREAKS_WITHIN_MS = 100
"""It does at once, a few turns of the event loop later."""

WORKERS_SHARE = 0.5
"""The part of a call's time that is the Worker's own: one that had the whole body for less of it has not failed."""

BODILESS = frozenset({"GET", "HEAD"})
"""Methods whose body means nothing (RFC 9110 §9.3.1): one that comes goes on, but no request is made anew with it."""


class BoundUpstream:
    """A bound Worker that inbound requests pass on to, bodies streaming both ways untouched."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def forward(self, inbound: Any, passage: Passage) -> UpstreamResponse:
        stop = js.AbortController.new()
        body = None
        if inbound.body and inbound.method not in BODILESS:
            body = PassedBody(inbound, passage.max_body_bytes, stop)
        request = js.Request.new(passage.url, body.replaced() if body else inbound)
        headers = request.headers
        for name in passage.remove:
            headers.delete(name)
        for name, value in passage.add.items():
            headers.set(name, value)
        # A timer costs a tenth of a race between promises. It ends with the headers: a body may take longer.
        timer = js.setTimeout(stop.abort.bind(stop), int(passage.timeout_s * 1000))
        try:
            response = await self._binding.fetch(request, signal=stop.signal)
        except JsException as error:
            late = bool(stop.signal.aborted)
            if late and body:
                await body.require_passed(passage.timeout_s)
            raise HttpError(str(error.name), timed_out=late) from None
        finally:
            js.clearTimeout(timer)
        if body and body.exceeded:
            raise payload_too_large(passage.max_body_bytes)
        body_bytes = int(response.headers.get("content-length") or 0)
        return UpstreamResponse(response.status, response, body_bytes, body.counted if body else 0)

    async def status_of(self, path: str) -> int:
        try:
            response = await self._binding.fetch(f"https://worker{path}")
            if response.body:
                await response.body.cancel()
        except JsException as error:
            raise HttpError(str(error.name)) from None
        return int(response.status)


class PassedBody:
    """The body of a request on its way to the Worker.

    The runtime pumps it. One of unknown length is counted. A part of a body looks like a whole one to the Worker, whatever ends
    it: a call is stopped whose body gets longer than `most` bytes, or ends because its sender has hung up.
    """

    def __init__(self, inbound: Any, most: int, stop: Any) -> None:
        self._inbound = inbound
        self._most = most
        self._stop = stop
        self._cut_off = False
        self._begun_ms = js.Date.now()
        self.counted = 0

    @property
    def exceeded(self) -> bool:
        return self.counted > self._most

    def replaced(self) -> Any:
        """The request with this body in place of its own."""
        if self._inbound.headers.has("content-length"):
            through = js.FixedLengthStream.new(js.BigInt(self._inbound.headers.get("content-length")))
        else:
            through = js.TransformStream.new(js_object({"transform": create_proxy(self._pass)}))
        self._into = through.writable
        options = js_object({"preventCancel": True, "preventAbort": True})
        pumped = self._inbound.body.pipeTo(self._into, options)
        self._ended = pumped.then(js.Date.now).catch(self._break)  # when all of it had passed, or true
        return js.Request.new(self._inbound, js_object({"body": through.readable}))

    async def require_passed(self, within_s: float) -> None:
        """For a call that has been stopped: raises 413 and 400 when that was for its body, 408 when the client had not sent all
        of it in time, 504 when the Worker had not taken what was sent, or had all of it too late to answer. None is proof
        against the Worker: a client that sends drop by drop may bring about all of them.

        The pipe breaks with the call when it holds something for the Worker, and else goes on waiting (`preventCancel`).
        """
        if self.exceeded:
            raise payload_too_large(self._most) from None
        if self._cut_off:
            raise invalid_argument("body: it ended before it was all there") from None
        ended = await js.Promise.race(to_js([self._ended, js.scheduler.wait(BREAKS_WITHIN_MS)]))
        if ended is None:
            raise request_timed_out(within_s) from None
        if ended is True:
            raise timed_out(f"the service has not taken the body within {within_s:g} seconds") from None
        if ended - self._begun_ms > within_s * 1000 * (1 - WORKERS_SHARE):
            raise timed_out(
                f"the body took most of the {within_s:g} seconds, and the service has not answered"
            ) from None

    def _pass(self, chunk: Any, controller: Any) -> None:
        self.counted += chunk.byteLength
        if self.exceeded:
            self._stop.abort()
        else:
            controller.enqueue(chunk)

    def _break(self, _: Any) -> bool:
        """Where the Worker's side is whole (`preventAbort`), it was the client's that broke."""
        if isinstance(self._into.getWriter().desiredSize, int | float):
            self._cut_off = True
            self._stop.abort()
        return True
