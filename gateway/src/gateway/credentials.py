"""What a request presents, and who the auth service says that is."""

from collections.abc import Mapping
from typing import Any

from dotdo.cookies import read_cookie
from dotdo.errors import unauthenticated
from dotdo.identity import ANONYMOUS, Identity
from dotdo.ports import Peer


def presented(headers: Mapping[str, str], *, secure_cookies: bool) -> str | None:
    """The credential. An Authorization header counts before the cookie. Raises 401 for a scheme other than Bearer."""
    authorization = headers.get("authorization")
    if authorization is not None:
        scheme, _, credential = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not credential.strip():
            raise unauthenticated("send Authorization: Bearer <API key or access token>", "MALFORMED")
        return credential.strip()
    return read_cookie(headers.get("cookie", ""), "session", secure=secure_cookies) or None


async def identify(credential: str | None, auth: Peer) -> Identity:
    """The caller behind a credential; anonymous for none. Raises 401 with auth's code for one that is not valid."""
    if credential is None:
        return ANONYMOUS
    answer: dict[str, Any] = await auth.call("verify", credential)
    if not answer["valid"]:
        raise unauthenticated("the credential is not valid", answer["code"])
    return Identity(
        kind=answer["kind"],
        subject=answer["userId"],
        role=answer["role"],
        organization=answer["organizationId"] or "",
        permissions=tuple(answer["permissions"]),
        key_id=answer["keyId"] or "",
        session_id=answer["sessionId"] or "",
    )
