"""Which Worker answers which path, who may call it and within which limits. Data: the pipeline only reads it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

READS = frozenset({"GET", "HEAD", "OPTIONS"})
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
METHODS = READS | WRITES

MIB = 1024 * 1024

Level = Literal["public", "authenticated", "admin"]
Policy = Literal["default", "auth", "webhooks", "ai", "batch", "workflows"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may pass. A permission implies an authenticated caller."""

    level: Level
    permission: str = ""


PUBLIC = Rule("public")
AUTHENTICATED = Rule("authenticated")
ADMIN = Rule("admin")


def permission(name: str) -> Rule:
    return Rule("authenticated", name)


@dataclass(frozen=True)
class Route:
    """Requests below `prefix` go to the Worker behind `binding`, without what `removed` says (`prefix` unless told).

    `policy`: the class of rate limit. `timeout_s`: until the answer's headers. `service_decides`: a credential that is not
    valid goes on as anonymous, since the service has to see such callers.
    """

    prefix: str
    binding: str
    reads: Rule
    writes: Rule
    policy: Policy = "default"
    removed: str | None = None
    service_decides: bool = False
    timeout_s: float = 30.0
    max_body_bytes: int = 10 * MIB

    def __post_init__(self) -> None:
        if not self.prefix.startswith("/") or self.prefix.endswith("/") or "//" in self.prefix:
            raise ValueError(f"route {self.prefix!r}: a prefix begins with a slash and ends with none")
        if self.removed is not None and not covers(self.removed, self.prefix):
            raise ValueError(f"route {self.prefix!r}: what is removed is a part of it")

    def rule(self, method: str) -> Rule:
        return self.reads if method in READS else self.writes

    @property
    def is_way_in(self) -> bool:
        """Whether one signs in or out by it."""
        return self.policy == "auth"

    @cached_property
    def cut(self) -> str:
        """What is taken off the path."""
        return self.prefix if self.removed is None else self.removed

    @cached_property
    def inner_prefix(self) -> str:
        """What of the prefix the Worker sees: empty for all of it but the `removed` ones."""
        return self.prefix[len(self.cut) :]

    def inner_path(self, path: str) -> str:
        return path[len(self.cut) :] or "/"


def covers(prefix: str, path: str) -> bool:
    """Whole segments only: `/db` covers `/db` and `/db/x`, not `/dbx`."""
    return path == prefix or path.startswith(prefix + "/") or not prefix


def _auth(prefix: str, policy: Policy) -> Route:
    return Route(prefix, "AUTH", PUBLIC, PUBLIC, policy, removed="/auth", service_decides=True)


def _signed_in(prefix: str, binding: str, max_body_bytes: int = 10 * MIB) -> Route:
    return Route(prefix, binding, AUTHENTICATED, AUTHENTICATED, max_body_bytes=max_body_bytes)


ROUTES = (
    Route("/db", "DB", permission("things:read"), permission("things:write")),
    # A search is asked for by POST, too.
    Route("/db/search", "DB", permission("search:read"), permission("search:read"), removed="/db"),
    Route("/relationships", "DB", permission("relationships:read"), permission("relationships:write"), removed=""),
    _auth("/auth", "default"),
    _auth("/auth/login", "auth"),
    _auth("/auth/callback", "auth"),
    _auth("/auth/refresh", "auth"),
    _auth("/auth/logout", "auth"),
    _auth("/auth/sso", "auth"),
    _auth("/auth/webhooks", "webhooks"),
    Route("/schedule", "SCHEDULE", ADMIN, ADMIN),
    Route("/admin", "APP", ADMIN, ADMIN),
    Route("/batch", "BATCH", ADMIN, ADMIN, "batch"),
    Route("/ai", "AI", permission("ai:read"), permission("ai:write"), "ai", timeout_s=100.0),
    Route("/workflows", "WORKFLOWS", AUTHENTICATED, ADMIN, "workflows"),
    _signed_in("/queue", "QUEUE"),
    _signed_in("/events", "EVENTS"),
    _signed_in("/embeddings", "EMBEDDINGS"),
    _signed_in("/code", "CODE_EXEC"),
    _signed_in("/claude-code", "CLAUDE_CODE"),
    _signed_in("/agent", "AGENT"),
    _signed_in("/fn", "FN", 100 * MIB),
    _signed_in("/universal", "UNIVERSAL_API"),
)


BINDINGS = tuple(dict.fromkeys(route.binding for route in ROUTES))
"""Every Worker that may be behind the gateway."""
PLATFORM = frozenset({"AUTH", "DB", "SCHEDULE"})
"""Those of them that are built as it is, and answer the RPC method `health`."""


def matcher(routes: Sequence[Route]) -> Callable[[str], Route | None]:
    """A function from a path to the route with the longest prefix that covers it."""
    by_prefix = {route.prefix: route for route in routes}
    longest = max(prefix.count("/") for prefix in by_prefix)

    def match(path: str) -> Route | None:
        segments = path.split("/", longest + 1)
        for count in range(longest, 0, -1):
            route = by_prefix.get("/".join(segments[: count + 1]))
            if route is not None:
                return route
        return None

    return match


match = matcher(ROUTES)
