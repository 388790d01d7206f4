"""Sessions: opening, refreshing, listing and ending them. One round trip each."""

from typing import Any

from auth.domain import access_tokens, refresh_tokens
from auth.domain import session_statements as statements
from auth.domain.access_tokens import AccessTokens, Bearer
from auth.domain.arrival_statements import SIGN_IN_LOCK
from auth.domain.askers import check_asker
from auth.domain.audit import Actor
from auth.domain.roles import effective_permissions
from auth.domain.users import user_of
from dotdo.contracts.auth.models import ListQuery
from dotdo.contracts.auth.sessions import CreatedSession, Session, SessionPage, SessionRow, Tokens
from dotdo.errors import ServiceError, not_found, unauthenticated
from dotdo.paging import MAX_LIMIT, decode_cursor, page_of
from dotdo.ports import Bindings
from dotdo.sql import Sql

MAX_USER_AGENT = 512

_REFUSALS = {
    "NOT_FOUND": "the refresh token is not known",
    "MALFORMED": "that is no refresh token",
    "REVOKED": "the session was ended",
    "EXPIRED": "the session has expired",
    "DISABLED": "the account is disabled",
    "REFRESH_REUSED": "the refresh token was used before: the session is over",
}


class SessionStore:
    def __init__(self, bindings: Bindings, sql: Sql, tokens: AccessTokens) -> None:
        self._bindings = bindings
        self._sql = sql
        self._tokens = tokens

    async def open(
        self,
        user_id: str,
        actor: Actor,
        *,
        device: str | None,
        address: str | None,
        user_agent: str | None,
        workos_session_id: str | None = None,
    ) -> CreatedSession:
        """Signs a user in, always to a session of its own. Raises NOT_FOUND for a user who is not there or is disabled.

        `workos_session_id`: the session at WorkOS it ends with; one that has ended begins none.
        """
        token = refresh_tokens.generate()
        opening = (
            *actor.parameters, user_id, device, address, (user_agent or "")[:MAX_USER_AGENT] or None,
            refresh_tokens.stored(token, self._secret), workos_session_id,
        )  # fmt: skip
        _, rows = await self._sql.transaction((SIGN_IN_LOCK, ()), (statements.OPEN, opening))
        if not rows:
            raise not_found("no such user, or one whose session at WorkOS is over")
        row = rows[0]
        access = await self._access_token(row)
        return CreatedSession(
            token=access, refresh_token=token, expires_in=access_tokens.LIFETIME_S, session=session_row(row)
        )

    async def account_of(self, token: str) -> str | None:
        """Whose refresh token this is or was."""
        if not refresh_tokens.well_formed(token):
            return None
        row = await self._sql.first(statements.ACCOUNT, refresh_tokens.stored(token, self._secret), repeatable=True)
        return row["user_id"] if row else None

    async def refresh(self, token: str, actor: Actor) -> Tokens:
        """The next pair. Raises 401 with the reason as its code; REFRESH_REUSED has ended the session."""
        if not refresh_tokens.well_formed(token):
            raise refused("MALFORMED")
        successor = refresh_tokens.successor_of(token, self._secret)
        row = await self._sql.first(
            statements.REFRESH, *actor.parameters, refresh_tokens.stored(token, self._secret),
            refresh_tokens.stored(successor, self._secret),
        )  # fmt: skip
        if row is None:
            raise refused("NOT_FOUND")
        if row["verdict"] not in ("ROTATE", "REPEAT"):
            raise refused(row["verdict"])
        access = await self._access_token(row)
        return Tokens(token=access, refresh_token=successor, expires_in=access_tokens.LIFETIME_S)

    async def current(self, session_id: str) -> Session:
        """The session one is signed in to. Raises NOT_FOUND for one that has ended."""
        row = await self._sql.first(statements.CURRENT, session_id, repeatable=True)
        if row is None:
            raise not_found("the session has ended")
        permissions = effective_permissions(row["role"], None, row["grants"], row["organization_id"])
        return Session(
            id=row["id"], user=user_of(row), permissions=permissions, created_at=row["created_at"],
            expires_at=row["expires_at"],
        )  # fmt: skip

    async def get(self, session_id: str) -> SessionRow | None:
        row = await self._sql.first(statements.GET, session_id, repeatable=True)
        return session_row(row) if row else None

    async def of_user(self, user_id: str) -> list[SessionRow]:
        """Newest first, at most a thousand."""
        return [
            session_row(row) for row in await self._sql.rows(statements.PAGE, user_id, None, MAX_LIMIT, repeatable=True)
        ]

    async def page(self, user_id: str, query: ListQuery, current: str) -> SessionPage:
        """The same, a page. `current`: the session that asks."""
        after = decode_cursor(query.cursor, 1)[0] if query.cursor is not None else None
        rows = await self._sql.rows(statements.PAGE, user_id, after, query.limit + 1, repeatable=True)
        data, page = page_of([session_row(row, current) for row in rows], query.limit, lambda session: [session.id])
        return SessionPage(data=data, page=page)

    async def revoke(self, session_id: str, actor: Actor, user_id: str | None = None) -> bool:
        """Whether there was one to end, of this user when one is named."""
        row = await self._sql.first(statements.REVOKE, *actor.parameters, session_id, user_id, actor.credential)
        if row is None:
            await check_asker(self._sql, actor)
        return row is not None

    async def sign_out(self, session_id: str, refresh_token: str | None, actor: Actor) -> str | None:
        """Ends the session of this id (empty: none) and that of the refresh token, however old. The WorkOS session, if any."""
        known = refresh_token if refresh_token and refresh_tokens.well_formed(refresh_token) else None
        stored = refresh_tokens.stored(known, self._secret) if known else None
        row = await self._sql.first(statements.SIGN_OUT, *actor.parameters, session_id, stored)
        return row["workos_session_id"] if row else None

    async def revoke_all(self, user_id: str, actor: Actor) -> int:
        row = await self._sql.first(statements.REVOKE_ALL, *actor.parameters, user_id, actor.credential)
        revoked = int(row["revoked"]) if row else 0
        if not revoked:
            await check_asker(self._sql, actor)
        return revoked

    async def _access_token(self, row: dict[str, Any]) -> str:
        permissions = effective_permissions(row["role"], None, row["grants"], row["organization_id"])
        return await self._tokens.issue(
            Bearer(row["user_id"], row["id"], row["role"], row["organization_id"], permissions)
        )

    @property
    def _secret(self) -> bytes:
        return access_tokens.secret_of(self._bindings, refresh_tokens.SECRET)


def session_row(row: dict[str, Any], current: str = "") -> SessionRow:
    fields = {name: row[name] for name in SessionRow.model_fields if name != "current"}
    return SessionRow(**fields, current=row["id"] == current)


def refused(code: str) -> ServiceError:
    return unauthenticated(_REFUSALS[code], code)
