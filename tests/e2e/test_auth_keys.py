"""API keys on the real runtime and the real database: made, rotated, revoked, and never stronger than their maker."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.e2e.credentials import audited, bearer, key_of
from tests.e2e.platform import Platform, problem
from tests.e2e.workos_events import unique


async def test_a_key_is_made_listed_rotated_and_revoked_over_http(platform: Platform, user: httpx.AsyncClient) -> None:
    made = await user.post("/auth/apikeys", json={"name": "ci", "environment": "test", "scopes": ["things:read"]})
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    key = made.json()
    seen = (await user.get(made.url.join(made.headers["location"]))).json()
    assert seen == {name: value for name, value in key.items() if name != "key"}
    assert key["id"] in [row["id"] for row in (await user.get("/auth/apikeys?limit=1000")).json()["data"]]

    rotated = await user.post(f"/auth/apikeys/{key['id']}/rotate", json={"overlap_hours": 1})
    assert rotated.status_code == 201, rotated.text
    new = rotated.json()
    assert (new["scopes"], new["environment"], new["name"]) == (["things:read"], "test", "ci")
    for each in (key, new):
        assert (await platform.result("AUTH", "verify", each["key"]))["code"] == "VALID"
    problem(await user.post(f"/auth/apikeys/{key['id']}/rotate", json={}), 404, "NOT_FOUND")

    assert (await user.delete(f"/auth/apikeys/{new['id']}")).status_code == 204
    problem(await user.delete(f"/auth/apikeys/{new['id']}"), 404, "NOT_FOUND")
    assert (await platform.result("AUTH", "verify", new["key"]))["code"] == "REVOKED"
    assert audited(platform, key["id"]) == ["api_key.created", "api_key.rotated"]
    assert audited(platform, new["id"]) == ["api_key.revoked"]


async def test_a_key_rotated_without_overlap_is_over_at_once(platform: Platform) -> None:
    key = await key_of(platform)
    new = await platform.result("AUTH", "rotateApiKey", "usr_user", key["id"])
    assert (await platform.result("AUTH", "verify", key["key"]))["code"] == "REVOKED"
    assert (await platform.result("AUTH", "verify", new["key"]))["code"] == "VALID"


async def test_the_overlap_of_a_rotation_ends(platform: Platform) -> None:
    key = await key_of(platform)
    await platform.result("AUTH", "rotateApiKey", "usr_user", key["id"], {"overlapHours": 168})
    ((hours,),) = platform.rows(
        "select extract(epoch from expires_at - now()) / 3600 from api_keys where id = %s", key["id"]
    )
    assert 167.9 < hours <= 168
    platform.rows("update api_keys set expires_at = now() where id = %s returning id", key["id"])
    assert (await platform.result("AUTH", "verify", key["key"]))["code"] == "EXPIRED"


@pytest.mark.parametrize("overlap", [-1, 169, 1.5, "1"])
async def test_an_overlap_is_between_nothing_and_a_week(platform: Platform, overlap: object) -> None:
    answer = await platform.call("AUTH", "rotateApiKey", "usr_user", "key", {"overlapHours": overlap})
    assert "INVALID_ARGUMENT" in answer["error"]["message"]


async def test_a_key_is_marked_as_used_once_a_minute(platform: Platform) -> None:
    key = await key_of(platform)
    sql = "select last_used_at from api_keys where id = %s"
    await platform.result("AUTH", "verify", key["key"])
    async with asyncio.timeout(10):
        while platform.rows(sql, key["id"]) == [(None,)]:
            await platform.result("AUTH", "health")
    first = platform.rows(sql, key["id"])
    await platform.result("AUTH", "verify", key["key"])
    assert platform.rows(sql, key["id"]) == first


async def test_somebody_elses_key_is_not_found(platform: Platform, user: httpx.AsyncClient) -> None:
    foreign = await key_of(platform, "usr_viewer")
    asked: list[tuple[str, str, Any]] = [("GET", "", None), ("DELETE", "", None), ("POST", "/rotate", {})]
    for method, path, body in asked:
        answer = await user.request(method, f"/auth/apikeys/{foreign['id']}{path}", json=body)
        problem(answer, 404, "NOT_FOUND")
    assert (await platform.result("AUTH", "verify", foreign["key"]))["code"] == "VALID"


async def test_no_key_is_stronger_than_the_key_that_makes_it(platform: Platform, anonymous: httpx.AsyncClient) -> None:
    maker = await key_of(platform, scopes=["auth:write", "auth:read", "things:read"], expiresInDays=1)
    strong = await key_of(platform)
    asking = bearer(maker["key"])

    async def wanted(**fields: Any) -> httpx.Response:
        body = {"name": "x", "environment": "test", **fields}
        return await anonymous.post("/auth/apikeys", headers=asking, json=body)

    problem(await wanted(scopes=["things:write"]), 403, "SCOPE_EXCEEDS_OWNER")
    problem(await wanted(scopes=["*"]), 403, "SCOPE_EXCEEDS_OWNER")
    problem(await wanted(environment="live"), 403, "FORBIDDEN")
    problem(await wanted(rate_limit=1000), 403, "FORBIDDEN")
    made = (await wanted(expires_in_days=3650)).json()
    assert sorted(made["scopes"]) == ["auth:read", "auth:write", "things:read"]
    assert made["expires_at"] == maker["expiresAt"]
    stolen = await anonymous.post(f"/auth/apikeys/{strong['id']}/rotate", headers=asking, json={})
    problem(stolen, 403, "SCOPE_EXCEEDS_OWNER")
    again = await anonymous.post(f"/auth/apikeys/{maker['id']}/rotate", headers=asking, json={})
    assert again.json()["expires_at"] == maker["expiresAt"]


async def test_a_key_without_the_permission_sees_to_no_credentials(
    platform: Platform, anonymous: httpx.AsyncClient
) -> None:
    asking = bearer((await key_of(platform, scopes=["things:read"]))["key"])
    for method, path in [("GET", "apikeys"), ("DELETE", "apikeys/x"), ("GET", "sessions"), ("DELETE", "sessions")]:
        problem(await anonymous.request(method, f"/auth/{path}", headers=asking), 403, "FORBIDDEN")
    problem(await anonymous.post("/auth/apikeys", headers=asking, json={"name": "x"}), 403, "FORBIDDEN")


async def test_keys_come_in_pages(platform: Platform) -> None:
    platform.rows("insert into users (id, email) values ('usr_pages', 'pages@example.com') returning id")
    made = [(await key_of(platform, "usr_pages"))["id"] for _ in range(3)]
    seen: list[str] = []
    cursor = None
    for _ in range(2):
        page = await platform.result("AUTH", "listApiKeys", "usr_pages", {"limit": 2, "cursor": cursor})
        seen += [row["id"] for row in page["data"]]
        cursor = page["page"]["nextCursor"]
    assert seen == made[::-1]
    assert cursor is None


async def test_a_person_who_rotates_starts_the_keys_term_anew(platform: Platform) -> None:
    key = await key_of(platform, expiresInDays=10)
    platform.rows(
        "update api_keys set created_at = created_at - interval '9 days', expires_at = expires_at - interval '9 days'"
        " where id = %s returning id",
        key["id"],
    )
    new = await platform.result("AUTH", "rotateApiKey", "usr_user", key["id"])
    sql = "select round(extract(epoch from expires_at - now()) / 3600) from api_keys where id = %s"
    assert platform.rows(sql, new["id"]) == [(240,)]


async def test_of_two_rotations_at_once_one_wins(platform: Platform) -> None:
    key = await key_of(platform)
    answers = await asyncio.gather(*(platform.call("AUTH", "rotateApiKey", "usr_user", key["id"]) for _ in range(4)))
    assert len([answer for answer in answers if "ok" in answer]) == 1
    assert all("NOT_FOUND" in answer["error"]["message"] for answer in answers if "error" in answer)
    assert platform.rows(
        "select count(*) from audit_log where target = %s and action = 'api_key.rotated'", key["id"]
    ) == [(1,)]


class Mover:
    """A user with a role and a grant in each of two organisations, who is in the first."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.id, self.first, self.second = unique("usr"), unique("org"), unique("org")
        platform.rows(
            "insert into users (id, email, organization_id) values (%s, %s, %s) returning id",
            self.id, f"{self.id}@example.com", self.first,
        )  # fmt: skip

    async def begin(self) -> None:
        for organization, action in ((self.first, "first"), (self.second, "second"), (None, "anywhere")):
            await self.platform.result("AUTH", "grantPermission", self.id, "billing", action, organization)

    def go_on(self) -> None:
        self.platform.rows("update users set organization_id = %s where id = %s returning id", self.second, self.id)

    def join_first(self) -> None:
        """Of both from now on, whichever the last sign-in led to."""
        self.platform.rows(
            "insert into organizations (id, workos_id, name) values (%s, %s, 'First') returning id",
            self.first,
            self.first,
        )
        self.platform.rows(
            "insert into memberships (user_id, organization_id, role) values (%s, %s, 'user') returning user_id",
            self.id, self.first,
        )  # fmt: skip

    async def may(self, key: dict[str, Any]) -> tuple[str | None, set[str], set[str]]:
        """The organisation of a key, and what it may do of what was granted: as it is told, and as it is checked."""
        verified = await self.platform.result("AUTH", "verify", key["key"])
        told = {each.partition(":")[2] for each in verified["permissions"] if each.startswith("billing:")}
        checked = set()
        async with self.platform.client() as client:
            for action in ("first", "second", "anywhere"):
                for organization in (None, self.first, self.second):
                    body = {"resource": "billing", "action": action, "organization_id": organization}
                    answer = await client.post("/auth/check-permission", json=body, headers=bearer(key["key"]))
                    checked |= {action} if answer.json()["has_permission"] else set()
        return verified["organizationId"], told, checked


async def test_a_key_is_of_the_organisation_it_was_made_in_for_good(platform: Platform) -> None:
    mover = Mover(platform)
    await mover.begin()
    key = await key_of(platform, mover.id)
    assert key["organizationId"] == mover.first
    assert await mover.may(key) == (mover.first, {"first", "anywhere"}, {"first", "anywhere"})
    mover.go_on()
    left = await mover.may(key)
    assert left == (mover.first, {"anywhere"}, {"anywhere"}), "neither what was left nor what was come to"
    later = await key_of(platform, mover.id)
    assert await mover.may(later) == (mover.second, {"second", "anywhere"}, {"second", "anywhere"})
    rotated = await platform.result("AUTH", "rotateApiKey", mover.id, key["id"])
    assert await mover.may(rotated) == left
    mover.join_first()
    assert await mover.may(rotated) == (mover.first, {"first", "anywhere"}, {"first", "anywhere"})


async def test_a_key_that_a_key_makes_is_of_its_organisation(platform: Platform) -> None:
    mover = Mover(platform)
    await mover.begin()
    key = await key_of(platform, mover.id)
    mover.go_on()
    async with platform.client() as client:
        body = {"name": "child", "environment": "test"}
        made = (await client.post("/auth/apikeys", json=body, headers=bearer(key["key"]))).json()
    assert await mover.may(made) == (mover.first, {"anywhere"}, {"anywhere"})


async def test_a_key_gets_itself_none_of_another_organisation_by_rotating(platform: Platform) -> None:
    mover = Mover(platform)
    first = await key_of(platform, mover.id)
    mover.go_on()
    second = await key_of(platform, mover.id)
    platform.rows("update users set organization_id = null where id = %s returning id", mover.id)
    nowhere = await key_of(platform, mover.id)
    keys = [first, second, nowhere]
    async with platform.client() as client:
        for asking in keys:
            for other in keys:
                if other is not asking:
                    path = f"/auth/apikeys/{other['id']}/rotate"
                    problem(await client.post(path, json={}, headers=bearer(asking["key"])), 404, "NOT_FOUND")
        for asking in keys:
            path = f"/auth/apikeys/{asking['id']}/rotate"
            made = await client.post(path, json={}, headers=bearer(asking["key"]))
            assert (made.status_code, made.json()["organization_id"]) == (201, asking["organizationId"])


async def test_a_user_has_so_many_keys_at_once_and_no_more(platform: Platform) -> None:
    """Limits count by key. Those that work no longer do not count, and a key may always be changed for another."""
    owner = unique("usr")
    platform.rows("insert into users (id, email) values (%s, %s) returning id", owner, f"{owner}@example.com")
    key = await key_of(platform, owner)
    platform.rows(
        "insert into api_keys (user_id, name, key_hash, prefix, last4, environment, revoked_at, expires_at)"
        " select %s, 'made', sha256((%s || n)::bytea), 'sk_test_aaaa', 'aaaa', 'test',"
        "        case when n > 150 then now() end, case when n > 98 and n <= 150 then now() end"
        " from generate_series(1, 200) n returning id",
        owner, owner,
    )  # fmt: skip
    last = await key_of(platform, owner)
    async with platform.client() as client:
        headers, wanted = bearer(last["key"]), {"name": "x", "environment": "test"}
        problem(await client.post("/auth/apikeys", json=wanted, headers=headers), 409, "TOO_MANY_KEYS")
        path = f"/auth/apikeys/{key['id']}/rotate"
        problem(await client.post(path, json={"overlap_hours": 1}, headers=headers), 409, "TOO_MANY_KEYS")
        assert (await client.post(path, json={}, headers=headers)).status_code == 201
        assert (await client.delete(f"/auth/apikeys/{last['id']}", headers=headers)).status_code == 204
    assert (await key_of(platform, owner))["organizationId"] is None


async def test_keys_that_are_made_at_once_are_no_more_than_one_by_one(platform: Platform) -> None:
    owner = unique("usr")
    platform.rows("insert into users (id, email) values (%s, %s) returning id", owner, f"{owner}@example.com")
    old = await key_of(platform, owner)
    platform.rows(
        "insert into api_keys (user_id, name, key_hash, prefix, last4, environment)"
        " select %s, 'made', sha256((%s || n)::bytea), 'sk_test_aaaa', 'aaaa', 'test' from generate_series(1, 97) n"
        " returning id",
        owner, owner,
    )  # fmt: skip
    wanted = {"userId": owner, "name": "x", "environment": "test"}
    made = [platform.call("AUTH", "createApiKey", wanted) for _ in range(6)]
    rotated = [platform.call("AUTH", "rotateApiKey", owner, old["id"], {"overlapHours": 1}) for _ in range(3)]
    answers = await asyncio.gather(*made, *rotated)
    refused = [answer["error"]["message"] for answer in answers if "error" in answer]
    assert len(refused) == 7
    assert all("TOO_MANY_KEYS" in message or "NOT_FOUND" in message for message in refused)
    sql = "select count(*) from api_keys where user_id = %s and revoked_at is null"
    assert platform.rows(sql, owner) == [(100,)]
