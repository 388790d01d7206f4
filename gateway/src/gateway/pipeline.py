"""One request's way through the gateway: normalise, route, limit, identify, check access, limit again, pass on, tell of it."""

import time
from dataclasses import replace
from urllib.parse import urlsplit

from dotdo.csrf import check_opened, check_same_site
from dotdo.errors import ServiceError, internal, method_not_allowed, not_found
from dotdo.http import HttpResponse, with_defaults
from dotdo.log import Logger
from dotdo.ports import Bindings, UpstreamResponse
from dotdo.problem import problem_response
from dotdo.tracing import REQUEST_ID_HEADER, begin, trace_from
from gateway import access
from gateway.addresses import limit_key
from gateway.cors import Cors, is_preflight
from gateway.credentials import NOBODY, Caller, Credentials, presented
from gateway.forwarding import Forwarder
from gateway.hosts import is_workers_own, match_host
from gateway.limits import Limits, require
from gateway.pages import ASKING, LIVENESS, Pages
from gateway.paths import normalise
from gateway.reporting import Reporter
from gateway.requests import PREFLIGHT, Inbound, Seen
from gateway.routes import METHODS, READS, Route, match
from gateway.sign_in import SignIn
from gateway.transport import require_https

Response = HttpResponse | UpstreamResponse


class Gateway:
    """Lives as long as its isolate. Raises ServiceError NOT_CONFIGURED for settings that cannot be read."""

    def __init__(self, bindings: Bindings, log: Logger) -> None:
        self._bindings = bindings
        self._log = log
        self._cors = Cors(bindings.optional("CORS_ORIGINS"))
        self._secure_cookies = bindings.optional("COOKIE_SECURE", "true") != "false"
        self._credentials = Credentials(bindings.clock)
        self._limits = Limits(bindings, log)
        self._forwarder = Forwarder(bindings)
        self._pages = Pages(bindings)
        self._sign_in = SignIn(bindings)
        self._reporter = Reporter(bindings, log)

    async def handle(self, inbound: Inbound) -> Response:
        """The gateway's own answer or the Worker's, untouched. Every error is problem+json."""
        started = time.perf_counter()
        trace = begin(trace_from(inbound.headers))
        seen = Seen()
        response: Response
        try:
            response = await self._answer(inbound, seen)
        except ServiceError as error:
            response = self._sign_in.instead_of(error, inbound) or problem_response(error, trace.request_id)
        except Exception as error:
            self._log.error("request.failed", route=seen.route, error=repr(error))
            response = problem_response(internal(), trace.request_id)
        self._limits.tell(inbound.defer)
        self._reporter.report(inbound, seen, response, (time.perf_counter() - started) * 1000)
        if isinstance(response, HttpResponse):
            response = with_defaults(response)
        return replace(response, headers=(*response.headers, *self._own_fields(inbound, seen, trace.request_id)))

    def _own_fields(self, inbound: Inbound, seen: Seen, request_id: str) -> list[tuple[str, str]]:
        cors = self._cors.fields(inbound.headers.get("origin"))
        return [(REQUEST_ID_HEADER, request_id), *cors, *self._limits.fields(seen.limit)]

    async def _answer(self, inbound: Inbound, seen: Seen) -> Response:
        if is_preflight(inbound.method, inbound.headers):
            seen.route = PREFLIGHT
            return self._cors.preflight(inbound.headers)
        url = urlsplit(inbound.url)
        if self._secure_cookies:
            require_https(url.scheme, inbound.headers)
        path = normalise(url.path)
        page = self._pages.find(path)
        if page is not None and (path == LIVENESS or not is_workers_own(url.hostname or "")):
            seen.route = path
            if inbound.method not in READS:
                raise method_not_allowed(sorted(READS))
            if path in ASKING:
                await self._count_address(inbound, seen)
            return await page(inbound)
        route = match(path)
        inner = route.inner_path(path) if route else path
        route = route or match_host(url.hostname or "", path)
        if route is None:
            raise not_found("no route for this path")
        seen.route = route.prefix
        query = f"?{url.query}" if url.query else ""
        return await self._pass(inbound, seen, route, f"{url.scheme}://{url.netloc}{inner}{query}")

    async def _pass(self, inbound: Inbound, seen: Seen, route: Route, url: str) -> UpstreamResponse:
        if inbound.method not in METHODS:
            raise method_not_allowed(sorted(METHODS))
        if not self._bindings.has(route.binding):
            raise ServiceError(
                "SERVICE_NOT_BOUND", 503, "Service not bound", f"{route.prefix} has no service in this deployment"
            )
        address = await self._count_address(inbound, seen)
        caller = await self._caller(inbound, route)
        seen.identity = caller.identity
        self._check_site(inbound, route, url)
        access.check(route.rule(inbound.effect), caller.identity)
        seen.limit = await self._limits.take(route, caller, address)
        require(seen.limit)
        return await self._forwarder.forward(inbound, route, url, caller.identity)

    async def _count_address(self, inbound: Inbound, seen: Seen) -> str:
        address = limit_key(inbound.headers)
        seen.limit = await self._limits.take_address(address)
        require(seen.limit)
        return address

    async def _caller(self, inbound: Inbound, route: Route) -> Caller:
        try:
            credential = presented(inbound.headers, secure_cookies=self._secure_cookies)
            if credential is None:
                return NOBODY
            return await self._credentials.identify(credential, self._bindings.peer("AUTH"))
        except ServiceError as error:
            if route.service_decides and error.status == 401:
                return NOBODY
            raise

    def _check_site(self, inbound: Inbound, route: Route, url: str) -> None:
        own = "/".join(url.split("/", 3)[:3])
        check_same_site(inbound.effect, inbound.headers, self._cors.exact | {own})
        if route.is_way_in and not self._cors.allows(inbound.headers.get("origin", "")):
            check_opened(inbound.method, inbound.headers)
