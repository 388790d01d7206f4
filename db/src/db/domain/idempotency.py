"""Writes that carry a key: done once, answered the same for 24 hours.

The key is stored by the statement that writes, so that neither is there without the other, and a lost answer can be asked for
again.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from db.adapters.json_text import json_text
from db.adapters.neon import StatementError
from db.domain.sql import Sql
from dotdo.errors import ServiceError

_UNIQUE_VIOLATION = "23505"

_FORGET = "delete from idempotency_keys where scope = $1 and key = $2 and created_at < now() - interval '24 hours'"
_STORED = """update idempotency_keys set answer = '[{"stored": true}]' where scope = $1 and key = $2"""
_FIND = "select fingerprint, answer from idempotency_keys where scope = $1 and key = $2"


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """`scope` keeps callers apart; `fingerprint` is SHA-256 of what was asked, as PostgreSQL reads bytea."""

    scope: str
    key: str
    fingerprint: str


def idempotency_key(scope: str, key: str, request: Any) -> IdempotencyKey:
    """`request` is what was asked, JSON-safe: the same key with another request is an error."""
    digest = hashlib.sha256(json_text(request, sort_keys=True).encode(errors="surrogatepass")).hexdigest()
    return IdempotencyKey(scope, key, f"\\x{digest}")


async def write_once(sql: Sql, key: IdempotencyKey, statement: str, params: Sequence[Any]) -> list[dict[str, Any]]:
    """The rows that `statement` returned, the first time or now. Raises IDEMPOTENCY_KEY_REUSED (422).

    A statement that returns nothing (its condition did not hold, perhaps because the first time has changed what is stored)
    stores no key.
    """
    first = len(params)
    wrapped = f"""
    with written as ({statement}), kept as (
        insert into idempotency_keys (scope, key, fingerprint, answer)
        select ${first + 1}, ${first + 2}, ${first + 3}::bytea, (select jsonb_agg(to_jsonb(written)) from written)
        where exists (select from written)
    )
    select jsonb_agg(to_jsonb(written)) as answer from written
    """
    await sql.query(_FORGET, [key.scope, key.key], repeatable=True)
    try:
        row = (await sql.query(wrapped, [*params, key.scope, key.key, key.fingerprint], repeatable=True)).first()
    except StatementError as error:
        if error.sqlstate != _UNIQUE_VIOLATION:
            raise
        known = await first_answer(sql, key)
        if known is None:  # the conflict was about another key than ours
            raise
        return known
    return (row["answer"] if row else None) or await first_answer(sql, key) or []


async def store_once(sql: Sql, key: IdempotencyKey, store: Callable[[str], Awaitable[None]]) -> None:
    """For a write to another store that knows a duplicate by its token, for a while. Raises IDEMPOTENCY_KEY_REUSED (422).

    The key is there before the write and says afterwards that it is done. What fails or comes again in between is stored with
    the token that stands with the key; a key that is free again gets another, since the store may still know the first.
    """
    (known,) = await write_once(sql, key, "select false as stored, gen_random_uuid() as token", [])
    if known["stored"]:
        return
    await store(known.get("token", key.fingerprint))  # one that is older than tokens has none
    await sql.query(_STORED, [key.scope, key.key], repeatable=True)


async def first_answer(sql: Sql, key: IdempotencyKey) -> list[dict[str, Any]] | None:
    """What was answered under this key; None when nothing was. Raises IDEMPOTENCY_KEY_REUSED (422)."""
    found = (await sql.query(_FIND, [key.scope, key.key], repeatable=True)).first()
    if found is None:
        return None
    if found["fingerprint"] != key.fingerprint:
        raise ServiceError(
            "IDEMPOTENCY_KEY_REUSED", 422, "Idempotency key reused", "this key was used for another request before"
        )
    answer: list[dict[str, Any]] = found["answer"]
    return answer
