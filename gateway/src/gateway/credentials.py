"""What a request presents, and who the auth service says that is."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dotdo.cookies import read_cookie
from dotdo.errors import ServiceError, unauthenticated
from dotdo.identity import ANONYMOUS, Identity
from dotdo.ports import Clock, Peer
from gateway.lru import Lru

VALID_S = 30.0
"""How long an answer of auth is believed: so long may a revoked credential still be taken."""
INVALID_S = 5.0
CAPACITY = 5_000


@dataclass(frozen=True, slots=True)
class Caller:
    """`rate_limit`: requests a minute of an API key that has a limit of its own."""

    identity: Identity
    rate_limit: int | None = None


NOBODY = Caller(ANONYMOUS)


def presented(headers: Mapping[str, str], *, secure_cookies: bool) -> str | None:
    """The credential. An Authorization header counts before the cookie. Raises 401 for a scheme other than Bearer."""
    authorization = headers.get("authorization")
    if authorization is not None:
        scheme, _, credential = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not credential.strip():
            raise unauthenticated("send Authorization: Bearer <API key or access token>", "MALFORMED")
        return credential.strip()
    cookie = headers.get("cookie")
    return read_cookie(cookie, "session", secure=secure_cookies) or None if cookie else None


class Credentials:
    """Asks auth who a credential is, and remembers the answer for a while: under its SHA-256, never the credential itself.

    Wrong ones have a memory of their own, so that guesses cannot push out who is known.
    """

    def __init__(self, clock: Clock, capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._valid: Lru[Caller] = Lru(capacity)
        self._invalid: Lru[str] = Lru(capacity)

    async def identify(self, credential: str, auth: Peer) -> Caller:
        """The caller behind it. Raises 401 with auth's code for a credential that is not valid."""
        key = hashlib.sha256(credential.encode("utf-8", "surrogatepass")).digest()
        now_s = self._clock.now_s()
        known = self._valid.get(key, now_s)
        if known is not None:
            return known
        code = self._invalid.get(key, now_s)
        if code is not None:
            raise _refused(code)
        answer: dict[str, Any] = await auth.call("verify", credential)
        if not answer["valid"]:
            self._invalid.put(key, str(answer["code"]), now_s + INVALID_S)
            raise _refused(str(answer["code"]))
        caller = _caller(answer)
        self._valid.put(key, caller, min(now_s + VALID_S, _end_s(answer)))
        return caller


def _refused(code: str) -> ServiceError:
    return unauthenticated("the credential is not valid", code)


def _end_s(answer: Mapping[str, Any]) -> float:
    """When the credential itself ends, in seconds since 1970."""
    expires_at = answer["expiresAt"]
    return datetime.fromisoformat(expires_at).timestamp() if expires_at else float("inf")


def _caller(answer: Mapping[str, Any]) -> Caller:
    identity = Identity(
        kind=answer["kind"],
        subject=answer["userId"],
        role=answer["role"],
        organization=answer["organizationId"] or "",
        permissions=tuple(answer["permissions"]),
        key_id=answer["keyId"] or "",
        session_id=answer["sessionId"] or "",
    )
    return Caller(identity, answer["rateLimit"])
