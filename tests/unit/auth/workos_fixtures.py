"""What WorkOS answers where its emulator has nothing to say, in the shapes of the official SDK's types."""

from typing import Any

AT = "2026-11-23T10:00:00.000Z"

USER: dict[str, Any] = {
    "object": "user", "id": "user_fixture", "email": "fixture@example.com", "email_verified": True, "first_name": "Fix",
    "last_name": "Ture", "profile_picture_url": None, "external_id": None, "last_sign_in_at": None, "created_at": AT,
    "updated_at": AT,
}  # fmt: skip

ORGANIZATION_SELECTION: dict[str, Any] = {
    "code": "organization_selection_required",
    "message": "The user must choose an organization to finish their authentication.",
    "pending_authentication_token": "pending_token_1", "user": USER,
    "organizations": [{"id": "org_1", "name": "Acme"}, {"id": "org_2", "name": "Umbrella"}],
}  # fmt: skip

PROFILE: dict[str, Any] = {
    "object": "profile", "id": "prof_1", "connection_id": "conn_1", "organization_id": "org_1", "connection_type": "OktaSAML",
    "idp_id": "1", "email": "ann@acme.example", "first_name": "Ann", "last_name": None, "raw_attributes": {},
    "role": {"slug": "member"},
}  # fmt: skip

DIRECTORY: dict[str, Any] = {
    "object": "directory", "id": "directory_1", "organization_id": "org_1", "external_key": "k", "type": "okta scim v2.0",
    "state": "linked", "name": "Acme's people", "domain": "acme.example", "created_at": AT, "updated_at": AT,
}  # fmt: skip

DIRECTORY_USER: dict[str, Any] = {
    "object": "directory_user", "id": "directory_user_1", "directory_id": "directory_1", "organization_id": "org_1",
    "idp_id": "8931", "email": "ann@acme.example", "first_name": "Ann", "last_name": "Lee", "state": "active",
    "custom_attributes": {"department": "Law"}, "raw_attributes": {"salary": 1}, "groups": [], "emails": [],
    "role": {"slug": "member"}, "created_at": AT, "updated_at": AT,
}  # fmt: skip

DIRECTORY_GROUP: dict[str, Any] = {
    "object": "directory_group", "id": "directory_group_1", "directory_id": "directory_1", "organization_id": "org_1",
    "idp_id": "77", "name": "Law", "raw_attributes": {}, "created_at": AT, "updated_at": AT,
}  # fmt: skip


def listed(*records: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": list(records), "list_metadata": {"before": None, "after": records[-1]["id"]}}


DIRECTORIES = listed(DIRECTORY)
DIRECTORY_USERS = listed(DIRECTORY_USER)
DIRECTORY_GROUPS = listed(DIRECTORY_GROUP)
