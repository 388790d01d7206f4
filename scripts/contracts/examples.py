"""Something to begin with: a body for every operation that takes one, and values for required parameters."""

from typing import Any

BODIES: dict[str, Any] = {
    "db_create_thing": {"ns": "notes", "id": "first", "type": "note", "data": {"text": "hello"}},
    "db_put_thing": {"type": "note", "data": {"text": "hello"}, "content": "hello"},
    "db_patch_thing": {"data": {"text": "hello again", "draft": None}},
    "db_batch_things": {
        "things": [{"ns": "notes", "id": "first", "type": "note"}, {"ns": "notes", "id": "second", "type": "note"}]
    },
    "db_create_relationship": {
        "type": "follows", "from_ns": "notes", "from_id": "second", "to_ns": "notes", "to_id": "first"
    },
    "db_search": {"query": "hello", "ns": "notes", "limit": 10},
    "db_ingest_events": {"type": "note.read", "source": "docs", "data": {"ns": "notes", "id": "first"}},
    "db_rpc": {"method": "get", "params": ["notes", "first"]},
    "auth_refresh": {"refresh_token": "the one that came with the last pair"},
    "auth_create_api_key": {"name": "laptop", "environment": "test", "expires_in_days": 90, "scopes": ["things:read"]},
    "auth_rotate_api_key": {"overlap_hours": 24},
    "auth_check_permission": {"resource": "things", "action": "write"},
    "auth_grant_permission": {"user_id": "usr_1", "resource": "things", "action": "write"},
    "auth_revoke_permission": {"user_id": "usr_1", "resource": "things", "action": "write"},
    "schedule_register_task": {
        "name": "nightly-cleanup", "schedule": "30 2 * * *", "handler": "cleanup-expired-sessions", "max_attempts": 5
    },
    "schedule_patch_task": {"schedule": "every 90 minutes", "misfire_grace_s": 600},
    "auth_update_user": {"role": "user"},
}  # fmt: skip

# By service and parameter.
PARAMETERS: dict[tuple[str, str], Any] = {
    ("db", "ns"): "notes",
    ("db", "id"): "first",
    ("db", "q"): "hello",
    ("schedule", "name"): "health-check-services",
    ("schedule", "id"): "health-check-services@1795435200000",
    ("auth", "id"): "key_1",
    ("auth", "user_id"): "usr_1",
}
