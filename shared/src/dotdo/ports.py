"""What domain code needs of the outside world, as small protocols. `dotdo.entry` implements them on the Workers runtime,
`dotdo.fakes` in memory."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Defer = Callable[[Coroutine[Any, Any, None]], None]
"""Lets work go on after the response has been sent (`waitUntil`). What it raises is logged."""


class Clock(Protocol):
    def now_s(self) -> float:
        """Seconds since 1970."""
        ...

    async def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class HttpCall:
    """One outbound request. `timeout_s` bounds all of it, the body of the answer included."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | bytes | None = None
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class HttpReply:
    """`headers` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    text: str


class HttpError(Exception):
    """No usable answer: connection refused or cut, or (`timed_out`) none in time."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


class Http(Protocol):
    async def send(self, call: HttpCall) -> HttpReply:
        """Redirects are not followed. Raises HttpError."""
        ...


class Ed25519(Protocol):
    """Signatures of RFC 8032, with keys as RFC 8037 writes them."""

    async def sign(self, private: Mapping[str, str], data: bytes) -> bytes:
        """Raises ServiceError NOT_CONFIGURED for what is no private key."""
        ...

    async def verify(self, public: Mapping[str, str], data: bytes, signature: bytes) -> bool: ...


class Peer(Protocol):
    """Another Worker of the platform, called by RPC."""

    async def call(self, method: str, *params: object) -> Any:
        """The JSON-safe result of a method of the peer's contract. Raises the ServiceError the peer raised."""
        ...


class Upstream(Protocol):
    """A bound Worker that inbound requests are passed on to. `inbound` is the runtime's own request, body unread."""

    async def forward(
        self, inbound: Any, url: str, remove: Iterable[str], add: Mapping[str, str]
    ) -> "UpstreamResponse":
        """The same request at `url`, headers `remove`d and `add`ed. Raises HttpError when the Worker fails."""
        ...


@dataclass(slots=True)
class UpstreamResponse:
    """`native` is the runtime's own response, its body unread."""

    status: int
    native: Any


class Bindings(Protocol):
    """The Worker's environment: variables, secrets and what is bound to it."""

    def text(self, name: str) -> str:
        """A variable or secret. Raises ServiceError NOT_CONFIGURED that names it when it is missing or empty."""
        ...

    def optional(self, name: str, default: str = "") -> str: ...

    def has(self, name: str) -> bool:
        """Whether there is a binding of that name or, for the platform's own Workers, a dispatch namespace to find it in."""
        ...

    def peer(self, name: str) -> Peer:
        """Raises ServiceError NOT_CONFIGURED when neither a service binding nor a dispatch namespace offers it."""
        ...

    def upstream(self, name: str) -> Upstream: ...

    @property
    def http(self) -> Http: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def ed25519(self) -> Ed25519: ...
