"""Who presents a credential. One SQL round trip for a key, one for a token, none for what is malformed."""

from dataclasses import dataclass
from typing import Any

from auth.domain import access_tokens, api_keys
from auth.domain.access_tokens import AccessTokens
from auth.domain.roles import GRANTS_OF_USER, acting_in, effective_permissions
from auth.domain.session_store import session_row
from auth.domain.users import user_of
from dotdo import jws
from dotdo.contracts.auth.models import ApiKeyOwner, Verification, VerifyCode
from dotdo.contracts.auth.sessions import Validation
from dotdo.instants import rfc3339
from dotdo.ports import Bindings, Defer
from dotdo.sql import Sql

_USER = f"""
       u.email, u.name, u.role, u.workos_id, u.email_verified, u.disabled_at, u.created_at as user_created_at,
       u.updated_at as user_updated_at, {GRANTS_OF_USER}"""

_KEY = f"""
select k.id as key_id, k.scopes, k.rate_limit, k.expires_at, k.revoked_at, k.expires_at <= now() as expired,
       k.last_used_at is null or k.last_used_at < now() - interval '1 minute' as unused, k.user_id,
       k.organization_id, {acting_in("k")}, {_USER}
from api_keys k join users u on u.id = k.user_id
where k.key_hash = $1::bytea
"""

_SESSION = f"""
select s.id, s.user_id, s.device, s.ip_address, s.user_agent, s.created_at, s.last_seen_at, s.expires_at,
       s.revoked_at, s.expires_at <= now() as expired, u.organization_id,
       u.organization_id as acts_in, {_USER}
from sessions s join users u on u.id = s.user_id
where s.id = $1 and u.id = $2
"""

_USED = """
update api_keys set last_used_at = now()
where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')
"""

_TOKEN_CODES: dict[str, VerifyCode] = {"MALFORMED": "MALFORMED", "EXPIRED": "EXPIRED"}


@dataclass(frozen=True, slots=True)
class _Presented:
    """`row`: the key or session and its user; None unless `code` is VALID. `expires_s`: the token's own end."""

    code: VerifyCode
    row: dict[str, Any] | None = None
    expires_s: int = 0


class Verifier:
    """Says why not, rather than raise. Raises ServiceError only when the database or a secret is missing."""

    def __init__(self, bindings: Bindings, sql: Sql, tokens: AccessTokens) -> None:
        self._bindings = bindings
        self._sql = sql
        self._tokens = tokens

    async def verify(self, credential: str, defer: Defer) -> Verification:
        if api_keys.looks_like_key(credential):
            return _key_verification(await self._key(credential, defer))
        if access_tokens.looks_like_token(credential):
            return _token_verification(await self._token(credential))
        return Verification(valid=False, code="MALFORMED")

    async def api_key_owner(self, key: str, defer: Defer) -> ApiKeyOwner | None:
        row = (await self._key(key, defer)).row
        return ApiKeyOwner(**user_of(row).model_dump()) if row else None

    async def validate(self, credential: str, defer: Defer) -> Validation:
        """The user of a key, or user and session of a token."""
        if not api_keys.looks_like_key(credential):
            return await self.validate_session(credential)
        presented = await self._key(credential, defer)
        if presented.row is None:
            return Validation(valid=False, error=presented.code)
        return Validation(valid=True, user=user_of(presented.row))

    async def validate_session(self, token: str) -> Validation:
        presented = await self._token(token)
        if presented.row is None:
            return Validation(valid=False, error=presented.code)
        return Validation(valid=True, user=user_of(presented.row), session=session_row(presented.row))

    async def _key(self, key: str, defer: Defer) -> _Presented:
        environment = api_keys.environment_of(key)
        if environment is None:
            return _Presented("MALFORMED")
        if environment == "test" and self._bindings.optional("ENVIRONMENT", "production") == "production":
            return _Presented("WRONG_ENVIRONMENT")
        row = await self._sql.first(_KEY, api_keys.key_hash(key), repeatable=True)
        presented = _standing(row, "NOT_FOUND")
        if presented.row and presented.row["unused"]:
            defer(self._used(presented.row["key_id"]))
        return presented

    async def _token(self, token: str) -> _Presented:
        if not access_tokens.looks_like_token(token):
            return _Presented("MALFORMED")
        try:
            read = await self._tokens.read(token)
        except jws.InvalidToken as error:
            return _Presented(_TOKEN_CODES.get(error.code, "NOT_FOUND"))
        row = await self._sql.first(_SESSION, read.session_id, read.user_id, repeatable=True)
        return _standing(row, "REVOKED", read.expires_s)

    async def _used(self, key_id: str) -> None:
        await self._sql.execute(_USED, key_id)


def _standing(row: dict[str, Any] | None, missing: VerifyCode, expires_s: int = 0) -> _Presented:
    if row is None:
        return _Presented(missing)
    if row["revoked_at"] is not None:
        return _Presented("REVOKED")
    if row["expired"]:
        return _Presented("EXPIRED")
    if row["disabled_at"] is not None:
        return _Presented("DISABLED")
    return _Presented("VALID", row, expires_s)


def _key_verification(presented: _Presented) -> Verification:
    row = presented.row
    if row is None:
        return Verification(valid=False, code=presented.code)
    return Verification(
        kind="api_key", key_id=row["key_id"], scopes=row["scopes"], rate_limit=row["rate_limit"],
        expires_at=row["expires_at"], **_owner(row, row["scopes"]),
    )  # fmt: skip


def _token_verification(presented: _Presented) -> Verification:
    row = presented.row
    if row is None:
        return Verification(valid=False, code=presented.code)
    return Verification(kind="user", session_id=row["id"], expires_at=rfc3339(presented.expires_s), **_owner(row, None))


def _owner(row: dict[str, Any], scopes: list[str] | None) -> dict[str, Any]:
    return {
        "valid": True,
        "code": "VALID",
        "user_id": row["user_id"],
        "email": row["email"],
        "role": row["role"],
        "organization_id": row["organization_id"],
        "permissions": effective_permissions(row["role"], scopes, row["grants"], row["acts_in"]),
    }
