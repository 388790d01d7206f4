"""The record of who changed what. A change and its record are one statement: there is never one without the other."""

import json
from dataclasses import dataclass
from typing import Any

from dotdo.contracts.auth.rights import AuditEntry, AuditPage, AuditQuery
from dotdo.errors import invalid_argument
from dotdo.paging import decode_cursor, page_of
from dotdo.sql import Sql

_INSERT = """
insert into audit_log (actor, ip_address, request_id, action, target, details)
values ($1, $2, $3, $4, $5, $6::jsonb)
"""

# Ordered by the number: a bare `id` would be the text that is selected, where 99 comes after 100.
_PAGE = """
select a.id::text, at, actor, action, target, ip_address, request_id, details from audit_log a
where ($1::text is null or actor = $1) and ($2::text is null or action = $2) and ($3::text is null or target = $3)
  and ($4::bigint is null or a.id < $4::bigint)
order by a.id desc limit $5
"""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something: `user:<id>`, `api_key:<id>`, or `rpc` for a Worker bound to this one.

    `credential`: the id of the key or session it is asked with, if any.
    """

    name: str
    address: str | None
    request_id: str | None
    credential: str | None = None

    @property
    def parameters(self) -> tuple[str, str | None, str | None]:
        """The first three of every statement that `recorded` is part of."""
        return self.name, self.address, self.request_id


def recorded(
    action: str, source: str, *, target: str = "id", details: str = "'{}'::jsonb", name: str = "recorded"
) -> str:
    """A `with` item that records the action once for each row of `source`. $1 to $3 are the actor's parameters."""
    return f"""{name} as (
    insert into audit_log (actor, ip_address, request_id, action, target, details)
    select $1::text, $2::text, $3::text, '{action}', {target}, {details} from {source}
)"""


class Audit:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def record(self, actor: Actor, action: str, target: str = "", **details: Any) -> None:
        """For what is no change of a row, such as a refused sign-in. No secret belongs in `details`."""
        await self._sql.execute(_INSERT, *actor.parameters, action, target, json.dumps(details))

    async def page(self, query: AuditQuery) -> AuditPage:
        after = _position(query.cursor) if query.cursor is not None else None
        rows = await self._sql.rows(
            _PAGE, query.actor, query.action, query.target, after, query.limit + 1, repeatable=True
        )
        data, page = page_of([AuditEntry(**row) for row in rows], query.limit, lambda entry: [entry.id])
        return AuditPage(data=data, page=page)


def _position(cursor: str) -> str:
    (position,) = decode_cursor(cursor, 1)
    if not (position.isascii() and position.isdecimal() and len(position) <= 18):
        raise invalid_argument("cursor: not one that this service gave out")
    return position
