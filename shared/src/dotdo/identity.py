"""Who is calling, as the gateway tells the Workers behind it: the X-Dotdo-Identity header.

A compact HS256 token signed with INTERNAL_SECRET, for one service (`aud`), valid for 60 seconds. The Workers behind the
gateway believe nothing else about the caller: no other header, no cookie.
"""

from dataclasses import dataclass
from typing import Any, Literal

from dotdo import jws
from dotdo.errors import misconfigured, unauthenticated
from dotdo.permissions import ADMIN_ROLE, permitted
from dotdo.ports import Bindings

IDENTITY_HEADER = "x-dotdo-identity"
ISSUER = "dotdo-gateway"
TYPE = "dotdo-identity+jwt"
LIFETIME_S = 60
LEEWAY_S = 5

Kind = Literal["user", "api_key", "anonymous"]


@dataclass(frozen=True, slots=True)
class Identity:
    """`subject` is the user's id; empty for an anonymous caller. `address`: the client's; empty when it is not known."""

    kind: Kind
    subject: str = ""
    role: str = ""
    organization: str = ""
    permissions: tuple[str, ...] = ()
    key_id: str = ""
    session_id: str = ""
    address: str = ""

    @property
    def is_admin(self) -> bool:
        return self.role == ADMIN_ROLE and self.may("*")

    def may(self, permission: str) -> bool:
        """Whether the caller's permissions cover this one."""
        return permitted(self.permissions, permission)


ANONYMOUS = Identity(kind="anonymous")


def internal_secret(bindings: Bindings) -> bytes:
    """INTERNAL_SECRET, which is at least 32 bytes, else NOT_CONFIGURED."""
    secret = bindings.text("INTERNAL_SECRET").encode()
    if len(secret) < jws.MIN_SECRET_BYTES:
        raise misconfigured("INTERNAL_SECRET", f"shorter than {jws.MIN_SECRET_BYTES} bytes")
    return secret


def sign_identity(identity: Identity, *, audience: str, request_id: str, secret: bytes, now_s: float) -> str:
    """The header's value for the service named `audience`."""
    issued = int(now_s)
    claims: dict[str, Any] = {
        "iss": ISSUER, "aud": audience, "iat": issued, "exp": issued + LIFETIME_S, "rid": request_id,
        "sub": identity.subject, "kind": identity.kind, "role": identity.role, "org": identity.organization,
        "permissions": identity.permissions, "kid": identity.key_id, "sid": identity.session_id,
        "ip": identity.address,
    }  # fmt: skip
    return jws.sign(claims, secret, TYPE)


def verify_identity(header: str | None, *, audience: str, secret: bytes, now_s: float) -> Identity:
    """The caller the gateway vouches for. Raises ServiceError 401 for a missing, foreign or stale header."""
    if not header:
        raise unauthenticated("requests reach this service through the gateway")
    try:
        claims = jws.verify(header, secret, typ=TYPE, issuer=ISSUER, audience=audience, now_s=now_s, leeway_s=LEEWAY_S)
    except jws.InvalidToken as error:
        raise unauthenticated("the gateway's identity header is not valid") from error
    return Identity(
        kind=claims["kind"], subject=claims["sub"], role=claims["role"], organization=claims["org"],
        permissions=tuple(claims["permissions"]), key_id=claims["kid"], session_id=claims["sid"],
        address=claims.get("ip", ""),
    )  # fmt: skip
