"""In-memory stand-ins for the ports, for unit tests: they keep what they were asked and answer what they were told."""

import json
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from dotdo.errors import not_configured
from dotdo.ports import (
    Ai,
    BindingError,
    Bucket,
    Ed25519,
    Http,
    HttpCall,
    HttpReply,
    Jobs,
    Kv,
    KvError,
    Peer,
    Quota,
    QuotaError,
    Rs256,
    Upstream,
)  # fmt: skip


class FakeClock:
    """Stands still until told otherwise."""

    def __init__(self, now_s: float = 1_790_000_000.0) -> None:
        self.now = now_s

    def now_s(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Takes no time but the clock's own."""
        self.now += seconds


class FakeHttp:
    """Answers with `respond` and records the calls."""

    def __init__(self, respond: Callable[[HttpCall], HttpReply]) -> None:
        self._respond = respond
        self.calls: list[HttpCall] = []

    async def send(self, call: HttpCall) -> HttpReply:
        self.calls.append(call)
        return self._respond(call)


class FakePeer:
    """Answers by method name and records the calls."""

    def __init__(self, **answers: Callable[..., Any]) -> None:
        self._answers = answers
        self.calls: list[tuple[str, tuple[object, ...]]] = []

    async def call(self, method: str, *params: object) -> Any:
        self.calls.append((method, params))
        return self._answers[method](*params)


class FakeKv:
    """Keeps what is put, with its metadata. Counts what is asked of it, and fails when told."""

    def __init__(self) -> None:
        self.entries: dict[str, Any] = {}
        self.lifetimes_s: dict[str, int] = {}
        self.operations = 0
        self.fails = False

    async def put(self, key: str, value: str, *, ttl_s: int, metadata: Mapping[str, object]) -> None:
        self._count()
        assert ttl_s >= 60, "KV takes no shorter lifetime"
        assert len(json.dumps(metadata, separators=(",", ":"))) <= 1024, "KV takes 1 KiB of metadata"
        self.entries[key] = metadata
        self.lifetimes_s[key] = ttl_s

    async def list(self, prefix: str) -> list[tuple[str, Any]]:
        self._count()
        return [(key, metadata) for key, metadata in self.entries.items() if key.startswith(prefix)]

    def _count(self) -> None:
        self.operations += 1
        if self.fails:
            raise KvError("KV put failed: 429 Too Many Requests")


class FakeQuota:
    """Admits `limit` a key, and fails when told."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.counts: Counter[str] = Counter()
        self.fails = False

    async def take(self, key: str) -> bool:
        if self.fails:
            raise QuotaError("no answer")
        self.counts[key] += 1
        return self.counts[key] <= self._limit


class FakeBucket:
    """Keeps what is put. `fails_at` is the number of the operation, counted from 1, from which on every one fails."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.operations = 0
        self.fails_at: int | None = None

    async def put(self, key: str, body: bytes) -> None:
        self._count()
        self.objects[key] = body

    async def get(self, key: str) -> bytes | None:
        self._count()
        return self.objects.get(key)

    async def keys(self, prefix: str) -> list[str]:
        self._count()
        return sorted(key for key in self.objects if key.startswith(prefix))

    async def folders(self, prefix: str) -> list[str]:
        rests = [key.removeprefix(prefix) for key in await self.keys(prefix)]
        return sorted({rest.partition("/")[0] for rest in rests if "/" in rest})

    async def delete(self, keys: Sequence[str]) -> None:
        self._count()
        assert len(keys) <= 1000, "R2 deletes 1000 at once"
        for key in keys:
            self.objects.pop(key, None)

    def _count(self) -> None:
        self.operations += 1
        if self.fails_at is not None and self.operations >= self.fails_at:
            raise BindingError("We encountered an internal error. Please try again. (10001)")


class FakeAi:
    """Answers with `respond` and records the calls."""

    def __init__(self, respond: Callable[[str, Mapping[str, object]], Any]) -> None:
        self._respond = respond
        self.calls: list[Mapping[str, object]] = []

    async def run(self, model: str, inputs: Mapping[str, object]) -> Any:
        self.calls.append(inputs)
        return self._respond(model, inputs)


class FakeJobs:
    """Keeps the jobs; refuses those that `refuses` says."""

    def __init__(self, refuses: Callable[[Mapping[str, object]], bool] = lambda job: False) -> None:
        self._refuses = refuses
        self.jobs: list[Mapping[str, object]] = []

    async def enqueue(self, job: Mapping[str, object]) -> None:
        if self._refuses(job):
            raise BindingError("the job was refused")
        self.jobs.append(job)


class NoEd25519:
    """For tests without such keys: nothing can be signed, no signature holds."""

    async def sign(self, private: Mapping[str, str], data: bytes) -> bytes:
        raise not_configured("Ed25519")

    async def verify(self, public: Mapping[str, str], data: bytes, signature: bytes) -> bool:
        return False


class NoRs256:
    """For tests without such keys: no signature holds."""

    async def verify(self, public: Mapping[str, str], data: bytes, signature: bytes) -> bool:
        return False


class FakeBindings:
    """Variables from `texts`, peers and upstreams by binding name; buckets, Workers AI and queues in `bound`."""

    def __init__(  # noqa: PLR0913 (a test names the one or two it needs)
        self,
        texts: dict[str, str] | None = None,
        *,
        peers: dict[str, Peer] | None = None,
        upstreams: dict[str, Upstream] | None = None,
        kvs: dict[str, Kv] | None = None,
        bound: dict[str, Any] | None = None,
        http: Http | None = None,
        clock: FakeClock | None = None,
        ed25519: Ed25519 | None = None,
        rs256: Rs256 | None = None,
    ) -> None:
        self.texts = texts or {}
        self.peers = peers or {}
        self.upstreams = upstreams or {}
        self.kvs = kvs or {}
        self.quotas: dict[str, Quota] = {}
        self.bound = bound or {}
        self.http: Http = http or FakeHttp(lambda call: HttpReply(500, {}, b""))
        self.clock = clock or FakeClock()
        self.ed25519: Ed25519 = ed25519 or NoEd25519()
        self.rs256: Rs256 = rs256 or NoRs256()

    def text(self, name: str) -> str:
        if not self.texts.get(name):
            raise not_configured(name)
        return self.texts[name]

    def optional(self, name: str, default: str = "") -> str:
        return self.texts.get(name, default)

    def has(self, name: str) -> bool:
        return name in self.texts or name in {*self.peers, *self.upstreams, *self.kvs, *self.quotas, *self.bound}

    def peer(self, name: str) -> Peer:
        if name not in self.peers:
            raise not_configured(name)
        return self.peers[name]

    def upstream(self, name: str) -> Upstream:
        if name not in self.upstreams:
            raise not_configured(name)
        return self.upstreams[name]

    def kv(self, name: str) -> Kv:
        if name not in self.kvs:
            raise not_configured(name)
        return self.kvs[name]

    def quota(self, name: str) -> Quota:
        if name not in self.quotas:
            raise not_configured(name)
        return self.quotas[name]

    def bucket(self, name: str) -> Bucket:
        found: Bucket = self._bound(name)
        return found

    def ai(self, name: str) -> Ai:
        found: Ai = self._bound(name)
        return found

    def jobs(self, name: str) -> Jobs:
        found: Jobs = self._bound(name)
        return found

    def _bound(self, name: str) -> Any:
        if name not in self.bound:
            raise not_configured(name)
        return self.bound[name]


class Deferred:
    """Collects deferred work; `run` does it. What is never run does not complain of it."""

    def __init__(self) -> None:
        self.work: list[Coroutine[Any, Any, None]] = []

    def __call__(self, work: Coroutine[Any, Any, None]) -> None:
        self.work.append(work)

    async def run(self) -> None:
        while self.work:
            await self.work.pop(0)

    def __del__(self) -> None:
        for work in self.work:
            work.close()
