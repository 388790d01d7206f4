"""gateway: the Worker's entrypoint. Reads the request once, hands it to the pipeline, returns what comes back."""

from typing import Any

import js
from workers import WorkerEntrypoint

from dotdo.entry import WorkerBindings, native_response, seal
from dotdo.http import HttpResponse
from dotdo.log import Logger
from dotdo.ports import UpstreamResponse
from dotdo.tracing import REQUEST_ID_HEADER, current
from gateway import readiness
from gateway.pipeline import Gateway, Inbound

__all__ = ["Default"]


class _Isolate:
    """The gateway of this isolate, made by its first request: nothing may read the environment at import."""

    gateway: Gateway | None = None

    @classmethod
    def get(cls) -> Gateway:
        if cls.gateway is None:
            cls.gateway = Gateway(WorkerBindings(), Logger("gateway"))
        return cls.gateway


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        native = request.js_object
        headers = js.Object.fromEntries(native.headers).to_py()
        response = await _Isolate.get().handle(Inbound(native.method, native.url, headers, native))
        return _with_request_id(response, current().request_id)

    async def health(self) -> dict[str, str]:
        return readiness.live(WorkerBindings())


def _with_request_id(response: HttpResponse | UpstreamResponse, request_id: str) -> Any:
    """The runtime's response, with the request id that our own Workers have set already."""
    native = response.native if isinstance(response, UpstreamResponse) else native_response(response)
    if native.headers.get(REQUEST_ID_HEADER) == request_id:
        return native
    named = js.Response.new(native.body, native)
    named.headers.set(REQUEST_ID_HEADER, request_id)
    return named


seal(Default)
