"""RFC 9457 problem+json: the one place where a ServiceError becomes an HTTP response."""

import json

from dotdo.errors import ServiceError
from dotdo.http import HttpResponse

PROBLEM_TYPE = "application/problem+json"


def problem_response(error: ServiceError, request_id: str) -> HttpResponse:
    """`type` is `about:blank` (the title says what the status means); `code` is what programs decide by."""
    body = {
        "type": error.type,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": request_id,
        "code": error.code,
        **error.members,
    }
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return HttpResponse(error.status, text, (("content-type", PROBLEM_TYPE), *error.headers.items(), *error.cookies))
