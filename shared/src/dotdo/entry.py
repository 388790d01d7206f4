"""The shared half of every Worker's `entry.py`: the ports of `dotdo.ports` on the Workers runtime, and the entrypoint class.

With the `entry.py` of each Worker this is the only module that imports `workers`, `js` or `pyodide`.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Protocol

import js
from pyodide.ffi import JsException, to_js
from workers import WorkerEntrypoint, import_from_javascript

from dotdo.contract import Contract
from dotdo.errors import ServiceError, not_configured
from dotdo.http import HttpRequest, HttpResponse
from dotdo.log import Logger
from dotdo.ports import Bindings, Defer, HttpCall, HttpError, HttpReply, UpstreamResponse
from dotdo.rpc import CALL_JSON, JsonPeer, rejection_message

MAX_BODY_BYTES = 10 * 1024 * 1024

PLATFORM = frozenset({"GATEWAY", "DB", "AUTH", "SCHEDULE"})
"""The Workers that a dispatch namespace of ours holds; every other one has to be bound."""


def _options(values: dict[str, Any]) -> Any:
    return to_js(values, dict_converter=js.Object.fromEntries)


class SystemClock:
    def now_s(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class FetchHttp:
    """Outbound HTTP by the runtime's own fetch, which is five times faster here than httpx."""

    async def send(self, call: HttpCall) -> HttpReply:
        options = {
            "method": call.method,
            "headers": dict(call.headers),
            "redirect": "manual",
            "signal": js.AbortSignal.timeout(int(call.timeout_s * 1000)),
        }
        if call.body is not None:
            options["body"] = call.body
        try:
            response = await js.fetch(call.url, _options(options))
            text = await response.text()
        except JsException as error:
            raise HttpError(str(error.name), timed_out=error.name in ("TimeoutError", "AbortError")) from None
        return HttpReply(response.status, js.Object.fromEntries(response.headers).to_py(), text)


class WebEd25519:
    """By the runtime's WebCrypto, constant-time and native."""

    async def sign(self, private: Mapping[str, str], data: bytes) -> bytes:
        try:
            key = await self._key(private, "sign")
            signature: bytes = (await js.crypto.subtle.sign("Ed25519", key, to_js(data))).to_bytes()
        except JsException:
            raise not_configured("an Ed25519 private key") from None
        return signature

    async def verify(self, public: Mapping[str, str], data: bytes, signature: bytes) -> bool:
        key = await self._key(public, "verify")
        return bool(await js.crypto.subtle.verify("Ed25519", key, to_js(signature), to_js(data)))

    async def _key(self, jwk: Mapping[str, str], use: str) -> Any:
        return await js.crypto.subtle.importKey("jwk", _options(dict(jwk)), "Ed25519", False, to_js([use]))


class BoundUpstream:
    """A bound Worker that inbound requests pass on to, bodies streaming both ways untouched."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def forward(self, inbound: Any, url: str, remove: Iterable[str], add: Mapping[str, str]) -> UpstreamResponse:
        request = js.Request.new(url, inbound)
        headers = request.headers
        for name in remove:
            headers.delete(name)
        for name, value in add.items():
            headers.set(name, value)
        try:
            response = await self._binding.fetch(request)
        except JsException as error:
            raise HttpError(str(error.name)) from None
        return UpstreamResponse(response.status, response)


class WorkerBindings:
    """The environment of this Worker. May be kept across requests; what it hands out may be, too."""

    def __init__(self) -> None:
        self._env = import_from_javascript("cloudflare:workers").env
        self.http = FetchHttp()
        self.clock = SystemClock()
        self.ed25519 = WebEd25519()

    def text(self, name: str) -> str:
        value = self.optional(name)
        if not value:
            raise not_configured(name)
        return value

    def optional(self, name: str, default: str = "") -> str:
        value = getattr(self._env, name, None)
        return value if isinstance(value, str) else default

    def has(self, name: str) -> bool:
        if getattr(self._env, name, None) is not None:
            return True
        return name in PLATFORM and getattr(self._env, "DISPATCH", None) is not None

    def peer(self, name: str) -> JsonPeer:
        binding = self._worker(name)
        return JsonPeer(name.lower(), lambda text: binding.callJson(text))  # noqa: PLW0108 (a method of a binding is not kept)

    def upstream(self, name: str) -> BoundUpstream:
        return BoundUpstream(self._worker(name))

    def _worker(self, name: str) -> Any:
        """The service binding when there is one, else the Worker of that name in the dispatch namespace."""
        binding = getattr(self._env, name, None)
        if binding is not None:
            return binding
        namespace = getattr(self._env, "DISPATCH", None)
        if namespace is None:
            raise not_configured(name)
        return namespace.get(name.lower())


def plain_request(request: Any) -> HttpRequest:
    """The runtime's request as a plain value; its body is read when asked for."""
    native = request.js_object
    url = js.URL.new(native.url)
    headers = js.Object.fromEntries(native.headers).to_py()

    async def read_body() -> bytes:
        if int(headers.get("content-length") or 0) > MAX_BODY_BYTES:
            # Read and thrown away, without entering Python: a client that is still sending does not see an answer.
            await native.body.pipeTo(js.WritableStream.new())
            raise _too_large()
        body: bytes = (await native.arrayBuffer()).to_bytes()
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
        return body

    return HttpRequest(native.method, url.pathname, url.search[1:], headers, read_body)


def _too_large() -> ServiceError:
    return ServiceError("PAYLOAD_TOO_LARGE", 413, "Payload too large", f"at most {MAX_BODY_BYTES} bytes are taken")


def native_response(response: HttpResponse) -> Any:
    """The runtime's response for a plain one."""
    body = response.body if response.status not in (204, 304) else None
    return js.Response.new(body, _options({"status": response.status, "headers": list(response.headers)}))


def defer_with(ctx: Any, log: Logger) -> Defer:
    """Work in `waitUntil`, where the platform would lose an exception without a word."""

    def defer(work: Coroutine[Any, Any, None]) -> None:
        async def logged() -> None:
            try:
                await work
            except Exception as error:
                log.error("deferred.failed", error=repr(error))

        ctx.waitUntil(logged())

    return defer


def seal(cls: type, extra: Iterable[str] = ()) -> None:
    """Makes only the public methods written in the class reachable.

    The runtime offers every attribute of an entrypoint to every bound Worker, private ones included.
    """
    public = {name for name in cls.__dict__ if not name.startswith("_")}
    reachable = public | {"env", "ctx", "__dict__"} | set(extra)

    def guarded(self: object, name: str) -> Any:
        if name not in reachable:
            raise AttributeError(name)
        return object.__getattribute__(self, name)

    setattr(cls, "__getattribute__", guarded)  # noqa: B010 (the base class declares it as a method)


class Answers(Protocol):
    """What an entrypoint hands its calls to: `dotdo.service.Service`."""

    async def call(self, name: str, params: Sequence[Any], defer: Defer) -> str: ...

    async def call_json(self, text: str, defer: Defer) -> str: ...

    async def fetch(self, request: HttpRequest, defer: Defer) -> HttpResponse: ...


Build = Callable[[Bindings, Logger], Answers]


class Isolate:
    """Holds the service of this isolate once the first call has made it: nothing may read the environment at import."""

    def __init__(self, contract: Contract, build: Build) -> None:
        self.contract = contract
        self.log = Logger(contract.service)
        self._build = build
        self._service: Answers | None = None

    @property
    def service(self) -> Answers:
        if self._service is None:
            self._service = self._build(WorkerBindings(), self.log)
        return self._service

    def defer(self, ctx: Any) -> Defer:
        return defer_with(ctx, self.log)


class ServiceEntrypoint(WorkerEntrypoint):
    """`class Default(ServiceEntrypoint, isolate=…)`: the contract's RPC methods, `callJson` and `fetch`."""

    def __init_subclass__(cls, isolate: Isolate, **options: Any) -> None:
        super().__init_subclass__(**options)
        for method in isolate.contract.methods:
            setattr(cls, method.name, _rpc_method(isolate, method.name))
        setattr(cls, CALL_JSON, _json_method(isolate))
        setattr(cls, "fetch", _fetch_method(isolate))  # noqa: B010 (the base class declares none)
        seal(cls)


class Rejection:
    """What an RPC method returns in place of raising: the caller's promise rejects with this message and nothing else.

    An exception would arrive as a traceback with files and lines. The SDK converts a result by its `js_object`, and a
    rejected promise there is what the caller's promise takes its outcome from. What the runtime puts before the message
    (`pyodide.ffi.JsException:`) stays on a line of its own.
    """

    def __init__(self, error: ServiceError) -> None:
        reason = js.Error.new("\n" + rejection_message(error))
        reason.name = ""
        self.js_object = js.Promise.reject(reason)


def _rpc_method(isolate: Isolate, name: str) -> Any:
    async def method(self: Any, *params: Any) -> Any:
        try:
            return js.JSON.parse(await isolate.service.call(name, params, isolate.defer(self.ctx)))
        except ServiceError as error:
            return Rejection(error)

    return method


def _json_method(isolate: Isolate) -> Any:
    async def method(self: Any, text: str) -> str:
        return str(await isolate.service.call_json(text, isolate.defer(self.ctx)))

    return method


def _fetch_method(isolate: Isolate) -> Any:
    async def fetch(self: Any, request: Any) -> Any:
        return native_response(await isolate.service.fetch(plain_request(request), isolate.defer(self.ctx)))

    return fetch
