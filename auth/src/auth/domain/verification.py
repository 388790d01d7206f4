"""Who presents a credential. One SQL round trip for a key, one for a token, none for what is malformed."""

from typing import Any

from auth.domain import access_tokens, api_keys
from auth.domain.roles import effective_permissions
from dotdo import jws
from dotdo.contracts.auth.models import Verification, VerifyCode
from dotdo.instants import rfc3339
from dotdo.ports import Bindings
from dotdo.sql import Sql

_KEY = """
select k.id as key_id, k.scopes, k.rate_limit, k.expires_at, k.revoked_at, k.expires_at <= now() as expired,
       coalesce(k.organization_id, u.organization_id) as organization_id, u.id as user_id, u.email, u.role, u.disabled_at
from api_keys k join users u on u.id = k.user_id
where k.key_hash = $1::bytea
"""

_SESSION = """
select s.id as session_id, s.revoked_at, s.expires_at <= now() as expired,
       u.organization_id, u.id as user_id, u.email, u.role, u.disabled_at
from sessions s join users u on u.id = s.user_id
where s.id = $1 and u.id = $2
"""

_TOKEN_CODES: dict[str, VerifyCode] = {"MALFORMED": "MALFORMED", "EXPIRED": "EXPIRED"}


def _refused(code: VerifyCode) -> Verification:
    return Verification(valid=False, code=code)


class Verifier:
    def __init__(self, bindings: Bindings, sql: Sql) -> None:
        self._bindings = bindings
        self._sql = sql

    async def verify(self, credential: str) -> Verification:
        """Says why not, rather than raise. Raises ServiceError only when the database or a secret is missing."""
        if api_keys.looks_like_key(credential):
            return await self._verify_key(credential)
        if access_tokens.looks_like_token(credential):
            return await self._verify_token(credential)
        return _refused("MALFORMED")

    async def _verify_key(self, key: str) -> Verification:
        environment = api_keys.environment_of(key)
        if environment is None:
            return _refused("MALFORMED")
        if environment == "test" and self._bindings.optional("ENVIRONMENT", "production") == "production":
            return _refused("WRONG_ENVIRONMENT")
        row = await self._sql.first(_KEY, api_keys.key_hash(key))
        if row is None:
            return _refused("NOT_FOUND")
        code = _standing(row)
        if code != "VALID":
            return _refused(code)
        return Verification(
            kind="api_key", key_id=row["key_id"], scopes=row["scopes"], rate_limit=row["rate_limit"],
            expires_at=row["expires_at"], **_owner(row, row["scopes"]),
        )  # fmt: skip

    async def _verify_token(self, token: str) -> Verification:
        try:
            read = access_tokens.read(token, access_tokens.secret_of(self._bindings), self._bindings.clock.now_s())
        except jws.InvalidToken as error:
            return _refused(_TOKEN_CODES.get(error.code, "NOT_FOUND"))
        row = await self._sql.first(_SESSION, read.session_id, read.user_id)
        if row is None:
            return _refused("REVOKED")
        code = _standing(row)
        if code != "VALID":
            return _refused(code)
        return Verification(
            kind="user", session_id=row["session_id"], expires_at=rfc3339(read.expires_s), **_owner(row, None)
        )


def _standing(row: dict[str, Any]) -> VerifyCode:
    if row["revoked_at"] is not None:
        return "REVOKED"
    if row["expired"]:
        return "EXPIRED"
    return "DISABLED" if row["disabled_at"] is not None else "VALID"


def _owner(row: dict[str, Any], scopes: list[str] | None) -> dict[str, Any]:
    return {
        "valid": True,
        "code": "VALID",
        "user_id": row["user_id"],
        "email": row["email"],
        "role": row["role"],
        "organization_id": row["organization_id"],
        "permissions": effective_permissions(row["role"], scopes),
    }
