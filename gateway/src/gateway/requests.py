"""A request as the gateway sees it, and what it finds out about it."""

from dataclasses import dataclass
from typing import Any

from dotdo.identity import ANONYMOUS, Identity
from dotdo.ports import Defer
from dotdo.rate_limits.limiter import Decision


@dataclass(slots=True)
class Inbound:
    """A request as it came in. `native` is the runtime's own, its body unread. `headers` has lower-case names.

    `defer` lets work go on after the response.
    """

    method: str
    url: str
    headers: dict[str, str]
    native: Any
    defer: Defer

    @property
    def body_bytes(self) -> int:
        """As announced; 0 when it is not: the runtime has refused what is no length."""
        announced = self.headers.get("content-length", "")
        if not (announced.isascii() and announced.isdigit()):
            return 0
        return int(announced.lstrip("0")[:19] or 0)  # one with more digits is over any limit either way

    @property
    def is_upgrade(self) -> bool:
        """Whether it asks for a WebSocket (RFC 6455 §4.1)."""
        return self.method == "GET" and self.headers.get("upgrade", "").lower() == "websocket"

    @property
    def effect(self) -> str:
        """The method whose rules hold. A WebSocket changes things: who may only read opens none, and browsers open one to any
        site, cookies included."""
        return "POST" if self.is_upgrade else self.method


PREFLIGHT = "preflight"


@dataclass(slots=True)
class Seen:
    """`route`: its prefix, the gateway's own page or PREFLIGHT; empty when nothing is there.

    What has been found out about a request so far: for the log line, the usage event and the limit's header fields."""

    route: str = ""
    identity: Identity = ANONYMOUS
    limit: Decision | None = None
