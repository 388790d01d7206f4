"""Those who come from WorkOS, and the account that is theirs."""

from dataclasses import dataclass
from typing import Any

from auth.domain import arrival_statements as statements
from auth.domain.audit import Actor
from dotdo.errors import ServiceError
from dotdo.sql import Sql


@dataclass(frozen=True, slots=True)
class Arrival:
    """`external_id`: WorkOS's id of the user or profile. `name` is None for one without; `role` for none of ours.

    `as_of`: WorkOS's time of what it says here (RFC 3339); None counts as now.
    """

    external_id: str
    email: str
    email_verified: bool
    name: str | None
    organization_id: str | None = None
    role: str | None = None
    as_of: str | None = None

    @property
    def parameters(self) -> tuple[object, ...]:
        return (
            self.external_id, self.email, self.name, self.email_verified, self.organization_id, self.role, self.as_of,
        )  # fmt: skip


class Arrivals:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def of_user(self, arrival: Arrival, actor: Actor) -> dict[str, Any]:
        """The account of a WorkOS user. Raises EMAIL_NOT_VERIFIED for an address that is another account's."""
        return await self._account(statements.BY_USER, arrival, actor)

    async def of_profile(self, arrival: Arrival, actor: Actor) -> dict[str, Any]:
        """The same for one whom an organisation's identity provider vouches for."""
        return await self._account(statements.BY_PROFILE, arrival, actor)

    async def _account(self, arriving: tuple[str, str], arrival: Arrival, actor: Actor) -> dict[str, Any]:
        given = (*actor.parameters, *arrival.parameters)
        for _ in range(2):
            *_, rows = await self._sql.transaction(
                (statements.SIGN_IN_LOCK, ()), *((statement, given) for statement in arriving)
            )
            if rows:
                return rows[0]
        raise ServiceError(
            "EMAIL_NOT_VERIFIED", 403, "Sign-in refused",
            "this e-mail address is of another account: verify it, and sign in again",
        )  # fmt: skip
