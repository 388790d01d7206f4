"""Dispatches the RPC calls and HTTP requests of one contract table to the functions that answer them.

Everything both surfaces share happens here once: validation, identity, access, errors, the log line.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dotdo.contract import Endpoint
from dotdo.errors import ServiceError, forbidden, internal, invalid_argument, unauthenticated
from dotdo.http import HttpRequest, HttpResponse, json_text_response, with_defaults
from dotdo.identity import ANONYMOUS, IDENTITY_HEADER, Identity, internal_secret, verify_identity
from dotdo.log import Logger
from dotdo.model import validated, validated_query
from dotdo.ports import Bindings, Defer
from dotdo.problem import problem_response
from dotdo.rpc import error_envelope, ok_envelope, parse_call
from dotdo.surface import Surface
from dotdo.tracing import REQUEST_ID_HEADER, Trace, begin, trace_from


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler knows of the call it answers. Over RPC there is no identity: a bound Worker is trusted."""

    log: Logger
    defer: Defer
    identity: Identity = ANONYMOUS
    request: HttpRequest | None = None

    @property
    def http_request(self) -> HttpRequest:
        assert self.request is not None, "HTTP handlers have a request"
        return self.request


class Service:
    """`rpc` and `http` hold the handlers, found by the names in the contract's rows."""

    def __init__(self, surface: Surface, bindings: Bindings, log: Logger, *, rpc: object, http: object) -> None:
        self._surface = surface
        self._bindings = bindings
        self._log = log
        self._rpc = rpc
        self._http = http

    async def call(self, name: str, params: Sequence[Any], defer: Defer, trace: Trace | None = None) -> str:
        """Answers one RPC call with JSON text. Raises only ServiceError; anything else is logged and becomes INTERNAL."""
        begin(trace)
        try:
            method = self._surface.method(name)
            handler = getattr(self._rpc, method.handler)
            return method.dump(await handler(Call(self._log, defer), **method.arguments(params)))
        except ServiceError as error:
            self._log.warn(
                "rpc.refused", method=name, code=error.code, status=error.status, reason=error.reason or None
            )
            raise
        except Exception as error:
            self._log.error("rpc.failed", method=name, error=repr(error))
            raise internal() from error

    async def call_json(self, text: str, defer: Defer) -> str:
        """Answers a Python peer's call; never raises, the envelope says what went wrong."""
        try:
            name, params, trace = parse_call(text)
        except ValueError:
            return error_envelope(invalid_argument("the call is not a JSON object with method and params"))
        try:
            return ok_envelope(await self.call(name, params, defer, trace))
        except ServiceError as error:
            return error_envelope(error)

    async def fetch(self, request: HttpRequest, defer: Defer) -> HttpResponse:
        """Answers one HTTP request; every error is problem+json. One log line."""
        started = time.perf_counter()
        trace = begin(trace_from(request.headers))
        route = code = reason = ""
        try:
            endpoint, path = self._surface.match(request)
            route = endpoint.path
            call = Call(self._log, defer, self._identify(endpoint, request), request)
            response = await self._answer(endpoint, path, call, request)
        except ServiceError as error:
            code, reason = error.code, error.reason
            response = problem_response(error, trace.request_id)
        except Exception as error:
            self._log.error("request.failed", route=route, error=repr(error))
            response = problem_response(internal(), trace.request_id)
        duration_ms = round((time.perf_counter() - started) * 1000, 2)
        self._log.info(
            "request",
            method=request.method,
            route=route,
            status=response.status,
            duration_ms=duration_ms,
            code=code or None,
            reason=reason or None,
        )
        response = with_defaults(response)
        return replace(response, headers=(*response.headers, (REQUEST_ID_HEADER, trace.request_id)))

    def _identify(self, endpoint: Endpoint, request: HttpRequest) -> Identity:
        header = request.headers.get(IDENTITY_HEADER)
        if endpoint.access == "public" and not header:
            return ANONYMOUS
        identity = verify_identity(
            header,
            audience=self._surface.service,
            secret=internal_secret(self._bindings),
            now_s=self._bindings.clock.now_s(),
        )
        if endpoint.access != "public" and identity.kind == "anonymous":
            raise unauthenticated("send an API key or an access token")
        if endpoint.access == "admin" and not identity.is_admin:
            raise forbidden("this needs the role admin")
        if endpoint.permission and not identity.may(endpoint.permission):
            raise forbidden(f"this needs the permission {endpoint.permission}")
        return identity

    async def _answer(self, endpoint: Endpoint, path: dict[str, str], call: Call, request: HttpRequest) -> HttpResponse:
        arguments: dict[str, Any] = dict(path)
        if endpoint.query is not None:
            arguments["query"] = validated_query(endpoint.query, request.query)
        elif request.query_string:
            raise invalid_argument("this endpoint takes no query parameters")
        if endpoint.body is not None:
            arguments["body"] = validated(
                endpoint.body, await request.json(may_be_empty=endpoint.may_be_empty), camel=False
            )
        result = await getattr(self._http, endpoint.handler)(call, **arguments)
        if isinstance(result, HttpResponse):
            return result
        return json_text_response(self._surface.dump(endpoint, result), endpoint.status)
