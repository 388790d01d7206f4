"""The shared half of every Worker's `entry.py`: the ports of `dotdo.ports` on the Workers runtime, and the entrypoint class.

With the `entry.py` of each Worker this is the only module that imports `workers`, `js` or `pyodide`.
"""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import urlsplit

import js
from pyodide.ffi import JsException, create_proxy, to_js
from workers import WorkerEntrypoint, import_from_javascript

from dotdo.contract import Contract
from dotdo.errors import ServiceError, not_configured, payload_too_large
from dotdo.http import HttpRequest, HttpResponse
from dotdo.log import Logger
from dotdo.ports import (
    BindingError,
    Bindings,
    Defer,
    HttpCall,
    HttpError,
    HttpReply,
    KvError,
    Passage,
    QuotaError,
    UpstreamResponse,
)
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


class WebRs256:
    """By the runtime's WebCrypto."""

    async def verify(self, public: Mapping[str, str], data: bytes, signature: bytes) -> bool:
        jwk = {name: public.get(name, "") for name in ("kty", "n", "e")}
        algorithm = _options({"name": "RSASSA-PKCS1-v1_5", "hash": "SHA-256"})
        try:
            key = await js.crypto.subtle.importKey("jwk", _options(jwk), algorithm, False, to_js(["verify"]))
            return bool(await js.crypto.subtle.verify(algorithm, key, to_js(signature), to_js(data)))
        except JsException:
            return False


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
        through = js.TransformStream.new(_options({"transform": create_proxy(self._pass)}))
        return js.Request.new(inbound, _options({"body": self._body.pipeThrough(through)}))

    def _pass(self, chunk: Any, controller: Any) -> None:
        self._left -= chunk.byteLength
        if self._left >= 0:
            controller.enqueue(chunk)
            return
        self.exceeded = True
        controller.error(js.Error.new("the body is too long"))


class KvNamespace:
    """A Workers KV namespace. Its values cross as JSON text."""

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    async def put(self, key: str, value: str, *, ttl_s: int, metadata: Mapping[str, object]) -> None:
        options = js.JSON.parse(json.dumps({"expirationTtl": ttl_s, "metadata": metadata}))
        try:
            await self._namespace.put(key, value, options)
        except JsException as error:
            raise KvError(str(error.message)) from None

    async def list(self, prefix: str) -> list[tuple[str, Any]]:
        try:
            page = await self._namespace.list(_options({"prefix": prefix}))
        except JsException as error:
            raise KvError(str(error.message)) from None
        return [(key["name"], key.get("metadata")) for key in json.loads(js.JSON.stringify(page))["keys"]]


class R2Bucket:
    """An R2 bucket. Its listings come in pages."""

    def __init__(self, bucket: Any) -> None:
        self._bucket = bucket

    async def put(self, key: str, body: bytes) -> None:
        await _settled(self._bucket.put(key, to_js(body)))

    async def get(self, key: str) -> bytes | None:
        found = await _settled(self._bucket.get(key))
        if not hasattr(found, "arrayBuffer"):  # null, which is not None here
            return None
        body: bytes = (await _settled(found.arrayBuffer())).to_bytes()
        return body

    async def keys(self, prefix: str) -> list[str]:
        return [str(one.key) for page in await self._pages({"prefix": prefix}) for one in page.objects]

    async def folders(self, prefix: str) -> list[str]:
        pages = await self._pages({"prefix": prefix, "delimiter": "/"})
        return [str(name)[len(prefix) : -1] for page in pages for name in page.delimitedPrefixes]

    async def delete(self, keys: Sequence[str]) -> None:
        await _settled(self._bucket.delete(to_js(list(keys))))

    async def _pages(self, options: dict[str, Any]) -> list[Any]:
        pages = [await _settled(self._bucket.list(_options(options)))]
        while pages[-1].truncated:
            pages.append(await _settled(self._bucket.list(_options({**options, "cursor": pages[-1].cursor}))))
        return pages


class WorkersAi:
    """Workers AI. What goes in and comes out crosses as JSON text."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def run(self, model: str, inputs: Mapping[str, object]) -> Any:
        return json.loads(js.JSON.stringify(await _settled(self._binding.run(model, _plain(inputs)))))


class QueueWorker:
    """The Worker that keeps jobs, in JavaScript: called by its method, not by `callJson`."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def enqueue(self, job: Mapping[str, object]) -> None:
        await _settled(self._binding.enqueue(_plain(job)))


def _plain(value: Mapping[str, object]) -> Any:
    return js.JSON.parse(json.dumps(value))


async def _settled(promise: Any) -> Any:
    """What the promise of a binding becomes; its rejection as BindingError."""
    try:
        return await promise
    except JsException as error:
        raise BindingError(str(error.message)) from None


class RateLimitBinding:
    """A `ratelimits` binding."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def take(self, key: str) -> bool:
        try:
            return bool((await self._binding.limit(_options({"key": key}))).success)
        except JsException as error:
            raise QuotaError(str(error.message)) from None


class WorkerBindings:
    """The environment of this Worker. May be kept across requests; what it hands out may be, too."""

    def __init__(self) -> None:
        self._env = import_from_javascript("cloudflare:workers").env
        self._known: dict[str, Any] = {}
        self.http = FetchHttp()
        self.clock = SystemClock()
        self.ed25519 = WebEd25519()
        self.rs256 = WebRs256()

    def text(self, name: str) -> str:
        value = self.optional(name)
        if not value:
            raise not_configured(name)
        return value

    def optional(self, name: str, default: str = "") -> str:
        value = self._value(name)
        return value if isinstance(value, str) else default

    def has(self, name: str) -> bool:
        if self._value(name) is not None:
            return True
        return name in PLATFORM and self._value("DISPATCH") is not None

    def peer(self, name: str) -> JsonPeer:
        binding = self._worker(name)
        return JsonPeer(name.lower(), lambda text: binding.callJson(text))  # noqa: PLW0108 (a method of a binding is not kept)

    def upstream(self, name: str) -> BoundUpstream:
        return BoundUpstream(self._worker(name))

    def kv(self, name: str) -> KvNamespace:
        return KvNamespace(self._bound(name))

    def bucket(self, name: str) -> R2Bucket:
        return R2Bucket(self._bound(name))

    def ai(self, name: str) -> WorkersAi:
        return WorkersAi(self._bound(name))

    def jobs(self, name: str) -> QueueWorker:
        return QueueWorker(self._bound(name))

    def quota(self, name: str) -> RateLimitBinding:
        return RateLimitBinding(self._bound(name))

    def _bound(self, name: str) -> Any:
        binding = self._value(name)
        if binding is None:
            raise not_configured(name)
        return binding

    def _worker(self, name: str) -> Any:
        """The service binding when there is one, else the Worker of that name in the dispatch namespace."""
        binding = self._value(name)
        if binding is not None:
            return binding
        namespace = self._value("DISPATCH")
        if namespace is None:
            raise not_configured(name)
        return namespace.get(name.lower())

    def _value(self, name: str) -> Any:
        """None when there is none. JavaScript is asked once: what an isolate is given does not change while it lives."""
        if name not in self._known:
            self._known[name] = getattr(self._env, name, None)
        return self._known[name]


def plain_request(request: Any) -> HttpRequest:
    """The runtime's request as a plain value; its body is read when asked for."""
    native = request.js_object
    url = urlsplit(native.url)  # in the runtime's normal form already
    headers = js.Object.fromEntries(native.headers).to_py()

    async def read_body() -> bytes:
        if int(headers.get("content-length") or 0) > MAX_BODY_BYTES:
            await discard_body(native)
            raise payload_too_large(MAX_BODY_BYTES)
        body: bytes = (await native.arrayBuffer()).to_bytes()
        if len(body) > MAX_BODY_BYTES:
            raise payload_too_large(MAX_BODY_BYTES)
        return body

    return HttpRequest(native.method, url.path, url.query, headers, read_body)


async def discard_body(request: Any) -> None:
    """Reads what is left of a body, without entering Python: a client that is still sending does not see an answer."""
    if not request.body or request.bodyUsed:
        return
    with suppress(JsException):  # the client has gone
        await request.body.pipeTo(js.WritableStream.new())


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
