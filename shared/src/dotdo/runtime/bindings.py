"""The environment of a Worker: its variables, and what is bound to it."""

from typing import Any

from workers import import_from_javascript

from dotdo.errors import not_configured
from dotdo.rpc import JsonPeer
from dotdo.runtime.clock import SystemClock
from dotdo.runtime.fetch import FetchHttp
from dotdo.runtime.platform_services import QueueWorker, RateLimitBinding, WorkersAi
from dotdo.runtime.signatures import WebEd25519, WebRs256
from dotdo.runtime.stores import KvNamespace, R2Bucket
from dotdo.runtime.upstream import BoundUpstream

PLATFORM = frozenset({"GATEWAY", "DB", "AUTH", "SCHEDULE"})
"""The Workers that a dispatch namespace of ours holds; every other one has to be bound."""


class WorkerBindings:
    """The environment of this Worker. May be kept across requests; what it hands out may be, too."""

    def __init__(self) -> None:
        self._env = import_from_javascript("cloudflare:workers").env
        self._known: dict[str, Any] = {}
        self.http = FetchHttp()
        self.clock = SystemClock()
        self.ed25519 = WebEd25519()
        self.rs256 = WebRs256()

    def text(self, name: str) -> str:
        value = self.optional(name)
        if not value:
            raise not_configured(name)
        return value

    def optional(self, name: str, default: str = "") -> str:
        value = self._value(name)
        return value if isinstance(value, str) else default

    def has(self, name: str) -> bool:
        if self._value(name) is not None:
            return True
        return name in PLATFORM and self._value("DISPATCH") is not None

    def peer(self, name: str) -> JsonPeer:
        binding = self._worker(name)
        return JsonPeer(name.lower(), lambda text: binding.callJson(text))  # noqa: PLW0108 (a method of a binding is not kept)

    def upstream(self, name: str) -> BoundUpstream:
        return BoundUpstream(self._worker(name))

    def kv(self, name: str) -> KvNamespace:
        return KvNamespace(self._bound(name))

    def bucket(self, name: str) -> R2Bucket:
        return R2Bucket(self._bound(name))

    def ai(self, name: str) -> WorkersAi:
        return WorkersAi(self._bound(name))

    def jobs(self, name: str) -> QueueWorker:
        return QueueWorker(self._bound(name))

    def quota(self, name: str) -> RateLimitBinding:
        return RateLimitBinding(self._bound(name))

    def _bound(self, name: str) -> Any:
        binding = self._value(name)
        if binding is None:
            raise not_configured(name)
        return binding

    def _worker(self, name: str) -> Any:
        """The service binding when there is one, else the Worker of that name in the dispatch namespace."""
        binding = self._value(name)
        if binding is not None:
            return binding
        namespace = self._value("DISPATCH")
        if namespace is None:
            raise not_configured(name)
        return namespace.get(name.lower())

    def _value(self, name: str) -> Any:
        """None when there is none. JavaScript is asked once: what an isolate is given does not change while it lives."""
        if name not in self._known:
            self._known[name] = getattr(self._env, name, None)
        return self._known[name]
