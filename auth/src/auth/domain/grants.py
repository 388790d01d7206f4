"""Rights given to users one by one, and the question of who may do what."""

from collections.abc import Sequence
from typing import Any

from auth.domain.arrival_statements import has_left
from auth.domain.askers import ADMINISTERS, HELD, check_asker, stands
from auth.domain.audit import Actor, recorded
from auth.domain.roles import GRANTS_OF_USER, acting_in, decide, effective_permissions, role_permissions
from dotdo.contracts.auth.rights import Grant, GrantPage, GrantsQuery
from dotdo.errors import invalid_argument, not_found
from dotdo.paging import decode_cursor, page_of
from dotdo.permissions import permitted
from dotdo.sql import Sql

# $2: the organisation that is asked of. Of one that WorkOS does not know, a grant is all there is to go by.
_RIGHTS = f"""
select u.role, {GRANTS_OF_USER}, 
       case when $2::text is not null and not {has_left("$2", "u.workos_id")} then $2 end as acts_in
from users u where u.id = $1 and u.disabled_at is null
"""

_RIGHTS_OF_KEY = f"""
select u.role, k.scopes, {acting_in("k")}, {GRANTS_OF_USER}
from users u join api_keys k on k.id = $2 and k.user_id = u.id
where u.id = $1 and u.disabled_at is null
"""

_DETAILS = "jsonb_build_object('permission', permission, 'organization_id', organization_id)"

_GRANT = f"""
with made as (
    insert into permissions (user_id, permission, organization_id, granted_by)
    select id, $5::text, $6::text, $1::text from users
    where id = $4 and {stands(7, also=ADMINISTERS, lock=HELD)}
    on conflict (user_id, permission, organization_id) do update set permission = excluded.permission
    returning *, xmax = 0 as is_new
), {recorded("permission.granted", "made where is_new", target="user_id", details=_DETAILS)}
select permission, organization_id, granted_by, created_at, is_new from made
"""

_REVOKE = f"""
with ended as (
    delete from permissions
    where user_id = $4 and permission = $5 and organization_id is not distinct from $6::text
      and {stands(7, also=ADMINISTERS, lock=HELD)}
    returning *
), {recorded("permission.revoked", "ended", target="user_id", details=_DETAILS)}
select id from ended
"""

# $2: the grant to go on from; $3: at most so many, null for all.
_LIST = """
select u.role, g.id, g.permission, g.organization_id, g.granted_by, g.created_at
from users u left join lateral (
    select * from permissions p where p.user_id = u.id and ($2::text is null or p.id > $2) order by p.id limit $3::integer
) g on true
where u.id = $1 order by g.id
"""

_BY_ROLE, _BY_GRANT = "role", "grant"


class GrantStore:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def check(self, user_id: str, wanted: str, organization: str | None) -> bool:
        """False for a user who is not there or is disabled. What is granted in an organisation ends with membership there."""
        row = await self._sql.first(_RIGHTS, user_id, organization, repeatable=True)
        return row is not None and decide(row["role"], row["grants"], wanted, row["acts_in"])

    async def check_key(self, user_id: str, key_id: str, wanted: str, organization: str | None) -> bool:
        """The same for an API key of the user's: it may do no more than its scopes, and nothing of another organisation's."""
        row = await self._sql.first(_RIGHTS_OF_KEY, user_id, key_id, repeatable=True)
        if row is None:
            return False
        here = organization if organization == row["acts_in"] else None
        return permitted(effective_permissions(row["role"], row["scopes"], row["grants"], here), wanted)

    async def grant(self, user_id: str, permission: str, organization: str | None, actor: Actor) -> tuple[Grant, bool]:
        """The grant, and whether it is new. Raises NOT_FOUND for no such user."""
        row = await self._changed(_GRANT, actor, user_id, permission, organization)
        if row is None:
            raise not_found("no such user")
        return _granted(row), bool(row["is_new"])

    async def revoke(self, user_id: str, permission: str, organization: str | None, actor: Actor) -> bool:
        """Whether there was such a grant, of exactly this organisation (None: everywhere)."""
        return await self._changed(_REVOKE, actor, user_id, permission, organization) is not None

    async def _changed(self, statement: str, actor: Actor, *parameters: object) -> dict[str, Any] | None:
        row = await self._sql.first(statement, *actor.parameters, *parameters, actor.credential)
        if row is None:
            await check_asker(self._sql, actor, administers=True)
        return row

    async def of_user(self, user_id: str) -> list[Grant]:
        """What the role gives and what was granted. Raises NOT_FOUND for no such user."""
        return [grant for _, grant in await self._entries(user_id, (_BY_ROLE, ""), None)]

    async def page(self, query: GrantsQuery) -> GrantPage:
        """The same, a page."""
        after = _position(query.cursor) if query.cursor is not None else (_BY_ROLE, "")
        entries = await self._entries(query.user_id, after, query.limit + 1)
        shown, page = page_of(entries, query.limit, lambda entry: entry[0])
        return GrantPage(data=[grant for _, grant in shown], page=page)

    async def _entries(
        self, user_id: str, after: Sequence[str], limit: int | None
    ) -> list[tuple[tuple[str, str], Grant]]:
        """What comes after a place, with the place of each: by role in the role's order, then grant by grant."""
        kind, position = after
        rows = await self._sql.rows(_LIST, user_id, position if kind == _BY_GRANT else None, limit, repeatable=True)
        if not rows:
            raise not_found("no such user")
        by_role = role_permissions(rows[0]["role"]) if kind == _BY_ROLE else ()
        if position in by_role:
            by_role = by_role[by_role.index(position) + 1 :]
        entries = [((_BY_ROLE, each), Grant(permission=each, organization_id=None, source="role")) for each in by_role]
        return entries + [((_BY_GRANT, row["id"]), _granted(row)) for row in rows if row["permission"] is not None]


def _position(cursor: str) -> Sequence[str]:
    position = decode_cursor(cursor, 2)
    if position[0] not in (_BY_ROLE, _BY_GRANT):
        raise invalid_argument("cursor: not one that this service gave out")
    return position


def _granted(row: dict[str, Any]) -> Grant:
    return Grant(
        permission=row["permission"], organization_id=row["organization_id"], source="grant",
        granted_by=row["granted_by"], created_at=row["created_at"],
    )  # fmt: skip
