"""The state of a sign-in, good once."""

from dotdo.sql import Sql

_USE = """
insert into oauth_states (state_hash, expires_at) values ($1::bytea, now() + interval '1 hour') on conflict do nothing
"""


class LoginStates:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def use(self, state_hash: str) -> bool:
        """Whether this is the first use of a login state."""
        return await self._sql.execute(_USE, state_hash) == 1
