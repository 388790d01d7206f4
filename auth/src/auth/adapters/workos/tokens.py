"""Access tokens of WorkOS: believed only once their signature is one of the application's own key set (RS256, RFC 7518 §3.3).

The key set stands under the client's id, so that a key of it is what ties a token to this application, as in the official SDKs;
an audience or client id in the token has to be this client's all the same, and WORKOS_ISSUER, where it is set, the issuer.
"""

from dataclasses import dataclass
from typing import Any

from auth.adapters.workos.api import Api, segment, unreadable_answer
from auth.adapters.workos.models import KeySet
from dotdo import jws
from dotdo.ports import Bindings

KEYS_LIFETIME_S = 3600.0
REFETCH_S = 30.0
"""A key id nobody has seen asks for the key set again, but not more often than this."""
LEEWAY_S = 30


@dataclass(frozen=True, slots=True)
class Claims:
    """`role` and `permissions` are WorkOS's names, in the organisation; None and empty without one."""

    user_id: str
    session_id: str | None
    organization_id: str | None
    role: str | None
    permissions: tuple[str, ...]


class AccessTokens:
    """Keeps the key set for an hour: plain data, which requests may share."""

    def __init__(self, api: Api, bindings: Bindings) -> None:
        self._api = api
        self._bindings = bindings
        self._keys: dict[str, dict[str, Any]] = {}
        self._fetched_s = float("-inf")
        self._client_id = ""

    async def verify(self, token: str) -> Claims:
        """Raises UPSTREAM_ERROR for a token that is not WorkOS's for this application, or not of now."""
        try:
            return _claims(await self._checked(token))
        except jws.InvalidToken as error:
            raise unreadable_answer() from error

    async def keys(self) -> list[dict[str, Any]]:
        """The key set as WorkOS publishes it."""
        return (await self._api.get(KeySet, f"/sso/jwks/{segment(self._api.client_id)}")).keys

    async def _checked(self, token: str) -> dict[str, Any]:
        parsed = jws.parse(token)
        header = parsed.header
        if header.get("alg") != "RS256" or "crit" in header:
            raise jws.InvalidToken("WRONG_TYPE")
        key = await self._key(header.get("kid"))
        if not await self._bindings.rs256.verify(key, parsed.signed.encode(), parsed.signature):
            raise jws.InvalidToken("BAD_SIGNATURE")
        claims = parsed.claims
        jws.check_times(claims, now_s=self._bindings.clock.now_s(), leeway_s=LEEWAY_S)
        self._check_recipient(claims)
        return claims

    def _check_recipient(self, claims: dict[str, Any]) -> None:
        audience = claims.get("aud", self._api.client_id)
        if self._api.client_id not in (audience if isinstance(audience, list) else [audience]):
            raise jws.InvalidToken("WRONG_AUDIENCE")
        if claims.get("client_id", self._api.client_id) != self._api.client_id:
            raise jws.InvalidToken("WRONG_AUDIENCE")
        issuers = self._bindings.optional("WORKOS_ISSUER").split()
        if issuers and claims.get("iss") not in issuers:
            raise jws.InvalidToken("WRONG_ISSUER")

    async def _key(self, kid: Any) -> dict[str, Any]:
        if not isinstance(kid, str):
            raise jws.InvalidToken("WRONG_KEY")
        age_s = self._bindings.clock.now_s() - self._fetched_s
        is_other_client = self._client_id != self._api.client_id
        if is_other_client or age_s > KEYS_LIFETIME_S or (kid not in self._keys and age_s > REFETCH_S):
            found = {each["kid"]: each for each in await self.keys() if _verifies(each)}
            self._keys, self._fetched_s, self._client_id = found, self._bindings.clock.now_s(), self._api.client_id
        if kid not in self._keys:
            raise jws.InvalidToken("WRONG_KEY")
        return self._keys[kid]


def _verifies(key: dict[str, Any]) -> bool:
    texts = all(isinstance(key.get(name), str) for name in ("kid", "n", "e"))
    return texts and key.get("kty") == "RSA" and key.get("use", "sig") == "sig" and key.get("alg", "RS256") == "RS256"


def _claims(claims: dict[str, Any]) -> Claims:
    user_id, permissions = claims.get("sub"), claims.get("permissions") or []
    session_id, organization_id, role = (claims.get(name) for name in ("sid", "org_id", "role"))
    optional = (session_id, organization_id, role)
    if not isinstance(user_id, str) or not all(each is None or isinstance(each, str) for each in optional):
        raise jws.InvalidToken("MALFORMED")
    if not isinstance(permissions, list) or not all(isinstance(each, str) for each in permissions):
        raise jws.InvalidToken("MALFORMED")
    return Claims(user_id, session_id, organization_id, role, tuple(permissions))
