"""That whoever asks for a change still may, by what the database says as it is made.

An isolate of the gateway believes a credential for up to 30 s after its end. What is read in that time is read once; what is
written outlasts it: a key, a right. So the statement that writes has it as a condition, and no race is left.
"""

from auth.domain.audit import Actor
from dotdo.errors import forbidden, unauthenticated
from dotdo.sql import Sql

ADMINISTERS = "o.role = 'admin'"

_TABLES = ("api_keys", "sessions")


def stands(number: int, *, also: str = "true", lock: str = "") -> str:
    """A condition: $`number`, the id of the key or session that asks, still works; null, a bound Worker, always does.

    `also`: of its owner `o`. `lock`: of its row, so that its end waits for this change, or this change for its end.
    """
    found = " or ".join(
        f"exists (select from {_working(table)} where a.id = ${number} and {also} {lock})" for table in _TABLES
    )
    return f"(${number}::text is null or {found})"


def _working(table: str) -> str:
    return (
        f"{table} a join users o on o.id = a.user_id and o.disabled_at is null"
        " and a.revoked_at is null and (a.expires_at is null or a.expires_at > now())"
    )


HELD = "for share of a"
"""A lock that others who ask with the same credential may have, too. A statement that may then change that row, such as a key's
that rotates itself, has to be the only one at a time: two would wait for each other.
"""

_ASKER = " union all ".join(f"select o.role from {_working(table)} where a.id = $1" for table in _TABLES)


async def check_asker(sql: Sql, actor: Actor, *, administers: bool = False) -> None:
    """Says why a change was not made, where it was for this. Raises REVOKED, and FORBIDDEN of who is no administrator now."""
    if actor.credential is None:
        return
    asker = await sql.first(_ASKER, actor.credential, repeatable=True)
    if asker is None:
        raise unauthenticated("this credential has been revoked or has expired", "REVOKED")
    if administers and asker["role"] != "admin":
        raise forbidden("this needs the role admin")
