"""What domain code needs of the outside world, as small protocols. `dotdo.runtime` implements them on the Workers runtime,
`dotdo.fakes` in memory."""

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
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
    body: bytes

    @property
    def text(self) -> str:
        """Made anew each time: for what is read once. What is no UTF-8 becomes U+FFFD."""
        return self.body.decode(errors="replace")


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


class Rs256(Protocol):
    """Signatures of RFC 7518 §3.3, RSASSA-PKCS1-v1_5 with SHA-256; only checked, never made."""

    async def verify(self, public: Mapping[str, str], data: bytes, signature: bytes) -> bool:
        """`public` is a JWK with `n` and `e`. False, too, for what is no such key."""
        ...


class Peer(Protocol):
    """Another Worker of the platform, called by RPC."""

    async def call(self, method: str, *params: object) -> Any:
        """The JSON-safe result of a method of the peer's contract. Raises the ServiceError the peer raised."""
        ...


class Kv(Protocol):
    """A Workers KV namespace: values up to a minute old, one write a second to a key."""

    async def put(self, key: str, value: str, *, ttl_s: int, metadata: Mapping[str, object]) -> None:
        """`ttl_s` is at least 60. `metadata` as JSON is at most 1 KiB. Raises KvError."""
        ...

    async def list(self, prefix: str) -> list[tuple[str, Any]]:
        """Name and metadata of the keys with this prefix, the first 1000. Raises KvError."""
        ...


class Quota(Protocol):
    """A `ratelimits` binding: a counter of one Cloudflare location."""

    async def take(self, key: str) -> bool:
        """Counts one; whether it is within the binding's limit. Raises QuotaError."""
        ...


class QuotaError(Exception):
    """The counter did not answer."""


class KvError(Exception):
    """KV did not do what it was asked."""


class Bucket(Protocol):
    """An R2 bucket: what has been written is what everybody reads from then on. Every method raises BindingError."""

    async def put(self, key: str, body: bytes) -> None: ...

    async def get(self, key: str) -> bytes | None: ...

    async def keys(self, prefix: str) -> list[str]:
        """All keys that begin with it, in their order."""
        ...

    async def folders(self, prefix: str) -> list[str]:
        """What follows the prefix up to the next slash, the slash left out."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """At most 1000; one that does not exist is no error."""
        ...


class Ai(Protocol):
    """Workers AI."""

    async def run(self, model: str, inputs: Mapping[str, object]) -> Any:
        """The model's answer, JSON-safe. Raises BindingError."""
        ...


class Jobs(Protocol):
    """The platform's queue of work for later."""

    async def enqueue(self, job: Mapping[str, object]) -> None:
        """`{type, payload, priority}`. Raises BindingError."""
        ...


class BindingError(Exception):
    """R2, Workers AI or the queue did not do what it was asked."""


class Upstream(Protocol):
    """A bound Worker that inbound requests are passed on to. `inbound` is the runtime's own request, body unread."""

    async def forward(self, inbound: Any, passage: "Passage") -> "UpstreamResponse":
        """The same request, changed as `passage` says. Raises HttpError when the Worker fails or (`timed_out`) has not answered
        in time; and ServiceError 413 when the body turns out to be longer than may pass, 400 when the client hung up within it,
        408 when it has not sent all of it in that time, 504 when the Worker has not taken what was sent.
        """
        ...

    async def status_of(self, path: str) -> int:
        """What it answers to a GET of our own, in nobody's name. Raises HttpError."""
        ...


@dataclass(frozen=True, slots=True)
class Passage:
    """How a request goes on: to `url`, with headers taken out and put in. `timeout_s` is until the answer's headers."""

    url: str
    remove: Iterable[str]
    add: Mapping[str, str]
    timeout_s: float = 30.0
    max_body_bytes: int = 10 * 1024 * 1024


@dataclass(slots=True)
class UpstreamResponse:
    """`native` is the runtime's own response, its body unread. `body_bytes` is 0 when it is not known before the end.

    `taken_bytes`: of a request's body without an announced length, as many as had passed when the answer began.
    `headers` are what the gateway puts on top of the Worker's own.
    """

    status: int
    native: Any
    body_bytes: int = 0
    taken_bytes: int = 0
    headers: Sequence[tuple[str, str]] = ()


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

    def kv(self, name: str) -> Kv:
        """Raises ServiceError NOT_CONFIGURED when it is not bound, as do the four below."""
        ...

    def bucket(self, name: str) -> Bucket: ...

    def ai(self, name: str) -> Ai: ...

    def jobs(self, name: str) -> Jobs: ...

    def quota(self, name: str) -> Quota: ...

    @property
    def http(self) -> Http: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def ed25519(self) -> Ed25519: ...

    @property
    def rs256(self) -> Rs256: ...
