"""A gateway whose Workers keep what reached them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from dotdo.errors import ServiceError
from dotdo.fakes import Deferred, FakeBindings, FakePeer
from dotdo.http import HttpResponse
from dotdo.identity import IDENTITY_HEADER, Identity, verify_identity
from dotdo.log import Logger
from dotdo.ports import Kv, Passage, Peer, Quota, Upstream, UpstreamResponse
from gateway.pipeline import Gateway
from gateway.requests import Inbound

SECRET = "i" * 32


def verified(role: str, *permissions: str, **changes: object) -> dict[str, object]:
    """What auth answers for a credential that is valid."""
    return {
        "valid": True, "code": "VALID", "kind": "api_key", "userId": f"usr_{role}", "role": role,
        "organizationId": None, "permissions": list(permissions), "keyId": f"key_{role}", "sessionId": None,
        "rateLimit": None, "expiresAt": None, **changes,
    }  # fmt: skip


CREDENTIALS = {
    "admin-key": verified("admin", "*"),
    "user-key": verified("user", "things:read", "things:write"),
    "viewer-key": verified("viewer", "things:read"),
    "session-token": verified(
        "user", "things:read", kind="user", keyId=None, sessionId="ses_1", organizationId="org_1"
    ),
}


def verify(credential: str) -> dict[str, object]:
    return CREDENTIALS.get(credential, {"valid": False, "code": "NOT_FOUND"})


@dataclass
class Worker:
    """A bound Worker. `passed` is what arrived: address, headers taken out, headers put in. `fails`: what passing on raises.

    `takes`: bytes of a body that are counted. `sends`: bytes of its answer. `bounds`: seconds and bytes of body that each
    passage allows.
    """

    fails: BaseException | None = None
    takes: int = 0
    sends: int = 0
    passed: list[tuple[str, list[str], dict[str, str]]] = field(default_factory=list)
    bounds: list[tuple[float, int]] = field(default_factory=list)

    async def forward(self, inbound: Any, passage: Passage) -> UpstreamResponse:
        self.passed.append((passage.url, list(passage.remove), dict(passage.add)))
        self.bounds.append((passage.timeout_s, passage.max_body_bytes))
        if self.fails:
            raise self.fails
        return UpstreamResponse(207, "the Worker's own", self.sends, self.takes)

    async def status_of(self, path: str) -> int:
        return 200


@dataclass
class Stage:
    """`ask` sends one request through the gateway. `later` is what goes on after the responses."""

    bindings: FakeBindings
    workers: dict[str, Worker]
    gateway: Gateway
    later: Deferred
    log: Logger

    async def ask(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        host: str = "api.test",
        scheme: str = "https",
    ) -> HttpResponse | UpstreamResponse:
        url = f"{scheme}://{host}{path}"
        return await self.gateway.handle(Inbound(method, url, headers or {}, object(), self.later))

    def arrived(self) -> dict[str, list[tuple[str, list[str], dict[str, str]]]]:
        return {name: worker.passed for name, worker in self.workers.items() if worker.passed}

    def identity(self, binding: str) -> Identity:
        """Who the Worker is told is calling, as that Worker itself would check it."""
        ((_, _, added),) = self.workers[binding].passed
        return verify_identity(
            added[IDENTITY_HEADER], audience=binding.lower(), secret=SECRET.encode(), now_s=self.bindings.clock.now_s()
        )


Open = Callable[..., Stage]


@pytest.fixture
def open_stage() -> Open:
    """Makes a stage: `bound` Workers, an auth service that answers by `auth`, variables on top of the usual."""

    def opened(
        bound: Iterable[str] = ("DB", "AUTH", "SCHEDULE"),
        auth: Callable[[str], object] = verify,
        log: Logger | None = None,
        kvs: dict[str, Kv] | None = None,
        quotas: dict[str, Quota] | None = None,
        **texts: str,
    ) -> Stage:
        workers = {name: Worker() for name in bound}
        upstreams: dict[str, Upstream] = dict(workers)
        peers: dict[str, Peer] = {"AUTH": FakePeer(verify=auth)} if "AUTH" in workers else {}
        secrets = {"INTERNAL_SECRET": SECRET, **texts}
        bindings = FakeBindings(secrets, peers=peers, upstreams=upstreams, kvs=kvs)
        bindings.quotas = quotas or {}
        log = log or Logger("gateway")
        return Stage(bindings, workers, Gateway(bindings, log), Deferred(), log)

    return opened


@pytest.fixture
def stage(open_stage: Open) -> Stage:
    return open_stage()


@pytest.fixture
def auth_is_down() -> Callable[[str], object]:
    def down(credential: str) -> object:
        raise ServiceError("UNAVAILABLE", 503, "Service unavailable", "the auth service does not answer")

    return down


@pytest.fixture
def verified_as() -> Callable[..., dict[str, object]]:
    return verified
