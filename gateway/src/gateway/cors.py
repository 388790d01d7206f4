"""Cross-origin resource sharing (https://fetch.spec.whatwg.org/#http-cors-protocol): which sites' scripts may read answers."""

import re
from collections.abc import Mapping

from dotdo.errors import misconfigured
from dotdo.http import HttpResponse
from gateway.routes import METHODS

MAX_AGE_S = 600
REQUEST_HEADERS = (
    "authorization, content-type, if-match, if-none-match, idempotency-key, prefer, traceparent, x-request-id"
)
EXPOSED = (
    "etag, link, location, ratelimit, ratelimit-policy, retry-after, "
    "x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-request-id"
)

_ORIGIN = re.compile(r"(https?)://(\*\.)?([a-z0-9-]+(?:\.[a-z0-9-]+)*)(:\d{1,5})?\Z")
VARY = ("vary", "Origin")


class Cors:
    """`allowed`: origins, exact or `https://*.suffix`, with spaces between. Raises NOT_CONFIGURED for what is neither."""

    def __init__(self, allowed: str) -> None:
        exact, below = set[str](), list[tuple[str, str]]()
        for word in allowed.split():
            found = _ORIGIN.match(word)
            if found is None:
                raise misconfigured("CORS_ORIGINS", f"{word!r} is no origin such as https://example.com")
            scheme, wildcard, host, port = found.groups()
            if wildcard:
                below.append((f"{scheme}://", f".{host}{port or ''}"))
            else:
                exact.add(word)
        self.exact = frozenset(exact)
        """Those that are named in full."""
        self._below = tuple(below)

    def allows(self, origin: str) -> bool:
        if origin in self.exact:
            return True
        return any(
            origin.startswith(scheme) and origin.endswith(end) and _ORIGIN.match(origin) and "*" not in origin
            for scheme, end in self._below
        )

    def fields(self, origin: str | None) -> list[tuple[str, str]]:
        """For any response to a request of this origin."""
        if not origin or not self.allows(origin):
            return [VARY]
        return [
            VARY,
            ("access-control-allow-origin", origin),
            ("access-control-allow-credentials", "true"),
            ("access-control-expose-headers", EXPOSED),
        ]

    def preflight(self, headers: Mapping[str, str]) -> HttpResponse:
        """204; the browser goes no further when its origin is not named in it."""
        origin = headers["origin"]
        vary = ("vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
        if not self.allows(origin):
            return HttpResponse(204, headers=(vary,))
        return HttpResponse(204, headers=(
            vary,
            ("access-control-allow-methods", ", ".join(sorted(METHODS))),
            ("access-control-allow-headers", REQUEST_HEADERS),
            ("access-control-max-age", str(MAX_AGE_S)),
        ))  # fmt: skip


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers
