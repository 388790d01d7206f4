"""Deletes what ended more than a day ago: sessions and with them their refresh tokens (migration 0002), states of sign-ins, and
answers kept for idempotency keys. After a month also what WorkOS told of people: events, and data of objects it deleted.
"""

from datetime import timedelta

from schedule.domain.registry import TaskContext, TaskResult
from schedule.tasks.batches import delete_older

KEPT = timedelta(hours=24)
TOLD_KEPT = timedelta(days=30)
"""Longer than WorkOS repeats an event (three days): a repeated one is known as long as it may come."""

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
_EVENTS = """
delete from webhook_events where id in (
    select id from webhook_events where received_at < $1::timestamptz limit $2
)
"""
# The row itself stays: an older event of the object that comes late must not bring it back.
_DELETED_OBJECTS = """
update workos_objects set data = '{}' where id in (
    select id from workos_objects where deleted and data <> '{}' and event_at < $1::timestamptz limit $2
)
"""


async def run(context: TaskContext) -> TaskResult:
    """`{deleted, sign_ins, idempotency_keys, workos, complete}`: rows of each; `deleted` are the sessions."""
    sessions = await delete_older(context, _SESSIONS, KEPT)
    sign_ins = await delete_older(context, _SIGN_INS, KEPT)
    keys = await delete_older(context, _IDEMPOTENCY_KEYS, KEPT)
    events = await delete_older(context, _EVENTS, TOLD_KEPT)
    objects = await delete_older(context, _DELETED_OBJECTS, TOLD_KEPT)
    return {
        "deleted": sessions["deleted"],
        "sign_ins": sign_ins["deleted"],
        "idempotency_keys": keys["deleted"],
        "workos": events["deleted"] + objects["deleted"],
        "complete": all(one["complete"] for one in (sessions, sign_ins, keys, events, objects)),
    }
