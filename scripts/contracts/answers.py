"""What an operation answers: its results, and every problem that its row, its route and its inputs make possible."""

from collections.abc import Iterable, Mapping
from typing import Any

from dotdo.contract import Endpoint
from scripts.contracts.schemas import Schema

Component = dict[str, Any]

_ALWAYS = (400, 429, 500, 502, 503, 504)
_OWN = (400, 500)  # the gateway's own pages: no credential, no limit, nobody behind them
_WITH_BODY = (408, 413, 415)
_WITH_CREDENTIAL = (401, 403)
_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_BY_HEADER = {"If-Match": (412,), "Idempotency-Key": (409, 422)}

_SAYS = {
    200: "Done.",
    201: "Created.",
    202: "Accepted.",
    204: "Done; there is nothing to say.",
    302: "Elsewhere, see `Location`.",
    303: "Elsewhere, see `Location`.",
    304: "What you have is current.",
}

# By status: the component's name, and what it says.
_PROBLEMS = {
    400: ("BadRequest", "Something in the request has the wrong form; `detail` names it."),
    401: ("Unauthorized", "No credential, or one that is not accepted; `code` says why."),
    403: ("Forbidden", "The credential is known and may not do this."),
    404: ("NotFound", "There is no such thing, or it is not yours to see."),
    408: ("RequestTimeout", "The body has not arrived in time: send it again."),
    409: ("Conflict", "It contradicts what is stored."),
    412: ("PreconditionFailed", "What is stored is not the version that was asked for."),
    413: ("ContentTooLarge", "The body is too large."),
    415: ("UnsupportedMediaType", "The body is not `application/json`."),
    422: ("UnprocessableContent", "The `Idempotency-Key` was used for another request."),
    429: ("TooManyRequests", "Too many requests: wait as `Retry-After` says."),
    500: ("InternalServerError", "An error on our side."),
    502: ("BadGateway", "Something behind the service answered what cannot be used."),
    503: ("ServiceUnavailable", "Something the service depends on does not answer: try again."),
    504: ("GatewayTimeout", "It took longer than its limit: try again."),
}

CODES: Mapping[int, tuple[str, ...]] = {
    400: (
        "INVALID_ARGUMENT", "MALFORMED_JSON", "INVALID_SQL", "READ_ONLY", "RESULT_TOO_LARGE", "RESULT_TOO_DEEP",
        "LOGIN_FAILED",
    ),
    401: ("UNAUTHENTICATED", "MALFORMED", "NOT_FOUND", "EXPIRED", "REVOKED", "DISABLED", "WRONG_ENVIRONMENT", "NO_SESSION",
          "INVALID_SIGNATURE", "STALE_SIGNATURE"),
    403: ("FORBIDDEN", "CSRF", "HTTPS_REQUIRED", "DISABLED", "SCOPE_EXCEEDS_OWNER", "FORBIDDEN_METHOD",
          "EMAIL_NOT_VERIFIED", "MFA_REQUIRED", "SSO_REQUIRED", "FOREIGN_PROFILE"),
    404: ("NOT_FOUND",),
    408: ("REQUEST_TIMEOUT",),
    409: ("CONFLICT", "REFERENCE_MISSING", "ORGANIZATION_SELECTION_REQUIRED", "TOO_MANY_KEYS", "TASK_EXISTS", "TASK_DISABLED",
          "TASK_RUNNING", "NOT_RETRYABLE"),
    412: ("VERSION_MISMATCH",),
    413: ("PAYLOAD_TOO_LARGE",),
    415: ("UNSUPPORTED_MEDIA_TYPE",),
    422: ("IDEMPOTENCY_KEY_REUSED",),
    429: ("RATE_LIMITED", "LOCKED_OUT"),
    500: ("INTERNAL", "HANDLER_NOT_FOUND"),
    502: ("DATABASE_ERROR", "UPSTREAM_ERROR"),
    503: ("UNAVAILABLE", "NOT_CONFIGURED", "SERVICE_NOT_BOUND", "CIRCUIT_OPEN", "RETRY", "SERVICE_DOWN", "UNFINISHED"),
    504: ("TIMEOUT",),
}  # fmt: skip
"""By status: what `code` of its problem may be; the usual one first."""

# By component name: what stands in the header, an example.
_HEADERS: Mapping[str, tuple[str, str]] = {
    "X-Request-ID": ("Names the request, here and in every log line.", "req_0190c2b5e0f07d1c"),
    "RateLimit-Policy": ("The limit: requests `q` in a window of `w` seconds.", '"default";q=60;w=60'),
    "RateLimit": ("What is left of it: `r` requests, and `t` seconds until more.", '"default";r=59;t=60'),
    "X-RateLimit-Limit": ("The limit, as a number.", "60"),
    "X-RateLimit-Remaining": ("What is left, as a number.", "59"),
    "X-RateLimit-Reset": ("When there are more, in seconds since 1970.", "1790000060"),
    "Retry-After": ("The seconds to wait.", "7"),
    "WWW-Authenticate": ("`Bearer`", "Bearer"),
    "ETag": ("The version of what is answered.", '"3"'),
    "Location": ("Where to go, or where what was written is, below the service.", "/things/notes/first"),
    "Set-Cookie": ("The session, or the sign-in on its way.", "__Host-session=…; HttpOnly; Secure; SameSite=Lax"),
}
_LIMITED = ("RateLimit-Policy", "RateLimit", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_EXTRA = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}


def headers() -> dict[str, Component]:
    """The component of each response header."""
    return {
        name: {"description": says, "schema": {"type": "string", "examples": [example]}}
        for name, (says, example) in _HEADERS.items()
    }


def problems() -> dict[str, Component]:
    """The component of each problem."""
    return {name: _problem(status, says) for status, (name, says) in _PROBLEMS.items()}


def responses(endpoint: Endpoint, result: Schema, *, own: bool, credential: bool) -> dict[str, Any]:
    """By status. `own`: the gateway's own page. `credential`: the route or the row asks for one."""
    found = {status: _result(endpoint, status, result, own) for status in {endpoint.status, *endpoint.also}}
    for status in _problem_statuses(endpoint, own, credential):
        found.setdefault(status, {"$ref": f"#/components/responses/{_PROBLEMS[status][0]}"})
    return {str(status): found[status] for status in sorted(found)}


def _problem_statuses(endpoint: Endpoint, own: bool, credential: bool) -> Iterable[int]:
    yield from _OWN if own else _ALWAYS
    yield from endpoint.problems
    if credential:
        yield from _WITH_CREDENTIAL
    if endpoint.verb in _WRITES:
        yield 403  # a change by cookie from another site
    if endpoint.body is not None:
        yield from _WITH_BODY
    if "{" in endpoint.path:
        yield 404
    for name in endpoint.headers:
        yield from _BY_HEADER.get(name, ())


def _result(endpoint: Endpoint, status: int, result: Schema, own: bool) -> Component:
    names = ["X-Request-ID", *(() if own else _LIMITED), *_extra_headers(endpoint, status)]
    answer: Component = {"description": _SAYS.get(status) or _PROBLEMS[status][1], "headers": _references(names)}
    if status in (200, 201, 202, 503):
        answer["content"] = {endpoint.media: {"schema": result}}
    return answer


_WITHOUT_ADDRESS = {"ingest_events", "grant_permission"}
"""What they make is read as a part of something else."""


def _extra_headers(endpoint: Endpoint, status: int) -> Iterable[str]:
    if status in (302, 303):
        yield from ("Location", "Set-Cookie")
    if status < 400 and {"If-Match", "If-None-Match"} & {*endpoint.headers} and endpoint.verb != "DELETE":
        yield "ETag"
    if status in (201, 202) and endpoint.handler not in _WITHOUT_ADDRESS:
        yield "Location"


def _problem(status: int, says: str) -> Component:
    schema = {"$ref": f"#/components/schemas/{'QuotaExceeded' if status == 429 else 'Problem'}"}
    code = {"properties": {"code": {"examples": list(CODES[status])}}}
    return {
        "description": says,
        "headers": _references(["X-Request-ID", *_LIMITED, *_EXTRA.get(status, ())]),
        "content": {"application/problem+json": {"schema": {"allOf": [schema, code]}}},
    }


def _references(names: Iterable[str]) -> dict[str, Component]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
