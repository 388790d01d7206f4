"""Users as administrators see them, and their roles."""

from typing import Any

from auth.domain.askers import ADMINISTERS, HELD, check_asker, stands
from auth.domain.audit import Actor, recorded
from dotdo.contracts.auth.models import ListQuery, User, UserPage
from dotdo.paging import decode_cursor, page_of
from dotdo.sql import Sql

COLUMNS = (
    "u.id as user_id, u.email, u.name, u.role, u.organization_id, u.workos_id, u.email_verified, u.disabled_at,"
    " u.created_at as user_created_at, u.updated_at as user_updated_at"
)

_GET = f"select {COLUMNS} from users u where u.id = $1"

_PAGE = f"select {COLUMNS} from users u where $1::text is null or u.id < $1 order by u.id desc limit $2"

_CHANGE_ROLE = f"""
with old as (
    select id, role from users where id = $4 and {stands(6, also=ADMINISTERS, lock=HELD)} for update
), changed as (
    update users u set role = $5::text, updated_at = now() from old where u.id = old.id
    returning u.*, old.role as former
), {recorded("user.role_changed", "changed", details="jsonb_build_object('from', former, 'to', role)")}
select {COLUMNS} from changed u
"""


def user_of(row: dict[str, Any]) -> User:
    """The user of any row that has these columns."""
    return User(
        id=row["user_id"], email=row["email"], name=row["name"], role=row["role"],
        organization_id=row["organization_id"], workos_id=row["workos_id"], email_verified=row["email_verified"],
        disabled=row["disabled_at"] is not None, created_at=row["user_created_at"], updated_at=row["user_updated_at"],
    )  # fmt: skip


class UserStore:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def get(self, user_id: str) -> User | None:
        row = await self._sql.first(_GET, user_id, repeatable=True)
        return user_of(row) if row else None

    async def page(self, query: ListQuery) -> UserPage:
        after = decode_cursor(query.cursor, 1)[0] if query.cursor is not None else None
        rows = await self._sql.rows(_PAGE, after, query.limit + 1, repeatable=True)
        data, page = page_of([user_of(row) for row in rows], query.limit, lambda user: [user.id])
        return UserPage(data=data, page=page)

    async def change_role(self, user_id: str, role: str, actor: Actor) -> User | None:
        """None for no such user. Sessions and keys have the new role at their next check."""
        row = await self._sql.first(_CHANGE_ROLE, *actor.parameters, user_id, role, actor.credential)
        if row is None:
            await check_asker(self._sql, actor, administers=True)
        return user_of(row) if row else None
