"""Access tokens: HS256 JWTs of 15 minutes (RFC 9068's type `at+jwt`), one session each."""

import re
from dataclasses import dataclass

from dotdo import jws
from dotdo.errors import not_configured
from dotdo.ids import uuid7
from dotdo.ports import Bindings

ISSUER = "dotdo-auth"
AUDIENCE = "dotdo"
TYPE = "at+jwt"
LIFETIME_S = 15 * 60
LEEWAY_S = 30

_COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+\Z")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a valid token says. Rights are looked up anew at each check: the token's own are for display."""

    user_id: str
    session_id: str
    expires_s: int


def secret_of(bindings: Bindings) -> bytes:
    """JWT_SECRET, which is at least 32 bytes, else NOT_CONFIGURED."""
    secret = bindings.text("JWT_SECRET").encode()
    if len(secret) < jws.MIN_SECRET_BYTES:
        raise not_configured(f"JWT_SECRET (at least {jws.MIN_SECRET_BYTES} bytes)")
    return secret


def looks_like_token(credential: str) -> bool:
    return bool(_COMPACT.match(credential))


def issue(
    *,
    user_id: str,
    session_id: str,
    role: str,
    organization: str | None,
    permissions: list[str],
    secret: bytes,
    now_s: float,
) -> str:
    issued = int(now_s)
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": user_id, "sid": session_id, "role": role, "org": organization,
        "permissions": permissions, "jti": uuid7(), "iat": issued, "exp": issued + LIFETIME_S,
    }  # fmt: skip
    return jws.sign(claims, secret, TYPE)


def read(token: str, secret: bytes, now_s: float) -> AccessToken:
    """Raises jws.InvalidToken."""
    claims = jws.verify(token, secret, typ=TYPE, issuer=ISSUER, audience=AUDIENCE, now_s=now_s, leeway_s=LEEWAY_S)
    if not isinstance(claims.get("sub"), str) or not isinstance(claims.get("sid"), str):
        raise jws.InvalidToken("MALFORMED")
    return AccessToken(claims["sub"], claims["sid"], int(claims["exp"]))
