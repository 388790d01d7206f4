"""The state of a sign-in, good once, and the session one is signed in to."""

from auth.domain.roles import GRANTS_OF_USER, effective_permissions
from auth.domain.users import COLUMNS as USER
from auth.domain.users import user_of
from dotdo.contracts.auth.sessions import Session
from dotdo.errors import not_found
from dotdo.sql import Sql

_GET_SESSION = f"""
select s.id, s.created_at, s.expires_at, {USER}, {GRANTS_OF_USER}
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
