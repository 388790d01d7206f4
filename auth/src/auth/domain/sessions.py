"""Users as WorkOS knows them, and the sessions they sign in to."""

from typing import Any

from auth.adapters.workos import Authentication
from auth.domain.roles import GRANTS_OF_USER, effective_permissions
from auth.domain.users import user_of
from dotdo.contracts.auth.sessions import Session
from dotdo.errors import not_found
from dotdo.sql import Sql

# One statement, so that two sign-ins at once of the same new user make one row. The account is the one of this WorkOS id, else
# the one of the same verified e-mail: WorkOS has each address once, so an older id of it is of a deleted user.
_UPSERT_USER = """
with linked as (
    update users set
        workos_id = $1, email = $2, name = coalesce($3, name), email_verified = $4,
        organization_id = coalesce($5, organization_id), updated_at = now()
    where id = (
        select id from users where workos_id = $1 or ($4 and lower(email) = lower($2))
        order by workos_id = $1 desc nulls last limit 1
    )
    returning id, email, name, role, organization_id, disabled_at
), created as (
    insert into users (workos_id, email, name, email_verified, organization_id)
    select $1, $2, $3, $4, $5 where not exists (select from linked)
    on conflict (workos_id) do update set updated_at = now()
    returning id, email, name, role, organization_id, disabled_at
)
select * from linked union all select * from created
"""

_GET_SESSION = f"""
select s.id, s.created_at, s.expires_at, u.id as user_id, u.email, u.name, u.role, u.organization_id,
       u.email_verified, u.disabled_at, u.created_at as user_created_at, {GRANTS_OF_USER}
from sessions s join users u on u.id = s.user_id
where s.id = $1 and s.revoked_at is null and s.expires_at > now()
"""

_USE_STATE = """
insert into oauth_states (state_hash, expires_at) values ($1::bytea, now() + interval '1 hour') on conflict do nothing
"""


class Sessions:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def use_state(self, state_hash: str) -> bool:
        """Whether this is the first use of a login state."""
        return await self._sql.execute(_USE_STATE, state_hash) == 1

    async def upsert_user(self, authentication: Authentication) -> dict[str, Any]:
        row = await self._sql.first(
            _UPSERT_USER,
            authentication.workos_user_id,
            authentication.email,
            authentication.name,
            authentication.email_verified,
            authentication.organization_id,
        )
        assert row is not None, "an upsert returns its row"
        return row

    async def get(self, session_id: str) -> Session:
        """Raises NOT_FOUND for one that has ended."""
        row = await self._sql.first(_GET_SESSION, session_id)
        if row is None:
            raise not_found("the session has ended")
        permissions = effective_permissions(row["role"], None, row["grants"], row["organization_id"])
        return Session(
            id=row["id"],
            user=user_of(row),
            permissions=permissions,
            created_at=row["created_at"],
            expires_at=row["expires_at"],
        )
