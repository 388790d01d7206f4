"""Making API keys."""

from datetime import UTC, datetime, timedelta

from auth.domain import api_keys
from auth.domain.roles import role_permissions
from dotdo.contracts.auth.models import CreateApiKeyInput, CreatedApiKey
from dotdo.errors import ServiceError, not_found
from dotdo.permissions import permitted
from dotdo.ports import Clock
from dotdo.sql import Sql

_OWNER = "select role from users where id = $1 and disabled_at is null"

_INSERT = """
insert into api_keys (user_id, name, key_hash, prefix, last4, environment, scopes, expires_at)
values ($1, $2, $3::bytea, $4, $5, $6, $7::text[], $8::timestamptz)
returning id, name, prefix, last4, environment, scopes, expires_at, created_at
"""


class KeyStore:
    def __init__(self, sql: Sql, clock: Clock) -> None:
        self._sql = sql
        self._clock = clock

    async def create(self, request: CreateApiKeyInput) -> CreatedApiKey:
        """A new key; its clear text is in this answer and nowhere else. Raises NOT_FOUND, SCOPE_EXCEEDS_OWNER."""
        owner = await self._sql.first(_OWNER, request.user_id)
        if owner is None:
            raise not_found("no such user")
        granted = role_permissions(owner["role"])
        for scope in request.scopes or []:
            if not permitted(granted, scope):
                raise ServiceError("SCOPE_EXCEEDS_OWNER", 403, "Permission denied", f"scopes: the owner has no {scope}")
        key = api_keys.generate(request.environment)
        row = await self._sql.first(
            _INSERT, request.user_id, request.name, api_keys.key_hash(key), key[: api_keys.DISPLAYED_PREFIX],
            key[-api_keys.DISPLAYED_SUFFIX :], request.environment, request.scopes, self._expiry(request.expires_in_days),
        )  # fmt: skip
        assert row is not None, "an insert returns its row"
        return CreatedApiKey(key=key, **row)

    def _expiry(self, days: int | None) -> str | None:
        if days is None:
            return None
        return (datetime.fromtimestamp(self._clock.now_s(), UTC) + timedelta(days=days)).isoformat()
