"""The tests' HTTP client: httpx, and what every browser does when a kept connection turns out to be closed."""

from collections import Counter
from typing import Any

import httpx

REPEATED: Counter[str] = Counter()
"""How often a request was sent again, by method and path. The end of a run of the tests tells it."""

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS"})


class Connections(httpx.AsyncHTTPTransport):
    """A kept connection may be closed by the server at any time, the time of the next request included. A request that
    may be repeated then goes out once more (RFC 9110, 9.2.2; RFC 9112, 9.3.1).

    A new connection that is closed without an answer is a failure of the server, and stays one.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        opened: list[str] = []

        async def note(event: str, info: dict[str, Any]) -> None:
            if event == "connection.connect_tcp.started":
                opened.append(event)

        request.extensions["trace"] = note
        try:
            return await super().handle_async_request(request)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            if opened or request.method not in _IDEMPOTENT:
                raise
        REPEATED[f"{request.method} {request.url.path}"] += 1
        return await super().handle_async_request(request)


def http_client(**options: Any) -> httpx.AsyncClient:
    """`httpx.AsyncClient` with these connections."""
    return httpx.AsyncClient(**{"timeout": 30, **options}, transport=Connections())
