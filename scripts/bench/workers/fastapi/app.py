"""The gateway's request path as one would write it with FastAPI: a dependency for the caller, one for the limit, a signed
identity, the log line. Takes the platform's own credential cache and limiter, so that what differs is the framework.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from pydantic import BaseModel
from pyodide.ffi import to_js

from dotdo.identity import IDENTITY_HEADER, Identity, internal_secret, sign_identity
from dotdo.ids import uuid7
from dotdo.log import Logger
from dotdo.rate_limits.fields import header_fields
from dotdo.rate_limits.limiter import Decision, Limiter
from dotdo.rate_limits.policies import policies
from dotdo.runtime import WorkerBindings
from gateway.credentials import Caller, Credentials, presented

_log = Logger("fastapi")
app = FastAPI()


class Problem(BaseModel):
    code: str


class _Isolate:
    """Made by the first request: nothing may read the environment at import."""

    bindings: WorkerBindings
    credentials: Credentials
    limiter: Limiter | None = None

    @classmethod
    def start(cls) -> None:
        if cls.limiter is None:
            cls.bindings = WorkerBindings()
            cls.credentials = Credentials(cls.bindings.clock)
            cls.limiter = Limiter(policies(cls.bindings.optional("RATE_LIMITS")), b"bench")


async def caller(request: Request) -> Caller:
    credential = presented(request.headers, secure_cookies=True)
    if credential is None:
        raise HTTPException(401, Problem(code="UNAUTHENTICATED").model_dump())
    return await _Isolate.credentials.identify(credential, _Isolate.bindings.peer("AUTH"))


async def limited(who: Annotated[Caller, Depends(caller)]) -> Decision:
    assert _Isolate.limiter is not None
    decision = _Isolate.limiter.take("default", who.identity.key_id or who.identity.subject, time.time())
    if not decision.allowed:
        raise HTTPException(429, Problem(code="QUOTA_EXCEEDED").model_dump())
    return decision


@app.middleware("http")
async def report(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    started = time.perf_counter()
    _Isolate.start()
    request.state.request_id = request.headers.get("x-request-id") or f"req_{uuid7()}"
    response = await call_next(request)
    response.headers["x-request-id"] = request.state.request_id
    duration_ms = round((time.perf_counter() - started) * 1000, 2)
    _log.info("request", method=request.method, status=response.status_code, duration_ms=duration_ms)
    return response


@app.api_route("/db/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def db(
    path: str,
    request: Request,
    who: Annotated[Caller, Depends(caller)],
    decision: Annotated[Decision, Depends(limited)],
) -> Response:
    needed = "things:read" if request.method == "GET" else "things:write"
    if not who.identity.may(needed):
        raise HTTPException(403, Problem(code="FORBIDDEN").model_dump())
    headers = {name: value for name, value in request.headers.items() if not name.startswith(("x-dotdo-", "x-user-"))}
    headers["x-request-id"] = request.state.request_id
    headers[IDENTITY_HEADER] = _signed(who.identity, request.state.request_id)
    body = to_js(await request.body()) if request.method != "GET" else None
    query = f"?{request.url.query}" if request.url.query else ""
    env = request.scope["env"]
    answer = await env.DB.fetch(f"https://db/{path}{query}", method=request.method, headers=headers, body=body)
    fields = dict(header_fields(decision, time.time()))
    media_type = answer.headers.get("content-type")
    return Response(await answer.bytes(), answer.status, fields, media_type=media_type)


def _signed(identity: Identity, request_id: str) -> str:
    secret = internal_secret(_Isolate.bindings)
    return sign_identity(identity, audience="db", request_id=request_id, secret=secret, now_s=time.time())
