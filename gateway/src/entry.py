"""gateway: the Worker's entrypoint. Reads the request once, hands it to the pipeline, returns what comes back."""

from typing import Any

import js
from pyodide.ffi import JsException
from workers import WorkerEntrypoint

from dotdo.entry import Rejection, defer_with, seal, unexamined
from dotdo.errors import ServiceError, invalid_argument
from dotdo.http import with_defaults
from dotdo.log import Logger
from dotdo.ports import UpstreamResponse
from dotdo.problem import problem_response
from dotdo.runtime import WorkerBindings
from dotdo.runtime.console import console
from dotdo.runtime.messages import discard_body, native_response
from dotdo.tracing import trace_from
from gateway import readiness
from gateway.pipeline import Gateway
from gateway.requests import Inbound
from gateway.rpc import request_parts

__all__ = ["Default"]

_log = Logger("gateway", console)


class _Isolate:
    """The gateway of this isolate, made by its first request: nothing may read the environment at import."""

    gateway: Gateway | None = None

    @classmethod
    def get(cls) -> Gateway:
        if cls.gateway is None:
            cls.gateway = Gateway(WorkerBindings(), _log)
        return cls.gateway


class Default(WorkerEntrypoint):
    @unexamined
    async def fetch(self, request: Any, *_: Any) -> Any:
        return await _answer(request.js_object, self.ctx)

    async def route(self, *params: Any) -> Any:
        """`(url, init?)`: what a request from outside gets, as `{status, headers, body}` with a JSON body parsed.

        `url` may be a path alone. `init`: method, headers, body (text), as of a Fetch request.
        """
        try:
            url, init = request_parts(params)
            request = js.Request.new(url, js.JSON.parse(init))
        except ServiceError as error:
            return Rejection(error)
        except JsException:
            return Rejection(invalid_argument("url or init is not what a request is made from"))
        return await _plain(await _answer(request, self.ctx))

    async def health(self, *_: Any) -> dict[str, str]:
        return readiness.live(WorkerBindings())


async def _answer(native: Any, ctx: Any) -> Any:
    headers = js.Object.fromEntries(native.headers).to_py()
    inbound = Inbound(native.method, native.url, headers, native, defer_with(ctx, _log))
    try:
        gateway = _Isolate.get()
    except ServiceError as error:  # a setting that cannot be read
        return native_response(with_defaults(problem_response(error, trace_from(headers).request_id)))
    response = await gateway.handle(inbound)
    if isinstance(response, UpstreamResponse):
        return _passed_on(response)
    await discard_body(native)
    return native_response(response)


async def _plain(response: Any) -> Any:
    """A response as an object that crosses RPC."""
    text = await response.text()
    answer = js.JSON.parse("{}")
    answer.status = response.status
    answer.headers = js.Object.fromEntries(response.headers)
    try:
        answer.body = js.JSON.parse(text)
    except JsException:
        answer.body = text
    return answer


def _passed_on(response: UpstreamResponse) -> Any:
    """The Worker's response with our fields on top; a WebSocket's as it is, since nobody reads its fields."""
    if response.status == 101:
        return response.native
    named = js.Response.new(response.native.body, response.native)
    headers = named.headers
    for name, value in response.headers:
        if name == "vary":
            headers.append(name, value)
        else:
            headers.set(name, value)
    return named


seal(Default)
