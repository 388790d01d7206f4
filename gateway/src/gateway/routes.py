"""Which Worker answers which path, and who may call it. Data: the pipeline only reads it."""

from dataclasses import dataclass
from typing import Literal

READS = frozenset({"GET", "HEAD", "OPTIONS"})
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
METHODS = READS | WRITES

Level = Literal["public", "authenticated", "admin"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may pass. A permission implies an authenticated caller."""

    level: Level
    permission: str = ""


PUBLIC = Rule("public")
ADMIN = Rule("admin")


def permission(name: str) -> Rule:
    return Rule("authenticated", name)


@dataclass(frozen=True, slots=True)
class Route:
    """`prefix` is removed before the request goes on to the Worker behind `binding`.

    `service_decides`: a credential that is not valid goes on as anonymous, since the service has to see such callers.
    """

    prefix: str
    binding: str
    reads: Rule
    writes: Rule
    service_decides: bool = False

    def rule(self, method: str) -> Rule:
        return self.reads if method in READS else self.writes

    def matches(self, path: str) -> bool:
        """Whole segments only: `/db` covers `/db` and `/db/x`, not `/dbx`."""
        return path == self.prefix or path.startswith(self.prefix + "/")

    def inner_path(self, path: str) -> str:
        return path[len(self.prefix) :] or "/"


ROUTES = (
    Route("/db", "DB", permission("things:read"), permission("things:write")),
    Route("/auth", "AUTH", PUBLIC, PUBLIC, service_decides=True),
    Route("/schedule", "SCHEDULE", ADMIN, ADMIN),
)


def match(path: str, routes: tuple[Route, ...] = ROUTES) -> Route | None:
    """The route with the longest prefix that covers the path."""
    covering = [route for route in routes if route.matches(path)]
    return max(covering, key=lambda route: len(route.prefix), default=None)
