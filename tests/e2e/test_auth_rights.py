"""Roles, grants, who may change them, and the record of it, on the real runtime and the real database."""

import asyncio
import time
from typing import Any

import httpx
import psycopg
import pytest

from dotdo.paging import encode_cursor
from tests.e2e import workos_events as w
from tests.e2e.platform import Platform, problem


def bearer(credential: str) -> dict[str, str]:
    return {"authorization": f"Bearer {credential}"}


@pytest.fixture
def member(platform: Platform, request: pytest.FixtureRequest) -> str:
    """A user of the test's own, with the role `user`, in no organisation."""
    name = f"usr_{request.node.name}"[:200]
    platform.rows("insert into users (id, email) values (%s, %s) returning id", name, f"{name}@example.com")
    return name


async def signed_in(platform: Platform, user: str) -> dict[str, str]:
    made = await platform.result("AUTH", "createSession", user)
    return bearer(made["token"])


async def may(platform: Platform, user: str, resource: str, action: str, organization: str | None = None) -> bool:
    asked = {"userId": user, "resource": resource, "action": action, "organizationId": organization}
    answer: bool = await platform.result("AUTH", "checkPermission", asked)
    return answer


async def test_roles_decide(platform: Platform) -> None:
    answers = {
        role: [await may(platform, f"usr_{role}", "things", action) for action in ("read", "write", "destroy")]
        for role in ("admin", "user", "viewer", "nobody")
    }
    assert answers == {
        "admin": [True, True, True],
        "user": [True, True, False],
        "viewer": [True, False, False],
        "nobody": [False, False, False],
    }


async def test_a_grant_of_one_organisation_holds_there_alone(platform: Platform, member: str) -> None:
    async def grant(method: str, organization: str | None) -> bool:
        answer: bool = await platform.result("AUTH", method, member, "billing", "read", organization)
        return answer

    async def asked() -> list[bool]:
        return [await may(platform, member, "billing", "read", place) for place in (None, "org_a", "org_b")]

    assert await grant("grantPermission", "org_a") is True
    assert await grant("grantPermission", "org_a") is False
    assert await asked() == [False, True, False]
    assert await grant("grantPermission", None) is True
    assert await asked() == [True, True, True]
    assert await grant("revokePermission", "org_a") is True
    assert await grant("revokePermission", "org_a") is False
    assert await asked() == [True, True, True]
    await grant("grantPermission", "org_a")
    assert await grant("revokePermission", None) is True
    assert await asked() == [False, True, False]
    listed = await platform.result("AUTH", "listPermissions", member)
    granted = [(row["permission"], row["organizationId"]) for row in listed if row["source"] == "grant"]
    assert granted == [("billing:read", "org_a")]
    actions = platform.rows(
        "select action, actor, details->>'organization_id' from audit_log where target = %s order by id", member
    )
    assert actions == [
        ("permission.granted", "rpc", "org_a"), ("permission.granted", "rpc", None),
        ("permission.revoked", "rpc", "org_a"), ("permission.granted", "rpc", "org_a"),
        ("permission.revoked", "rpc", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "end", ["organization_membership.deleted", "organization_membership.updated", "organization.deleted"]
)
async def test_a_grant_of_an_organisation_that_was_left_counts_nowhere(platform: Platform, end: str) -> None:
    at = time.time() - 60
    person, place, link = w.unique("user"), w.unique("org"), w.unique("om")
    is_gone = end == "organization.deleted"
    last = w.organization(place) if is_gone else w.membership(link, person, place, status="inactive")
    await w.told(
        platform,
        w.event("organization.created", w.organization(place), at),
        w.event("user.created", w.user(person, f"{person}@example.com", at), at),
        w.event("organization_membership.created", w.membership(link, person, place), at),
    )
    ((user,),) = platform.rows("select id from users where workos_id = %s", person)
    await platform.result("AUTH", "grantPermission", user, "billing", "read", place)
    await platform.result("AUTH", "grantPermission", user, "reports", "read")
    session = await signed_in(platform, user)

    async def asked() -> list[bool]:
        body = {"resource": "billing", "action": "read", "organization_id": place}
        async with platform.client() as client:
            answer = (await client.post("/auth/check-permission", json=body, headers=session)).json()
        return [
            await may(platform, user, "billing", "read", place), answer["has_permission"],
            await may(platform, user, "reports", "read", place), await may(platform, user, "things", "read", place),
        ]  # fmt: skip

    assert await asked() == [True, True, True, True]
    await w.told(platform, w.event(end, last, at + 5))
    assert await asked() == [False, False, True, True], "what is granted everywhere and by role is left"
    if not is_gone:
        back = w.membership(w.unique("om"), person, place)
        await w.told(platform, w.event("organization_membership.created", back, at + 10))
        assert await asked() == [True, True, True, True]


async def test_a_grant_reaches_verify_and_a_credentials_scopes_bound_it(platform: Platform, member: str) -> None:
    platform.rows("update users set organization_id = 'org_a' where id = %s returning id", member)
    wanted = {"userId": member, "name": "k", "environment": "test", "scopes": ["things:read"]}
    key = (await platform.result("AUTH", "createApiKey", wanted))["key"]
    session = await platform.result("AUTH", "createSession", member)
    await platform.result("AUTH", "grantPermission", member, "billing", "*", "org_a")
    await platform.result("AUTH", "grantPermission", member, "secrets", "read", "org_b")
    by_token = await platform.result("AUTH", "verify", session["token"])
    assert by_token["organizationId"] == "org_a"
    assert "billing:*" in by_token["permissions"]
    assert "secrets:read" not in by_token["permissions"]
    assert (await platform.result("AUTH", "verify", key))["permissions"] == ["things:read"]

    async with platform.client() as client:

        async def check(credential: str, organization: str | None = None) -> bool:
            body = {"resource": "billing", "action": "read", "organization_id": organization}
            response = await client.post("/auth/check-permission", headers=bearer(credential), json=body)
            answer: bool = response.json()["has_permission"]
            return answer

        assert await check(session["token"]) is True
        assert await check(session["token"], "org_b") is False
        assert await check(key) is False


async def test_granting_twice_at_once_makes_one_grant(platform: Platform, member: str) -> None:
    made = await asyncio.gather(
        *(platform.result("AUTH", "grantPermission", member, "billing", "read") for _ in range(6))
    )
    assert sorted(made) == [False] * 5 + [True]
    assert platform.rows("select count(*) from permissions where user_id = %s", member) == [(1,)]


async def test_administrators_grant_over_http(platform: Platform, admin: httpx.AsyncClient, member: str) -> None:
    grant = {"user_id": member, "resource": "billing", "action": "read"}
    made = await admin.post("/auth/permissions", json=grant)
    assert (made.status_code, made.json()["permission"]) == (201, "billing:read")
    again = await admin.post("/auth/permissions", json=grant)
    assert (again.status_code, "location" in again.headers) == (200, False)
    assert made.json() in (await admin.get(made.url.join(made.headers["location"]))).json()["data"]
    listed = (await admin.get("/auth/permissions", params={"user_id": member})).json()["data"]
    assert listed[-1]["granted_by"].startswith("api_key:")
    assert (await admin.request("DELETE", "/auth/permissions", json=grant)).status_code == 204
    problem(await admin.request("DELETE", "/auth/permissions", json=grant), 404, "NOT_FOUND")
    problem(await admin.post("/auth/permissions", json={**grant, "user_id": "usr_none"}), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("resource", "action"),
    [("*", "*"), ("*", "read"), ("", "read"), ("things", ""), ("Things", "read"), ("a:b", "read"), ("things", "read ")],
)
async def test_no_grant_is_of_everything_or_malformed(
    admin: httpx.AsyncClient, member: str, resource: str, action: str
) -> None:
    body = {"user_id": member, "resource": resource, "action": action}
    problem(await admin.post("/auth/permissions", json=body), 400, "INVALID_ARGUMENT")


async def test_a_role_changes_at_the_next_check(platform: Platform, admin: httpx.AsyncClient, member: str) -> None:
    token = (await platform.result("AUTH", "createSession", member))["token"]
    changed = await admin.patch(f"/auth/users/{member}", json={"role": "viewer"})
    assert (changed.status_code, changed.json()["role"]) == (200, "viewer")
    assert (await platform.result("AUTH", "verify", token))["role"] == "viewer"
    ((details,),) = platform.rows(
        "select details from audit_log where target = %s and action = 'user.role_changed'", member
    )
    assert details == {"from": "user", "to": "viewer"}
    for role in ("root", "", "Admin"):
        problem(await admin.patch(f"/auth/users/{member}", json={"role": role}), 400, "INVALID_ARGUMENT")
    problem(await admin.patch("/auth/users/usr_none", json={"role": "user"}), 404, "NOT_FOUND")
    assert await platform.result("AUTH", "updateUserRole", "usr_none", "user") is None


async def test_nobody_changes_his_own_rights(platform: Platform, admin: httpx.AsyncClient) -> None:
    grant = {"user_id": "usr_admin", "resource": "billing", "action": "read"}
    problem(await admin.post("/auth/permissions", json=grant), 403, "FORBIDDEN")
    problem(await admin.request("DELETE", "/auth/permissions", json=grant), 403, "FORBIDDEN")
    problem(await admin.patch("/auth/users/usr_admin", json={"role": "user"}), 403, "FORBIDDEN")
    assert (await platform.result("AUTH", "getUser", "usr_admin"))["role"] == "admin"


ADMINS_ONLY: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/auth/permissions?user_id=usr_user", None),
    ("POST", "/auth/permissions", {"user_id": "usr_user", "resource": "things", "action": "*"}),
    ("DELETE", "/auth/permissions", {"user_id": "usr_user", "resource": "things", "action": "*"}),
    ("PATCH", "/auth/users/usr_user", {"role": "admin"}),
    ("GET", "/auth/users", None),
    ("GET", "/auth/audit", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ADMINS_ONLY)
async def test_only_administrators_see_to_rights(
    platform: Platform, user: httpx.AsyncClient, anonymous: httpx.AsyncClient, method: str, path: str, body: Any
) -> None:
    problem(await user.request(method, path, json=body), 403, "FORBIDDEN")
    problem(await anonymous.request(method, path, json=body), 401, "UNAUTHENTICATED")
    narrow = {"userId": "usr_admin", "name": "narrow", "environment": "test", "scopes": ["auth:write", "things:read"]}
    key = (await platform.result("AUTH", "createApiKey", narrow))["key"]
    problem(await anonymous.request(method, path, json=body, headers=bearer(key)), 403, "FORBIDDEN")
    assert (await platform.result("AUTH", "getUser", "usr_user"))["role"] == "user"


async def test_users_come_in_pages(admin: httpx.AsyncClient) -> None:
    seen: list[str] = []
    cursor = None
    while cursor is not None or not seen:
        page = (await admin.get("/auth/users", params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
        seen += [row["id"] for row in page["data"]]
        cursor = page["page"]["next_cursor"]
    assert len(seen) == len(set(seen))
    assert {"usr_admin", "usr_user", "usr_viewer"} <= set(seen)
    problem(await admin.get("/auth/users", params={"cursor": "x"}), 400, "INVALID_ARGUMENT")


async def test_me_tells_who_asks(platform: Platform, user: httpx.AsyncClient, viewer: httpx.AsyncClient) -> None:
    me = (await user.get("/auth/me")).json()
    assert (me["id"], me["role"], me["kind"]) == ("usr_user", "user", "api_key")
    assert "auth:write" in me["permissions"]
    by_session = (await viewer.get("/auth/me", headers=await signed_in(platform, "usr_viewer"))).json()
    assert (by_session["id"], by_session["kind"]) == ("usr_viewer", "user")


async def test_the_record_is_read_by_filter_and_page(platform: Platform, admin: httpx.AsyncClient, member: str) -> None:
    for role in ("viewer", "user", "viewer"):
        await admin.patch(f"/auth/users/{member}", json={"role": role}, headers={"x-request-id": f"req-{role}"})
    first = (await admin.get("/auth/audit", params={"target": member, "limit": 2})).json()
    assert [row["details"]["to"] for row in first["data"]] == ["viewer", "user"]
    assert [row["request_id"] for row in first["data"]] == ["req-viewer", "req-user"]
    more = {"target": member, "limit": 2, "cursor": first["page"]["next_cursor"]}
    second = (await admin.get("/auth/audit", params=more)).json()
    assert [row["details"]["to"] for row in second["data"]] == ["viewer"]
    assert second["page"]["next_cursor"] is None
    none = {"target": member, "action": "api_key.created"}
    assert (await admin.get("/auth/audit", params=none)).json()["data"] == []
    for cursor in ("x", "WyItMSJd", "WyI5OTk5OTk5OTk5OTk5OTk5OTk5OTkiXQ"):
        problem(await admin.get("/auth/audit", params={"cursor": cursor}), 400, "INVALID_ARGUMENT")


async def test_the_record_is_ordered_by_number_and_not_as_text(platform: Platform, admin: httpx.AsyncClient) -> None:
    """As text 99 would come before 100. Numbers below zero, whose order as text is another too, are in no other test's way."""
    platform.rows(
        "insert into audit_log (id, actor, action, target) overriding system value"
        " select -n, 'test', 'test.numbered', 'numbered' from generate_series(1, 12) n returning id"
    )
    answer = (await admin.get("/auth/audit", params={"target": "numbered"})).json()
    assert [int(row["id"]) for row in answer["data"]] == [-n for n in range(1, 13)]


@pytest.mark.parametrize("sql", ["update audit_log set actor = 'x'", "delete from audit_log", "truncate audit_log"])
def test_the_record_is_only_ever_added_to(platform: Platform, sql: str) -> None:
    with psycopg.connect(platform.postgres_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(sql)


@pytest.mark.parametrize("limit", [1, 4, 9, 10, 14, 15, 1000])
async def test_what_somebody_may_do_comes_in_pages(
    platform: Platform, admin: httpx.AsyncClient, member: str, limit: int
) -> None:
    """Nine permissions by role, and five that were granted."""
    for n in range(5):
        await platform.result("AUTH", "grantPermission", member, "billing", f"a{n}", f"org_{n}")
    every = await platform.result("AUTH", "listPermissions", member)
    seen, cursor = [], None
    while True:
        query = {"user_id": member, "limit": str(limit), **({"cursor": cursor} if cursor else {})}
        answer = (await admin.get("/auth/permissions", params=query)).json()
        assert answer["page"]["limit"] == limit
        assert 0 < len(answer["data"]) <= limit
        seen += answer["data"]
        cursor = answer["page"]["next_cursor"]
        if not cursor:
            break
    assert [(row["permission"], row["organization_id"]) for row in seen] == [
        (row["permission"], row["organizationId"]) for row in every
    ]
    assert len(seen) == 14
    for wrong in ("x", encode_cursor(["user", "x"])):
        answer = await admin.get("/auth/permissions", params={"user_id": member, "cursor": wrong})
        problem(answer, 400, "INVALID_ARGUMENT")
