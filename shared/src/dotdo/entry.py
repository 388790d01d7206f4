"""The shared half of every Worker's `entry.py`: the entrypoint class, and what it makes of calls and of their outcomes."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import js
from workers import WorkerEntrypoint

from dotdo.contract import Contract
from dotdo.errors import ServiceError
from dotdo.http import HttpRequest, HttpResponse
from dotdo.log import Logger
from dotdo.ports import Bindings, Defer
from dotdo.rpc import CALL_JSON, rejection_message
from dotdo.runtime import WorkerBindings
from dotdo.runtime.console import console
from dotdo.runtime.messages import native_response, plain_request

_Handler = TypeVar("_Handler", bound=Callable[..., Any])


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


def unexamined(handler: _Handler) -> _Handler:
    """A `fetch` that takes whatever it is given, and of which nobody asks what it takes.

    The runtime asks `inspect` for the parameters of `fetch`, to leave out arguments that it does not take: by method, and each
    request has one of its own. That is 0.1 ms a request. Where `inspect` gives up, it is called with all of them.
    """
    vars(handler)["__signature__"] = NotImplemented
    return handler


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
        self.log = Logger(contract.service, console)
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
    async def fetch(self: Any, request: Any, *_: Any) -> Any:
        return native_response(await isolate.service.fetch(plain_request(request), isolate.defer(self.ctx)))

    return unexamined(fetch)
