"""Access tokens: JWTs of 15 minutes (RFC 9068's type `at+jwt`), one session each; HS256, or EdDSA where keys are configured.

The configuration chooses the algorithm, never the token.
"""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import Any

from auth.domain.signing_keys import SigningKey, signing_keys
from dotdo import jws
from dotdo.errors import misconfigured
from dotdo.ids import uuid7
from dotdo.ports import Bindings

ISSUER = "dotdo-auth"
AUDIENCE = "dotdo"
TYPE = "at+jwt"
LIFETIME_S = 15 * 60
LEEWAY_S = 30
MAX_PERMISSIONS = 2048
"""Bytes of JSON that the permissions in a token may have. A browser drops a cookie of more than 4096 bytes without a word
(RFC 6265 §6.1), and the rest of a token is below 1 KiB."""

_COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a token is issued to. Rights in it are for display: they are looked up at each check, and left out when many."""

    user_id: str
    session_id: str
    role: str
    organization: str | None
    permissions: list[str]


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a valid token says."""

    user_id: str
    session_id: str
    expires_s: int


def secret_of(bindings: Bindings, name: str = "JWT_SECRET") -> bytes:
    """A secret of at least 32 bytes, else NOT_CONFIGURED."""
    secret = bindings.text(name).encode()
    if len(secret) < jws.MIN_SECRET_BYTES:
        raise misconfigured(name, f"shorter than {jws.MIN_SECRET_BYTES} bytes")
    return secret


def secret_id(secret: bytes) -> str:
    """The `kid` of tokens signed with this secret; a keyed hash, which tells nothing of it."""
    return "hs-" + hmac.digest(secret, b"dotdo access token kid", hashlib.sha256).hex()[:16]


def looks_like_token(credential: str) -> bool:
    return bool(_COMPACT.match(credential))


class AccessTokens:
    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings

    async def issue(self, bearer: Bearer) -> str:
        issued = int(self._bindings.clock.now_s())
        claims: dict[str, Any] = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": bearer.user_id, "sid": bearer.session_id, "role": bearer.role,
            "org": bearer.organization, "jti": uuid7(), "iat": issued, "exp": issued + LIFETIME_S,
        }  # fmt: skip
        if len(json.dumps(bearer.permissions)) <= MAX_PERMISSIONS:
            claims["permissions"] = bearer.permissions
        key = next(iter(signing_keys(self._bindings).values()), None)
        if key is None:
            secret = secret_of(self._bindings)
            return jws.sign(claims, secret, TYPE, secret_id(secret))
        return await self._sign(claims, key)

    async def read(self, token: str) -> AccessToken:
        """Raises jws.InvalidToken."""
        keys = signing_keys(self._bindings)
        claims = await self._verify(token, keys) if keys else self._verify_shared(token)
        if not isinstance(claims.get("sub"), str) or not isinstance(claims.get("sid"), str):
            raise jws.InvalidToken("MALFORMED")
        return AccessToken(claims["sub"], claims["sid"], int(claims["exp"]))

    def _verify_shared(self, token: str) -> dict[str, Any]:
        secret = secret_of(self._bindings)
        return jws.verify(
            token, secret, typ=TYPE, issuer=ISSUER, audience=AUDIENCE, now_s=self._bindings.clock.now_s(),
            leeway_s=LEEWAY_S, kid=secret_id(secret),
        )  # fmt: skip

    async def _sign(self, claims: dict[str, Any], key: SigningKey) -> str:
        assert key.private is not None, "the first key signs"
        signed = jws.signing_input(claims, alg="EdDSA", typ=TYPE, kid=key.kid)
        return jws.compact(signed, await self._bindings.ed25519.sign(key.private, signed.encode()))

    async def _verify(self, token: str, keys: dict[str, SigningKey]) -> dict[str, Any]:
        parsed = jws.parse(token)
        header = parsed.header
        kid = header.get("kid")
        if not isinstance(kid, str) or kid not in keys:
            raise jws.InvalidToken("WRONG_KEY")
        jws.check_header(header, alg="EdDSA", typ=TYPE, kid=kid)
        if not await self._bindings.ed25519.verify(keys[kid].public, parsed.signed.encode(), parsed.signature):
            raise jws.InvalidToken("BAD_SIGNATURE")
        claims = parsed.claims
        jws.check_claims(
            claims, issuer=ISSUER, audience=AUDIENCE, now_s=self._bindings.clock.now_s(), leeway_s=LEEWAY_S
        )
        return claims
