"""How often somebody may try to get in: so many times a minute by address and by account, and later after each failure.

An address is the one that the gateway vouches for; requests without one share a limit and are never locked out, since one of
them would lock out all. An account counts where it is certain whose it is: after WorkOS has said so, or by the refresh token.
A `login_hint` is nobody's yet: counted, it would let anybody keep anybody else out.
"""

import hashlib
import hmac
import math
from dataclasses import dataclass
from functools import cached_property

from auth.domain.lockouts import LONGEST_S, Lockouts
from dotdo.addresses import network_of
from dotdo.errors import ServiceError, misconfigured
from dotdo.log import Logger
from dotdo.ports import Bindings, Defer
from dotdo.rate_limits.fields import PROBLEM_TYPE, too_many_requests
from dotdo.rate_limits.gossip import Gossip, News
from dotdo.rate_limits.limiter import Limiter
from dotdo.rate_limits.policies import policies

UNKNOWN = "unknown"

LIMITS = {"login": 10, "callback": 10, "refresh": 30}
"""Attempts a minute by class, of one address and of one account."""

VARIABLE = "ATTEMPT_LIMITS"
"""What changes them. The gateway has classes of other names, and RATE_LIMITS for those."""


@dataclass(frozen=True, slots=True)
class EntryLimit:
    """A way to get in: its class of limit, and which failures bar it. Who cannot refresh any more may still sign in.

    `cookie`: what a browser that comes back has from when it began.
    """

    policy: str
    barred_by: str
    cookie: str = ""


LOGIN = EntryLimit("login", "sign-in")
CALLBACK = EntryLimit("callback", "sign-in", cookie="login")
SSO_CALLBACK = EntryLimit("callback", "sign-in", cookie="sso")
REFRESH = EntryLimit("refresh", "refresh")


class SignInLimits:
    """Lives as long as its isolate. Its methods raise NOT_CONFIGURED for settings that cannot be read."""

    def __init__(self, bindings: Bindings, log: Logger) -> None:
        self._bindings = bindings
        self._log = log

    def admit_address(self, limit: EntryLimit, address: str) -> None:
        """Counts one. Raises 429 RATE_LIMITED or LOCKED_OUT."""
        self._admit(limit, _address(address))

    def admit_account(self, limit: EntryLimit, user_id: str) -> None:
        """Counts one of an account that is certain. Raises 429 RATE_LIMITED or LOCKED_OUT."""
        self._admit(limit, f"u:{user_id}")

    def address_failed(self, limit: EntryLimit, address: str) -> None:
        if address:
            self._lockouts.failed(_subject(limit, _address(address)), self._now_s())

    def account_failed(self, limit: EntryLimit, user_id: str) -> None:
        self._lockouts.failed(_subject(limit, f"u:{user_id}"), self._now_s())

    def account_succeeded(self, limit: EntryLimit, user_id: str) -> None:
        """Ends what the account's failures led to; not the address's, which may try many accounts."""
        self._lockouts.succeeded(_subject(limit, f"u:{user_id}"))

    def tell(self, defer: Defer) -> None:
        """Lets the other isolates know, after the response, when there is something to know."""
        for gossip in self._gossips:
            gossip.exchange(defer)

    def _admit(self, limit: EntryLimit, identity: str) -> None:
        left_s = self._lockouts.left_s(_subject(limit, identity), self._now_s())
        if left_s:
            raise _locked_out(limit, math.ceil(left_s))
        decision = self._limiter.take(limit.policy, identity, self._now_s())
        if not decision.allowed:
            raise too_many_requests(decision)

    @cached_property
    def _limiter(self) -> Limiter:
        changes = self._bindings.optional(VARIABLE)
        return Limiter(policies(changes, LIMITS, VARIABLE), self._key(b"rate-limits"))

    @cached_property
    def _lockouts(self) -> Lockouts:
        return Lockouts(self._key(b"lock-outs"), _longest_s(self._bindings.optional("LOCKOUT_MAX_S")))

    @cached_property
    def _gossips(self) -> list[Gossip]:
        """Limits through RATE_LIMIT_KV, lock-outs through SESSIONS_KV; without one the isolate keeps its own."""
        kept: list[tuple[str, str, News]] = [
            ("RATE_LIMIT_KV", "rl1", self._limiter), ("SESSIONS_KV", "lo1", self._lockouts),
        ]  # fmt: skip
        environment = self._bindings.optional("ENVIRONMENT", "production")
        return [
            Gossip(news, self._bindings.kv(name), self._bindings.clock, self._log, f"{prefix}/{environment}/")
            for name, prefix, news in kept
            if self._bindings.has(name)
        ]

    def _key(self, purpose: bytes) -> bytes:
        return hmac.digest(self._bindings.optional("INTERNAL_SECRET").encode(), purpose, hashlib.sha256)

    def _now_s(self) -> float:
        return self._bindings.clock.now_s()


def _address(address: str) -> str:
    return f"ip:{network_of(address) if address else UNKNOWN}"


def _subject(limit: EntryLimit, identity: str) -> str:
    return f"{limit.barred_by}\n{identity}"


def _longest_s(text: str) -> int:
    if not text:
        return LONGEST_S
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise misconfigured("LOCKOUT_MAX_S", f"{text!r} is not a number of seconds")
    return int(text)


def _locked_out(limit: EntryLimit, wait_s: int) -> ServiceError:
    return ServiceError(
        "LOCKED_OUT", 429, "Too many requests", f"too many failures; try again in {wait_s} seconds",
        retryable=True, headers={"retry-after": str(wait_s)},
        type=PROBLEM_TYPE, members={"violated-policies": [f"{limit.barred_by}-failures"]},
    )  # fmt: skip
