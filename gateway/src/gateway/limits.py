"""Which limit a request counts against: by address before anything is known of it, then by class and caller."""

import hashlib
import hmac

from dotdo.errors import ServiceError, misconfigured
from dotdo.log import Logger
from dotdo.ports import Bindings, Defer
from dotdo.rate_limits.fields import header_fields, too_many_requests
from dotdo.rate_limits.gossip import PERIOD_S, Gossip
from dotdo.rate_limits.limiter import Decision, Limiter
from dotdo.rate_limits.policies import LIMITS, policies
from gateway.credentials import Caller
from gateway.guards import Guards
from gateway.routes import Route

KV_PREFIX = "rl1"


class Limits:
    """Without KV the isolate keeps its limits by itself. Raises NOT_CONFIGURED for settings that cannot be read."""

    def __init__(self, bindings: Bindings, log: Logger) -> None:
        self._clock = bindings.clock
        key = hmac.digest(bindings.optional("INTERNAL_SECRET").encode(), b"rate-limits", hashlib.sha256)
        self._limiter = Limiter(policies(bindings.optional("RATE_LIMITS")), key)
        self._guards = Guards(bindings, list(LIMITS), log)
        self._fail_closed = _classes(bindings.optional("RATE_LIMITS_FAIL_CLOSED"))
        self._gossip: Gossip | None = None
        if bindings.has("GATEWAY_KV"):
            prefix = f"{KV_PREFIX}/{bindings.optional('ENVIRONMENT', 'production')}/"
            self._gossip = Gossip(self._limiter, bindings.kv("GATEWAY_KV"), self._clock, log, prefix)

    async def take_address(self, address: str) -> Decision:
        """Counts one request of an address."""
        return await self._take("ip", address)

    async def take(self, route: Route, caller: Caller, address: str) -> Decision:
        """Counts one request of a caller in the route's class. A limit of an API key's own is for the class `default`.

        Each way in is counted by itself: who signs in takes two of them, and others at an address want to stay signed in.
        """
        own = caller.rate_limit if route.policy == "default" else None
        name = _name(caller, address)
        return await self._take(route.policy, f"{name} {route.prefix}" if route.is_way_in else name, own)

    def tell(self, defer: Defer) -> None:
        """Lets the other isolates know, after the response, when there is something to know."""
        if self._gossip is not None:
            self._gossip.exchange(defer)

    def fields(self, decision: Decision | None) -> list[tuple[str, str]]:
        return header_fields(decision, self._clock.now_s()) if decision else []

    async def _take(self, policy: str, identity: str, own: int | None = None) -> Decision:
        decision = self._limiter.take(policy, identity, self._clock.now_s(), own)
        if policy in self._fail_closed and not (self._gossip and self._gossip.works):
            raise _no_shared_limits(policy)
        if own is not None:
            return decision  # a guard counts up to the class's number
        return await self._guards.confirm(decision, identity)


def require(decision: Decision) -> None:
    """Raises 429 for a refusal."""
    if not decision.allowed:
        raise too_many_requests(decision)


def _name(caller: Caller, address: str) -> str:
    identity = caller.identity
    if identity.kind == "anonymous":
        return f"ip:{address}"
    return f"k:{identity.key_id}" if identity.key_id else f"u:{identity.subject}"


def _classes(text: str) -> frozenset[str]:
    """RATE_LIMITS_FAIL_CLOSED: the classes that rather refuse than let each isolate keep its own count, such as `auth`."""
    classes = frozenset(text.split())
    if unknown := classes - set(LIMITS):
        raise misconfigured("RATE_LIMITS_FAIL_CLOSED", f"{min(unknown)!r} is no class; they are {', '.join(LIMITS)}")
    return classes


def _no_shared_limits(policy: str) -> ServiceError:
    return ServiceError(
        "UNAVAILABLE", 503, "Service unavailable", f"the limits of the class {policy} cannot be kept at the moment",
        retryable=True, headers={"retry-after": str(int(PERIOD_S))},
    )  # fmt: skip
