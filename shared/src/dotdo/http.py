"""Requests and responses as plain values, so that handlers run and are tested without the Workers runtime."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, unquote

from dotdo.errors import ServiceError, invalid_argument, malformed_json
from dotdo.nesting import parse_json

JSON_TYPE = "application/json"

MAX_IDEMPOTENCY_KEY = 512


ReadBody = Callable[[], Awaitable[bytes]]


async def _no_body() -> bytes:
    return b""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """`path` is as received, still percent-encoded. Header names are lower case.

    `read_body` is asked only when a handler wants the body, after the caller's rights are known. It raises 413.
    """

    method: str
    path: str
    query_string: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    read_body: ReadBody = _no_body

    @property
    def query(self) -> dict[str, str]:
        """Query parameters. One given twice is an error, since nobody could say which counts."""
        pairs = parse_qsl(self.query_string, keep_blank_values=True)
        query = dict(pairs)
        if len(query) != len(pairs):
            raise invalid_argument("a query parameter is given more than once")
        return query

    @property
    def segments(self) -> list[str]:
        """The decoded parts of the path: `/things/a%2Fb` → `["things", "a/b"]`. Raises 400 for bad UTF-8."""
        try:
            return [unquote(part, errors="strict") for part in self.path.strip("/").split("/") if part]
        except UnicodeDecodeError as error:
            raise invalid_argument("the path is not valid percent-encoded UTF-8") from error

    def reference(self, path: str) -> str:
        """`path` of this service as seen from this request (RFC 3986 §4.2): right also below a prefix of the gateway."""
        return "../" * (self.path.count("/") - 1) + path.removeprefix("/")

    @property
    def idempotency_key(self) -> str | None:
        """The header's value. Raises INVALID_ARGUMENT for one that is empty or too long."""
        key = self.headers.get("idempotency-key")
        if key is not None and not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY:
            raise invalid_argument(f"Idempotency-Key: 1 to {MAX_IDEMPOTENCY_KEY} characters are taken")
        return key

    async def json(self, *, may_be_empty: bool = False) -> Any:
        """The parsed body; no body is `{}` if it may be empty. Raises 415 for another media type, 400 MALFORMED_JSON."""
        if may_be_empty and "content-type" not in self.headers and not await self.read_body():
            return {}
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != JSON_TYPE:
            raise ServiceError("UNSUPPORTED_MEDIA_TYPE", 415, "Unsupported media type", f"send {JSON_TYPE}")
        try:
            return parse_json(await self.read_body())
        except ValueError as error:
            raise malformed_json() from error


def names(if_none_match: str, tag: str) -> bool:
    """Whether the header names what is there, compared weakly (RFC 9110 §13.1.2): a proxy that compresses makes a tag weak."""
    named = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return "*" in named or tag in named


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """`headers` is a sequence of pairs, since Set-Cookie may stand more than once."""

    status: int
    body: str = ""
    headers: Sequence[tuple[str, str]] = ()


PRIVATE_CACHE = "private, no-cache"
"""For those who may see it, asked each time whether it is still the same."""

_DEFAULTS = (("cache-control", PRIVATE_CACHE), ("x-content-type-options", "nosniff"))


def with_defaults(response: HttpResponse) -> HttpResponse:
    """No cache gives it to another reader, or twice without asking, unless it says so itself; no browser takes it for
    another type than it has.
    """
    named = {name for name, _ in response.headers}
    return replace(response, headers=(*response.headers, *(field for field in _DEFAULTS if field[0] not in named)))


def json_response(value: Any, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> HttpResponse:
    """`value` as compact JSON."""
    return json_text_response(json.dumps(value, separators=(",", ":"), ensure_ascii=False), status, headers)


def json_text_response(text: str, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> HttpResponse:
    """A body that is JSON already."""
    return HttpResponse(status, text, (("content-type", JSON_TYPE), *headers))
