"""Signing in through WorkOS AuthKit: authorization code with PKCE (RFC 7636), bound to the browser that began.

State and destination travel in a signed cookie of ten minutes; the state is single use, and the verifier follows from it and a
secret, so that it is nowhere but here. Nothing is written before the browser comes back, so that unauthenticated requests
cannot fill a table.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from auth.domain.access_tokens import secret_of
from dotdo import jws
from dotdo.contracts.auth.workos import MAX_RETURN_TO
from dotdo.errors import ServiceError, invalid_argument
from dotdo.ports import Bindings
from dotdo.urls import percent_encoded

LIFETIME_S = 600
_TYPE = "dotdo-login+jwt"
_ISSUER = "dotdo-auth"

AUTHKIT, SSO = "login", "sso"
"""The two ways in. One is not gone on with as the other: each has a cookie of its own, of an audience of its own."""

# Browsers read a backslash as a slash, drop tabs and line ends, and half a surrogate pair is no text.
_NOT_IN_ADDRESSES = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """One sign-in under way. `organization`, `connection`: which was asked for, as WorkOS names them."""

    state: str
    verifier: str
    return_to: str
    organization: str | None = None
    connection: str | None = None

    @property
    def challenge(self) -> str:
        """The S256 code challenge of the verifier (RFC 7636 §4.2)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    @property
    def state_hash(self) -> str:
        """SHA-256 of the state as PostgreSQL reads bytea."""
        return "\\x" + hashlib.sha256(self.state.encode()).hexdigest()


def login_failed(detail: str) -> ServiceError:
    return ServiceError("LOGIN_FAILED", 400, "Sign-in failed", detail)


def safe_return_to(return_to: str, allowed_origins: list[str]) -> str:
    """The destination when it is a path of this site or on the list of origins. Raises INVALID_ARGUMENT otherwise.

    Percent-encoded where it has to be: a Location header holds nothing but ASCII.
    """
    if _NOT_IN_ADDRESSES.search(return_to):
        raise invalid_argument("return_to: has a character that no address has")
    on_this_site = return_to.startswith("/") and not return_to.startswith("//")
    if on_this_site or _origin(return_to) in allowed_origins:
        encoded = percent_encoded(return_to)
        if len(encoded) > MAX_RETURN_TO:
            raise invalid_argument(f"return_to: longer than {MAX_RETURN_TO} characters, percent-encoded")
        return encoded
    raise invalid_argument("return_to: neither a path of this site nor an allowed origin")


def _origin(address: str) -> str | None:
    """Scheme, and everything up to the path; None for what cannot be taken apart."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}"


def begin(
    bindings: Bindings, return_to: str, *, organization: str | None = None, connection: str | None = None
) -> PendingSignIn:
    state = secrets.token_urlsafe(32)
    return PendingSignIn(state, _verifier_of(state, bindings), return_to, organization, connection)


def seal(flow: str, pending: PendingSignIn, bindings: Bindings) -> str:
    """The cookie's value."""
    issued = int(bindings.clock.now_s())
    claims = {
        "iss": _ISSUER, "aud": _audience(flow), "iat": issued, "exp": issued + LIFETIME_S, "state": pending.state,
        "return_to": pending.return_to, "organization": pending.organization, "connection": pending.connection,
    }  # fmt: skip
    return jws.sign(claims, secret_of(bindings), _TYPE)


def resume(flow: str, cookie: str | None, state: str | None, bindings: Bindings) -> PendingSignIn:
    """What this browser began. Raises LOGIN_FAILED when the state is missing, foreign or too old."""
    if not cookie or not state:
        raise login_failed("this browser has no sign-in under way: begin again at /auth/login")
    try:
        claims = _unsealed(flow, cookie, bindings)
    except jws.InvalidToken as error:
        raise login_failed("the sign-in took too long or began elsewhere: begin again at /auth/login") from error
    if not hmac.compare_digest(claims["state"].encode(), state.encode()):
        raise login_failed("the sign-in began in another browser: begin again at /auth/login")
    begun = claims["state"]
    return PendingSignIn(
        begun, _verifier_of(begun, bindings), claims["return_to"], claims["organization"], claims["connection"]
    )


def is_under_way(flow: str, cookie: str | None, state: str | None, bindings: Bindings) -> bool:
    """Whether the cookie is of a sign-in that began here, with this state."""
    try:
        resume(flow, cookie, state, bindings)
    except ServiceError:
        return False
    return True


def _unsealed(flow: str, cookie: str, bindings: Bindings) -> dict[str, Any]:
    return jws.verify(
        cookie, secret_of(bindings), typ=_TYPE, issuer=_ISSUER, audience=_audience(flow), now_s=bindings.clock.now_s()
    )


def _audience(flow: str) -> str:
    return f"dotdo-{flow}"


def _verifier_of(state: str, bindings: Bindings) -> str:
    """43 characters of RFC 7636's alphabet."""
    digest = hmac.digest(secret_of(bindings), b"PKCE verifier\0" + state.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
