"""One request's way through the gateway: normalise, route, identify, check access, pass on, log."""

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from dotdo.errors import ServiceError, internal, method_not_allowed, not_found, unavailable
from dotdo.http import HttpResponse, json_response
from dotdo.identity import ANONYMOUS, IDENTITY_HEADER, Identity, internal_secret, sign_identity
from dotdo.log import Logger
from dotdo.ports import Bindings, HttpError, UpstreamResponse
from dotdo.problem import problem_response
from dotdo.tracing import begin, current, trace_from
from gateway import access, credentials, readiness
from gateway.documents import Documents
from gateway.headers import dropped
from gateway.paths import normalise
from gateway.routes import METHODS, READS, ROUTES, Route, match

VERSION = "0.1.0"


@dataclass(slots=True)
class Inbound:
    """A request as it came in. `native` is the runtime's own, its body unread. `headers` has lower-case names."""

    method: str
    url: str
    headers: dict[str, str]
    native: Any


@dataclass(slots=True)
class _Seen:
    """What the log line tells of a request."""

    route: str = ""
    identity: Identity = ANONYMOUS


class Gateway:
    def __init__(self, bindings: Bindings, log: Logger) -> None:
        self._bindings = bindings
        self._log = log
        self._documents = Documents()
        self._own = {
            "/": self._card, "/health": self._health, "/ready": self._ready,
            "/openapi.json": self._openapi, "/docs": self._docs,
        }  # fmt: skip

    async def handle(self, inbound: Inbound) -> HttpResponse | UpstreamResponse:
        """The gateway's own answer or the Worker's, untouched. Every error is problem+json."""
        started = time.perf_counter()
        trace = begin(trace_from(inbound.headers))
        seen = _Seen()
        response: HttpResponse | UpstreamResponse
        try:
            response = await self._answer(inbound, seen)
        except ServiceError as error:
            response = problem_response(error, trace.request_id)
        except Exception as error:
            self._log.error("request.failed", route=seen.route, error=repr(error))
            response = problem_response(internal(), trace.request_id)
        self._log.info(
            "request",
            method=inbound.method,
            route=seen.route,
            status=response.status,
            duration_ms=round((time.perf_counter() - started) * 1000, 2),
            identity=seen.identity.kind,
            user_id=seen.identity.subject or None,
            key_id=seen.identity.key_id or None,
        )
        return response

    async def _answer(self, inbound: Inbound, seen: _Seen) -> HttpResponse | UpstreamResponse:
        url = urlsplit(inbound.url)
        path = normalise(url.path)
        own = self._own.get(path)
        if own is not None:
            seen.route = path
            if inbound.method not in READS:
                raise method_not_allowed(sorted(READS))
            return await own(inbound)
        route = match(path)
        if route is None:
            raise not_found("no route for this path")
        seen.route = route.prefix
        if inbound.method not in METHODS:
            raise method_not_allowed(sorted(METHODS))
        if not self._bindings.has(route.binding):
            raise ServiceError(
                "SERVICE_NOT_BOUND", 503, "Service not bound", f"{route.prefix} has no service in this deployment"
            )
        seen.identity = await self._identify(inbound, route)
        access.check(route.rule(inbound.method), seen.identity)
        query = f"?{url.query}" if url.query else ""
        return await self._forward(
            inbound, route, f"{url.scheme}://{url.netloc}{route.inner_path(path)}{query}", seen.identity
        )

    async def _identify(self, inbound: Inbound, route: Route) -> Identity:
        try:
            credential = credentials.presented(inbound.headers, secure_cookies=self._secure_cookies)
            if credential is None:
                return ANONYMOUS
            return await credentials.identify(credential, self._bindings.peer("AUTH"))
        except ServiceError as error:
            if route.service_decides and error.status == 401:
                return ANONYMOUS
            raise

    async def _forward(self, inbound: Inbound, route: Route, url: str, identity: Identity) -> UpstreamResponse:
        trace = current()
        token = sign_identity(
            identity,
            audience=route.binding.lower(),
            request_id=trace.request_id,
            secret=internal_secret(self._bindings),
            now_s=self._bindings.clock.now_s(),
        )
        upstream = self._bindings.upstream(route.binding)
        try:
            return await upstream.forward(
                inbound.native, url, dropped(inbound.headers), {**trace.headers, IDENTITY_HEADER: token}
            )
        except HttpError as error:
            raise unavailable(f"the {route.binding.lower()} service does not answer") from error

    @property
    def _secure_cookies(self) -> bool:
        return self._bindings.optional("COOKIE_SECURE", "true") != "false"

    async def _card(self, inbound: Inbound) -> HttpResponse:
        own = {path.strip("/"): path for path in self._own if path != "/"}
        links = {**own, **{route.binding.lower(): route.prefix for route in ROUTES}}
        return json_response({"service": "gateway", "version": VERSION, "links": links})

    async def _health(self, inbound: Inbound) -> HttpResponse:
        return json_response(readiness.live(self._bindings))

    async def _ready(self, inbound: Inbound) -> HttpResponse:
        return await readiness.ready(self._bindings, sorted({route.binding for route in ROUTES}))

    async def _openapi(self, inbound: Inbound) -> HttpResponse:
        return self._documents.openapi().answer(inbound.headers.get("if-none-match", ""))

    async def _docs(self, inbound: Inbound) -> HttpResponse:
        return self._documents.page().answer(inbound.headers.get("if-none-match", ""))
