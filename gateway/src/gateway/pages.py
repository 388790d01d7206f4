"""What the gateway answers by itself: its card, whether it lives, whether all of it is ready."""

from collections.abc import Awaitable, Callable

from dotdo.http import HttpResponse, json_response
from dotdo.ports import Bindings
from gateway import readiness
from gateway.documents import Documents
from gateway.requests import Inbound

VERSION = "0.1.0"

LIVENESS = "/health"
"""Of whatever answers a request, and so on every host the gateway's: it needs no credential and no Worker."""
ASKING = frozenset({"/ready"})
"""Pages that ask other Workers, and so count against the limit of the address. The others cost nobody anything."""

Page = Callable[[Inbound], Awaitable[HttpResponse]]


class Pages:
    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._documents = Documents()
        self._pages: dict[str, Page] = {
            "/": self._card, LIVENESS: self._health, "/ready": self._ready,
            "/openapi.json": self._openapi, "/docs": self._docs,
        }  # fmt: skip

    def find(self, path: str) -> Page | None:
        return self._pages.get(path)

    async def _card(self, inbound: Inbound) -> HttpResponse:
        links = {name: f"/{name}" for name in ("docs", "openapi.json", "health", "ready", "auth", "db", "schedule")}
        return json_response({"service": "gateway", "version": VERSION, "links": links})

    async def _health(self, inbound: Inbound) -> HttpResponse:
        return json_response(readiness.live(self._bindings))

    async def _ready(self, inbound: Inbound) -> HttpResponse:
        return await readiness.ready(self._bindings)

    async def _openapi(self, inbound: Inbound) -> HttpResponse:
        return self._documents.openapi().answer(inbound.headers.get("if-none-match", ""))

    async def _docs(self, inbound: Inbound) -> HttpResponse:
        return self._documents.page().answer(inbound.headers.get("if-none-match", ""))
