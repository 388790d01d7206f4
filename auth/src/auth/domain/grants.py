"""Rights given to users one by one, and the question of who may do what."""

from typing import Any

from auth.domain.audit import Actor, recorded
from auth.domain.roles import GRANTS_OF_USER, acting_in, decide, effective_permissions, role_permissions
from dotdo.contracts.auth.rights import Grant
from dotdo.errors import not_found
from dotdo.permissions import permitted
from dotdo.sql import Sql

_RIGHTS = f"select u.role, {GRANTS_OF_USER} from users u where u.id = $1 and u.disabled_at is null"

_RIGHTS_OF_KEY = f"""
select u.role, k.scopes, {acting_in("k")}, {GRANTS_OF_USER}
from users u join api_keys k on k.id = $2 and k.user_id = u.id
where u.id = $1 and u.disabled_at is null
"""

_DETAILS = "jsonb_build_object('permission', permission, 'organization_id', organization_id)"

_GRANT = f"""
with made as (
    insert into permissions (user_id, permission, organization_id, granted_by)
    select id, $5::text, $6::text, $1::text from users where id = $4
    on conflict (user_id, permission, organization_id) do update set permission = excluded.permission
    returning *, xmax = 0 as is_new
), {recorded("permission.granted", "made where is_new", target="user_id", details=_DETAILS)}
select permission, organization_id, granted_by, created_at, is_new from made
"""

_REVOKE = f"""
with ended as (
    delete from permissions
    where user_id = $4 and permission = $5 and organization_id is not distinct from $6::text
    returning *
), {recorded("permission.revoked", "ended", target="user_id", details=_DETAILS)}
select id from ended
"""

_LIST = """
select u.role, g.permission, g.organization_id, g.granted_by, g.created_at
from users u left join permissions g on g.user_id = u.id
where u.id = $1 order by g.id
"""


class GrantStore:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def check(self, user_id: str, wanted: str, organization: str | None) -> bool:
        """False for a user who is not there or is disabled."""
        row = await self._sql.first(_RIGHTS, user_id)
        return row is not None and decide(row["role"], row["grants"], wanted, organization)

    async def check_key(self, user_id: str, key_id: str, wanted: str, organization: str | None) -> bool:
        """The same for an API key of the user's: it may do no more than its scopes, and nothing of another organisation's."""
        row = await self._sql.first(_RIGHTS_OF_KEY, user_id, key_id)
        if row is None:
            return False
        here = organization if organization == row["acts_in"] else None
        return permitted(effective_permissions(row["role"], row["scopes"], row["grants"], here), wanted)

    async def grant(self, user_id: str, permission: str, organization: str | None, actor: Actor) -> tuple[Grant, bool]:
        """The grant, and whether it is new. Raises NOT_FOUND for no such user."""
        row = await self._sql.first(_GRANT, *actor.parameters, user_id, permission, organization)
        if row is None:
            raise not_found("no such user")
        return _granted(row), bool(row["is_new"])

    async def revoke(self, user_id: str, permission: str, organization: str | None, actor: Actor) -> bool:
        """Whether there was such a grant, of exactly this organisation (None: everywhere)."""
        return await self._sql.first(_REVOKE, *actor.parameters, user_id, permission, organization) is not None

    async def of_user(self, user_id: str) -> list[Grant]:
        """What the role gives and what was granted. Raises NOT_FOUND for no such user."""
        rows = await self._sql.rows(_LIST, user_id)
        if not rows:
            raise not_found("no such user")
        by_role = [
            Grant(permission=each, organization_id=None, source="role") for each in role_permissions(rows[0]["role"])
        ]
        return by_role + [_granted(row) for row in rows if row["permission"] is not None]


def _granted(row: dict[str, Any]) -> Grant:
    return Grant(
        permission=row["permission"], organization_id=row["organization_id"], source="grant",
        granted_by=row["granted_by"], created_at=row["created_at"],
    )  # fmt: skip
