"""Events as WorkOS sends them, in the shapes of its SDK's types, signed with the secret of the local stack."""

import hashlib
import hmac
import itertools
import json
import time
from typing import Any

import httpx

from dotdo.instants import rfc3339
from tests.e2e.platform import DATA, Platform

_ids = itertools.count(1)
_run = f"{time.time_ns():x}"


def unique(prefix: str) -> str:
    """An id as WorkOS makes them, of this run of the tests alone."""
    return f"{prefix}_{_run}{next(_ids):04}"


def event(type: str, data: dict[str, Any], at_s: float, id: str | None = None) -> dict[str, Any]:
    return {"id": id or unique("event"), "object": "event", "event": type, "data": data, "created_at": rfc3339(at_s)}


def user(id: str, email: str, at_s: float, **changes: Any) -> dict[str, Any]:
    at = rfc3339(at_s)
    return {
        "object": "user", "id": id, "email": email, "email_verified": True, "first_name": "Eve", "last_name": None,
        "profile_picture_url": None, "last_sign_in_at": None, "external_id": None, "metadata": {}, "locale": None,
        "created_at": at, "updated_at": at, **changes,
    }  # fmt: skip


def organization(id: str, name: str = "Acme") -> dict[str, Any]:
    return {"object": "organization", "id": id, "name": name, "domains": [], "metadata": {}, "external_id": None}


def membership(
    id: str, user_id: str, organization_id: str, role: str = "member", status: str = "active"
) -> dict[str, Any]:
    return {
        "object": "organization_membership", "id": id, "user_id": user_id, "organization_id": organization_id,
        "organization_name": "Acme", "role": {"slug": role}, "roles": [{"slug": role}], "status": status,
        "directory_managed": False,
    }  # fmt: skip


def directory(id: str, organization_id: str) -> dict[str, Any]:
    return {
        "object": "directory", "id": id, "organization_id": organization_id, "name": "Acme", "type": "okta scim v2.0",
        "state": "deleting",
    }  # fmt: skip


def directory_user(
    id: str, organization_id: str, email: str, state: str = "active", directory_id: str = "directory_1"
) -> dict[str, Any]:
    return {
        "object": "directory_user", "id": id, "directory_id": directory_id, "organization_id": organization_id,
        "idp_id": "1", "email": email, "first_name": "Eve", "last_name": None, "state": state, "custom_attributes": {},
        "raw_attributes": {}, "groups": [],
    }  # fmt: skip


def secret() -> str:
    text: str = json.loads((DATA / "secrets.json").read_text())["WORKOS_WEBHOOK_SECRET"]
    return text


def signature(body: bytes, at_s: float | None = None, key: str | None = None) -> str:
    instant = str(int((time.time() if at_s is None else at_s) * 1000))
    mac = hmac.digest((key or secret()).encode(), instant.encode() + b"." + body, hashlib.sha256).hex()
    return f"t={instant}, v1={mac}"


async def deliver(platform: Platform, told: dict[str, Any], **options: Any) -> httpx.Response:
    body = json.dumps(told).encode()
    headers = {"content-type": "application/json", "workos-signature": signature(body, **options)}
    async with platform.client() as client:
        return await client.post("/auth/webhooks/workos", content=body, headers=headers)


async def told(platform: Platform, *events: dict[str, Any]) -> list[str]:
    """Delivers one after the other; what became of each."""
    answers = [await deliver(platform, each) for each in events]
    assert all(answer.status_code == 200 for answer in answers), [answer.text for answer in answers]
    return [answer.json()["status"] for answer in answers]
