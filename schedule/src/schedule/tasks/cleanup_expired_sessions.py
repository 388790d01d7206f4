"""Deletes what ended more than a day ago: sessions and with them their refresh tokens (migration 0002), states of sign-ins, and
answers kept for idempotency keys.
"""

from datetime import timedelta

from schedule.domain.registry import TaskContext, TaskResult
from schedule.tasks.batches import delete_older

KEPT = timedelta(hours=24)

_SESSIONS = """
delete from sessions where id in (
    select id from sessions where expires_at < $1::timestamptz or revoked_at < $1::timestamptz limit $2
)
"""
_SIGN_INS = """
delete from oauth_states where state_hash in (
    select state_hash from oauth_states where expires_at < $1::timestamptz limit $2
)
"""
_IDEMPOTENCY_KEYS = """
delete from idempotency_keys where (scope, key) in (
    select scope, key from idempotency_keys where created_at < $1::timestamptz limit $2
)
"""


async def run(context: TaskContext) -> TaskResult:
    """`{deleted, sign_ins, idempotency_keys, complete}`: rows of each; `deleted` are the sessions."""
    sessions = await delete_older(context, _SESSIONS, KEPT)
    sign_ins = await delete_older(context, _SIGN_INS, KEPT)
    keys = await delete_older(context, _IDEMPOTENCY_KEYS, KEPT)
    return {
        "deleted": sessions["deleted"],
        "sign_ins": sign_ins["deleted"],
        "idempotency_keys": keys["deleted"],
        "complete": sessions["complete"] and sign_ins["complete"] and keys["complete"],
    }
