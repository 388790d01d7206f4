"""Passing an inbound request on to a bound Worker."""

from typing import Any

import js
from pyodide.ffi import JsException, create_proxy

from dotdo.errors import payload_too_large
from dotdo.ports import HttpError, Passage, UpstreamResponse
from dotdo.runtime.values import js_object


class BoundUpstream:
    """A bound Worker that inbound requests pass on to, bodies streaming both ways untouched."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def forward(self, inbound: Any, passage: Passage) -> UpstreamResponse:
        counted = None
        if inbound.body and not inbound.headers.has("content-length"):
            counted = CountedBody(inbound.body, passage.max_body_bytes)
        request = js.Request.new(passage.url, counted.replaced(inbound) if counted else inbound)
        headers = request.headers
        for name in passage.remove:
            headers.delete(name)
        for name, value in passage.add.items():
            headers.set(name, value)
        stop = js.AbortController.new()
        # A timer costs a tenth of a race between promises. It ends with the headers: a body may take longer.
        timer = js.setTimeout(stop.abort.bind(stop), int(passage.timeout_s * 1000))
        try:
            response = await self._binding.fetch(request, signal=stop.signal)
        except JsException as error:
            if counted and counted.exceeded:
                raise payload_too_large(passage.max_body_bytes) from None
            raise HttpError(str(error.name), timed_out=bool(stop.signal.aborted)) from None
        finally:
            js.clearTimeout(timer)
        if counted and counted.exceeded:
            raise payload_too_large(passage.max_body_bytes)
        return UpstreamResponse(response.status, response, int(response.headers.get("content-length") or 0))


class CountedBody:
    """A body of unknown length, cut off with an error where it gets longer than `most` bytes."""

    def __init__(self, body: Any, most: int) -> None:
        self._body = body
        self._left = most
        self.exceeded = False

    def replaced(self, inbound: Any) -> Any:
        """The request with this body in place of its own."""
        through = js.TransformStream.new(js_object({"transform": create_proxy(self._pass)}))
        return js.Request.new(inbound, js_object({"body": self._body.pipeThrough(through)}))

    def _pass(self, chunk: Any, controller: Any) -> None:
        self._left -= chunk.byteLength
        if self._left >= 0:
            controller.enqueue(chunk)
            return
        self.exceeded = True
        controller.error(js.Error.new("the body is too long"))
