"""Making, listing, rotating and revoking API keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from auth.domain import api_keys
from auth.domain import key_statements as statements
from auth.domain.arrival_statements import SIGN_IN_LOCK
from auth.domain.askers import check_asker
from auth.domain.audit import Actor
from auth.domain.roles import effective_permissions
from dotdo.contracts.auth.models import ApiKey, ApiKeyBody, ApiKeyPage, CreatedApiKey, ListQuery, RotateInput
from dotdo.errors import ServiceError, forbidden, not_found
from dotdo.paging import decode_cursor, page_of
from dotdo.permissions import permitted
from dotdo.ports import Clock
from dotdo.sql import Sql

MAX_KEYS = 100
"""That work at once, of one user: limits count by key, and whoever made keys without end would have none."""


@dataclass(frozen=True, slots=True)
class Maker:
    """Who asks for a key: no key is stronger than its maker. `permissions` None: a bound Worker, as strong as the owner.

    `key_id`: the API key that asks, when it is one.
    """

    actor: Actor
    permissions: Sequence[str] | None = None
    key_id: str = ""


class KeyStore:
    def __init__(self, sql: Sql, clock: Clock) -> None:
        self._sql = sql
        self._clock = clock

    async def create(self, user_id: str, wanted: ApiKeyBody, maker: Maker) -> CreatedApiKey:
        """A new key; its clear text is in this answer and nowhere else. Raises NOT_FOUND, FORBIDDEN, SCOPE_EXCEEDS_OWNER,
        TOO_MANY_KEYS, REVOKED.
        """
        owner = await self._sql.first(statements.OWNER, user_id, maker.key_id, repeatable=True)
        if owner is None:
            raise not_found("no such user")
        _check_environment(wanted.environment, owner["maker_environment"])
        _check_rate_limit(wanted.rate_limit, owner["role"], maker)
        scopes = wanted.scopes
        if scopes is None and maker.key_id:
            scopes = list(maker.permissions or ())
        _check_scopes(scopes, _permissions_of(owner, None), maker)
        key = api_keys.generate(wanted.environment)
        row = await self._made(
            statements.INSERT, user_id, maker.actor, 1, user_id, wanted.name, *_stored(key), wanted.environment, scopes,
            wanted.rate_limit, _earlier(self._expiry(wanted.expires_in_days), owner["maker_expires_at"]),
            owner["organization_id"],
        )  # fmt: skip
        assert row is not None, "an insert returns its row"
        return CreatedApiKey(key=key, **row)

    async def rotate(self, user_id: str, key_id: str, wanted: RotateInput, maker: Maker) -> CreatedApiKey:
        """A key like the old one, which works on for the overlap. Raises what `create` does."""
        old = await self._sql.first(statements.ROTATABLE, user_id, maker.key_id, key_id, repeatable=True)
        if old is None:
            await check_asker(self._sql, maker.actor)
            raise not_found("no such key, or it works no longer")
        _check_environment(old["environment"], old["maker_environment"])
        _check_scopes(_permissions_of(old, old["scopes"]), _permissions_of(old, None), maker)
        key = api_keys.generate(old["environment"])
        row = await self._made(
            statements.ROTATE, user_id, maker.actor, 1 if wanted.overlap_hours else 0, key_id, *_stored(key),
            wanted.overlap_hours, old["maker_expires_at"], bool(maker.key_id),
        )  # fmt: skip
        if row is None:
            raise not_found("no such key, or it works no longer")
        return CreatedApiKey(key=key, **row)

    async def get(self, user_id: str, key_id: str) -> ApiKey:
        """Raises NOT_FOUND, for a key of somebody else too."""
        row = await self._sql.first(statements.GET, user_id, key_id, repeatable=True)
        if row is None:
            raise not_found("no such key")
        return ApiKey(**row)

    async def page(self, user_id: str, query: ListQuery) -> ApiKeyPage:
        """The user's keys that are not revoked, newest first."""
        after = decode_cursor(query.cursor, 1)[0] if query.cursor is not None else None
        rows = await self._sql.rows(statements.PAGE, user_id, after, query.limit + 1, repeatable=True)
        data, page = page_of([ApiKey(**row) for row in rows], query.limit, lambda key: [key.id])
        return ApiKeyPage(data=data, page=page)

    async def revoke(self, user_id: str, key_id: str, actor: Actor) -> bool:
        """Whether there was a key to end."""
        row = await self._sql.first(statements.REVOKE, *actor.parameters, user_id, key_id, actor.credential)
        if row is None:
            await check_asker(self._sql, actor)
        return row is not None

    async def _made(
        self, statement: str, user_id: str, actor: Actor, added: int, *parameters: object
    ) -> dict[str, Any] | None:
        """The new row; None when what it comes from is no more. `added`: how many more keys work with it.

        Raises REVOKED, of the credential that asks, and TOO_MANY_KEYS.
        """
        room = MAX_KEYS - added
        *_, counted, rows = await self._sql.transaction(
            (SIGN_IN_LOCK, ()),
            (statements.LOCK_OWNER, (user_id,)),
            (statements.COUNT, (user_id,)),
            (statement, (*actor.parameters, *parameters, actor.credential, room)),
        )
        if rows:
            return rows[0]
        await check_asker(self._sql, actor)
        if counted[0]["working_keys"] > room:
            raise _too_many_keys()
        return None

    def _expiry(self, days: int | None) -> str | None:
        if days is None:
            return None
        return (datetime.fromtimestamp(self._clock.now_s(), UTC) + timedelta(days=days)).isoformat()


def _stored(key: str) -> tuple[str, str, str]:
    return api_keys.key_hash(key), key[: api_keys.DISPLAYED_PREFIX], key[-api_keys.DISPLAYED_SUFFIX :]


def _permissions_of(owner: dict[str, Any], scopes: list[str] | None) -> list[str]:
    return effective_permissions(owner["role"], scopes, owner["grants"], owner["acts_in"])


def _check_environment(wanted: str, makers: str | None) -> None:
    if makers == "test" and wanted == "live":
        raise forbidden("environment: a test key makes no live key")


def _check_rate_limit(wanted: int | None, role: str, maker: Maker) -> None:
    """By the role the owner has now: a gateway may not have heard yet that it is another."""
    if wanted is not None and maker.permissions is not None and role != "admin":
        raise forbidden("rate_limit: only an administrator sets one")


def _check_scopes(scopes: list[str] | None, owners: list[str], maker: Maker) -> None:
    for scope in scopes or []:
        if not permitted(owners, scope):
            raise ServiceError("SCOPE_EXCEEDS_OWNER", 403, "Permission denied", f"scopes: the owner has no {scope}")
        if maker.permissions is not None and not permitted(maker.permissions, scope):
            raise ServiceError(
                "SCOPE_EXCEEDS_OWNER", 403, "Permission denied", f"scopes: your credential has no {scope}"
            )


def _too_many_keys() -> ServiceError:
    return ServiceError(
        "TOO_MANY_KEYS", 409, "Too many keys", f"at most {MAX_KEYS} keys of a user work at once: revoke one first"
    )


def _earlier(one: str | None, other: str | None) -> str | None:
    """The earlier of two instants in RFC 3339; None is never."""
    given = [text for text in (one, other) if text is not None]
    return min(given, key=datetime.fromisoformat, default=None)
