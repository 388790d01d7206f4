"""The gateway's request path as one would write it with FastAPI: its routes, dependencies for the caller and the limits, and
middleware for other origins' scripts and for what is told of a request.

It does what the gateway does for such a request, but for the hosts, the platform's own pages and the news of limits in KV. Its
parts are the platform's own, from the credential cache to the usage events, so that what differs is the framework.
"""

import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Annotated, Any

import js
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel
from pyodide.ffi import to_js

from dotdo.csrf import check_same_site
from dotdo.entry import defer_with
from dotdo.identity import ANONYMOUS, IDENTITY_HEADER, Identity, internal_secret, sign_identity
from dotdo.ids import uuid7
from dotdo.instants import rfc3339
from dotdo.log import Logger
from dotdo.rate_limits.fields import header_fields
from dotdo.rate_limits.limiter import Decision, Limiter
from dotdo.rate_limits.policies import policies
from dotdo.runtime import WorkerBindings
from dotdo.runtime.console import console
from gateway import access
from gateway.addresses import limit_key
from gateway.breaker import Breaker
from gateway.credentials import Caller, Credentials, presented
from gateway.headers import dropped
from gateway.routes import METHODS, ROUTES, Route
from gateway.usage import Usage

CTX: ContextVar[Any] = ContextVar("ctx")
"""The runtime's context of the request under way."""
SITES = ["https://app.example.com"]

_log = Logger("fastapi", console)
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=SITES, allow_credentials=True, allow_methods=sorted(METHODS))


class Problem(BaseModel):
    code: str


class _Isolate:
    """Made by the first request: nothing may read the environment at import."""

    bindings: WorkerBindings
    credentials: Credentials
    usage: Usage
    breaker = Breaker()
    limiter: Limiter | None = None

    @classmethod
    def start(cls) -> None:
        if cls.limiter is None:
            cls.bindings = WorkerBindings()
            cls.credentials = Credentials(cls.bindings.clock)
            cls.usage = Usage(cls.bindings, _log)
            cls.limiter = Limiter(policies(cls.bindings.optional("RATE_LIMITS")), b"bench")


def _take(policy: str, name: str) -> Decision:
    assert _Isolate.limiter is not None
    decision = _Isolate.limiter.take(policy, name, time.time())
    if not decision.allowed:
        raise HTTPException(429, Problem(code="QUOTA_EXCEEDED").model_dump())
    return decision


async def address(request: Request) -> str:
    found = limit_key(request.headers)
    _take("ip", found)
    return found


async def caller(request: Request, counted: Annotated[str, Depends(address)]) -> Caller:
    credential = presented(request.headers, secure_cookies=True)
    if credential is None:
        raise HTTPException(401, Problem(code="UNAUTHENTICATED").model_dump())
    who = await _Isolate.credentials.identify(credential, _Isolate.bindings.peer("AUTH"))
    request.state.identity = who.identity
    check_same_site(request.method, request.headers, frozenset(SITES))
    return who


async def limited(request: Request, who: Annotated[Caller, Depends(caller)]) -> Decision:
    decision = _take("default", who.identity.key_id or who.identity.subject)
    request.state.fields = header_fields(decision, time.time())
    return decision


@app.middleware("http")
async def report(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    started = time.perf_counter()
    _Isolate.start()
    state = request.state
    state.request_id = request.headers.get("x-request-id") or f"req_{uuid7()}"
    state.identity, state.route, state.fields = ANONYMOUS, "", []
    response = await call_next(request)
    for name, value in (("x-request-id", state.request_id), *state.fields):
        response.headers[name] = value
    identity, duration_ms = state.identity, round((time.perf_counter() - started) * 1000, 2)
    _log.info(
        "request", method=request.method, route=state.route, status=response.status_code, duration_ms=duration_ms,
        identity=identity.kind, user_id=identity.subject or None, key_id=identity.key_id or None,
    )  # fmt: skip
    row = {
        "time": rfc3339(time.time()), "request_id": state.request_id, "route": state.route, "method": request.method,
        "status": response.status_code, "duration_ms": duration_ms, "identity": identity.kind,
        "key_id": identity.key_id, "user_id": identity.subject, "organization": identity.organization,
        "bytes_in": int(request.headers.get("content-length") or 0),
        "bytes_out": int(response.headers.get("content-length") or 0), "colo": "",
    }  # fmt: skip
    _Isolate.usage.add(row, defer_with(CTX.get(), _log))
    return response


def passing(route: Route) -> Callable[..., Awaitable[Response]]:
    """The endpoint of one route."""

    async def forward(
        request: Request, who: Annotated[Caller, Depends(caller)], decision: Annotated[Decision, Depends(limited)]
    ) -> Response:
        request.state.route = route.prefix
        access.check(route.rule(request.method), who.identity)
        gone = dropped(request.headers)
        headers = {name: value for name, value in request.headers.items() if name not in gone}
        headers["x-request-id"] = request.state.request_id
        headers[IDENTITY_HEADER] = _signed(who.identity, route, request.state.request_id)
        body = to_js(await request.body()) if request.method != "GET" else None
        query = f"?{request.url.query}" if request.url.query else ""
        address = f"https://{route.binding.lower()}{route.inner_path(request.url.path)}{query}"
        entered_s = time.time()
        circuit = _Isolate.breaker.enter(route.binding, entered_s)
        answer = await getattr(request.scope["env"], route.binding).fetch(
            address, method=request.method, headers=headers, body=body,
            signal=js.AbortSignal.timeout(int(route.timeout_s * 1000)),
        )  # fmt: skip
        circuit.leave(time.time(), entered_s, answered=True)
        return Response(await answer.bytes(), answer.status, media_type=answer.headers.get("content-type"))

    return forward


for one in ROUTES:
    app.add_api_route(f"{one.prefix}/{{path:path}}", passing(one), methods=sorted(METHODS))


def _signed(identity: Identity, route: Route, request_id: str) -> str:
    secret, audience = internal_secret(_Isolate.bindings), route.binding.lower()
    return sign_identity(identity, audience=audience, request_id=request_id, secret=secret, now_s=time.time())
