"""The known defects of credentials and rights, each shown to be absent by a test that would fail if it came back.

Those of signing in, single sign-on and webhooks are in `test_auth_workos.py`.
"""

import ast
import asyncio
import json
import re
import sys
from typing import Any

import httpx
import pytest

from auth.app import ENTRY_LIMITS, build
from auth.domain import api_keys, refresh_tokens
from auth.domain.access_tokens import AccessTokens
from auth.domain.roles import ROLES, decide, effective_permissions
from auth.domain.verification import Verifier
from dotdo.contracts.auth import CONTRACT
from dotdo.cookies import read_cookie
from dotdo.fakes import Deferred, FakeBindings, FakeKv, FakePeer
from dotdo.http import HttpRequest
from dotdo.log import Logger
from dotdo.ports import Kv
from dotdo.sql import Sql
from scripts.runtime.config import read_configuration
from scripts.runtime.services import ROOT
from tests.e2e.credentials import bearer, key_of, session_of
from tests.e2e.platform import Platform, problem


async def test_A_1_credentials_live_in_postgresql(platform: Platform) -> None:
    made = await session_of(platform)
    key = await key_of(platform)
    assert platform.rows("select user_id from sessions where id = %s", made["session"]["id"]) == [("usr_user",)]
    assert platform.rows("select user_id from api_keys where id = %s", key["id"]) == [("usr_user",)]
    assert await platform.result("AUTH", "revokeApiKey", "usr_user", key["id"]) is True
    assert await platform.result("AUTH", "revokeApiKey", "usr_user", key["id"]) is False


async def test_A_2_bodies_have_content_and_refreshing_returns_tokens(
    platform: Platform, anonymous: httpx.AsyncClient
) -> None:
    made = await session_of(platform)
    answer = await anonymous.post("/auth/refresh", json={"refresh_token": made["refreshToken"]})
    assert {"token", "refresh_token"} <= set(answer.json())
    assert problem(await anonymous.get("/auth/me"), 401, "UNAUTHENTICATED")["detail"]


def test_A_7_a_key_is_one_indexed_lookup(platform: Platform) -> None:
    unique = (
        "select count(*) from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]"
        " where i.indrelid = 'api_keys'::regclass and i.indisunique and a.attname = 'key_hash'"
    )
    assert platform.rows(unique) == [(1,)]
    assert verification_statement().count("key_hash = $1") == 1


def verification_statement() -> str:
    """The one statement that a well-formed key asks the database."""
    db = FakePeer(query=lambda sql, params, *options: {"rows": [], "rowCount": 0})
    bindings = FakeBindings({"ENVIRONMENT": "development"}, peers={"DB": db})
    verifier = Verifier(bindings, Sql(bindings), AccessTokens(bindings))
    asyncio.run(verifier.verify(api_keys.generate("live"), Deferred()))
    ((_, (sql, *_)),) = db.calls
    return str(sql)


async def test_A_8_validation_has_the_shape_its_callers_expect(platform: Platform) -> None:
    key = (await key_of(platform))["key"]
    token = (await session_of(platform))["token"]
    by_key = await platform.result("AUTH", "validateApiKey", key)
    assert (by_key["valid"], by_key["id"], by_key["role"]) == (True, "usr_user", "user")
    assert await platform.result("AUTH", "validateApiKey", "sk_test_none") is None
    by_token = await platform.result("AUTH", "validateSession", token)
    assert (by_token["valid"], by_token["user"]["id"]) == (True, "usr_user")
    assert await platform.result("AUTH", "validateSession", key) == {
        "valid": False, "user": None, "session": None, "error": "MALFORMED",
    }  # fmt: skip
    assert (await platform.result("AUTH", "validateToken", "garbage"))["error"] == "MALFORMED"


async def test_A_9_the_cookie_that_is_set_is_the_cookie_that_is_read(platform: Platform) -> None:
    made = await session_of(platform)
    async with platform.client() as browser:
        cookie = {"cookie": f"refresh={made['refreshToken']}", "sec-fetch-site": "same-origin"}
        refreshed = await browser.post("/auth/refresh", json={}, headers=cookie)
        assert refreshed.status_code == 204
        assert (await browser.get("/auth/session")).json()["id"] == made["session"]["id"]


async def test_A_11_a_superseded_refresh_token_is_no_good(platform: Platform) -> None:
    made = await session_of(platform)
    first = await platform.result("AUTH", "refreshSession", made["refreshToken"])
    await platform.result("AUTH", "refreshSession", first["refreshToken"])
    answer = await platform.call("AUTH", "refreshSession", made["refreshToken"])
    assert "REFRESH_REUSED" in answer["error"]["message"]
    assert (await platform.result("AUTH", "verify", first["token"]))["code"] == "REVOKED"


async def test_A_12_a_refresh_token_is_never_an_access_token(platform: Platform) -> None:
    made = await session_of(platform)
    assert (await platform.result("AUTH", "verify", made["refreshToken"]))["code"] == "MALFORMED"
    assert "MALFORMED" in (await platform.call("AUTH", "refreshSession", made["token"]))["error"]["message"]


async def test_A_13_no_read_returns_a_token(platform: Platform, anonymous: httpx.AsyncClient) -> None:
    made = await session_of(platform)
    reads = [
        await platform.result("AUTH", "getSession", made["session"]["id"]),
        await platform.result("AUTH", "listSessions", "usr_user"),
        (await anonymous.get("/auth/session", headers=bearer(made["token"]))).json(),
        (await anonymous.get("/auth/sessions", headers=bearer(made["token"]))).json(),
    ]
    assert all(made["session"]["id"] in json.dumps(read) for read in reads)
    assert "oken" not in json.dumps(reads)
    assert platform.rows("select 1 from refresh_tokens where token_hash = %s", made["refreshToken"].encode()) == []


@pytest.mark.parametrize("path", ENTRY_LIMITS)
async def test_A_14_every_way_in_is_limited_and_kv_is_asked_for_no_lifetime_below_a_minute(path: str) -> None:
    kv = FakeKv()  # asserts the lifetime itself
    kvs: dict[str, Kv] = {"RATE_LIMIT_KV": kv, "SESSIONS_KV": kv}
    texts = {
        "INTERNAL_SECRET": "i" * 32, "JWT_SECRET": "j" * 32, "JWT_REFRESH_SECRET": "r" * 32, "LOCKOUT_MAX_S": "0",
        "PUBLIC_URL": "https://a.test", "WORKOS_CLIENT_ID": "c", "WORKOS_API_KEY": "k",
    }  # fmt: skip
    db = FakePeer(query=lambda sql, params, *options: {"rows": [], "rowCount": 0})
    service = build(FakeBindings(texts, peers={"DB": db}, kvs=kvs), Logger("test"))
    verbs = {endpoint.path: endpoint.verb for endpoint in CONTRACT.endpoints}
    query = {"/callback": "code=c&state=s", "/sso/callback": "code=c&state=s", "/sso/authorize": "organization=org_1"}
    later = Deferred()

    async def body() -> bytes:
        return json.dumps({"refresh_token": refresh_tokens.generate()}).encode()

    headers = {"content-type": "application/json"}
    statuses = [
        (await service.fetch(HttpRequest(verbs[path], path, query.get(path, ""), headers, body), later)).status
        for _ in range(31)
    ]
    limit = 30 if path == "/refresh" else 10
    assert [status == 429 for status in statuses] == [False] * limit + [True] * (31 - limit)
    await later.run()
    assert kv.entries
    assert kv.operations == 2, "not one for every request"


def test_A_15_managing_others_is_for_administrators_over_http() -> None:
    access = {(row.path.split("/")[1], row.access) for row in CONTRACT.endpoints}
    assert {row for row in access if row[0] in ("users", "permissions", "audit")} == {
        ("users", "admin"), ("permissions", "admin"), ("audit", "admin"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "environment": "staging"}, {"name": "x", "expires_in_days": -1},
        {"name": "x", "expires_in_days": "soon"}, {"environment": "test"},
    ],
)  # fmt: skip
async def test_A_16_a_key_is_asked_for_in_full_or_not_made(user: httpx.AsyncClient, body: dict[str, Any]) -> None:
    problem(await user.post("/auth/apikeys", json=body), 400, "INVALID_ARGUMENT")


async def test_A_16_a_key_that_is_made_is_201_and_a_key_makes_no_stronger_one(
    platform: Platform, user: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    assert (await user.post("/auth/apikeys", json={"name": "x", "environment": "test"})).status_code == 201
    narrow = bearer((await key_of(platform, scopes=["auth:write"]))["key"])
    body = {"name": "x", "environment": "test", "scopes": ["things:read"]}
    problem(await anonymous.post("/auth/apikeys", json=body, headers=narrow), 403, "SCOPE_EXCEEDS_OWNER")


@pytest.mark.parametrize("body", ["{", "", "nul", '{"name": NaN}', "[" * 10_000])
async def test_A_17_what_is_no_json_is_400_and_says_nothing_of_the_inside(user: httpx.AsyncClient, body: str) -> None:
    headers = {"content-type": "application/json"}
    for path in ("apikeys", "check-permission", "refresh"):
        answer = problem(await user.post(f"/auth/{path}", content=body, headers=headers), 400, "MALFORMED_JSON")
        assert (answer["title"], answer["detail"]) == ("Malformed JSON", "the body is not valid JSON")
        assert set(answer) == {"type", "title", "status", "detail", "instance", "code"}


async def test_A_18_a_new_user_has_one_default_role(platform: Platform) -> None:
    platform.rows("insert into users (id, email) values ('usr_a18', 'a18@example.com') returning id")
    assert (await platform.result("AUTH", "getUser", "usr_a18"))["role"] == "user"
    token = (await session_of(platform, "usr_a18"))["token"]
    assert (await platform.result("AUTH", "verify", token))["role"] == "user"


async def test_A_19_revoking_in_an_organisation_leaves_the_global_grant(platform: Platform) -> None:
    for organization in (None, "org_1"):
        await platform.result("AUTH", "grantPermission", "usr_viewer", "a19", "read", organization)
    await platform.result("AUTH", "revokePermission", "usr_viewer", "a19", "read", "org_1")
    asked = {"userId": "usr_viewer", "resource": "a19", "action": "read"}
    assert await platform.result("AUTH", "checkPermission", asked) is True
    await platform.result("AUTH", "revokePermission", "usr_viewer", "a19", "read")


async def test_A_20_the_wildcard_is_listed_as_it_is_and_a_grant_once(platform: Platform) -> None:
    listed = await platform.result("AUTH", "listPermissions", "usr_admin")
    assert [row["permission"] for row in listed if row["source"] == "role"] == ["*"]
    assert [await platform.result("AUTH", "grantPermission", "usr_user", "a20", "read") for _ in range(2)] == [
        True,
        False,
    ]
    assert platform.rows("select count(*) from permissions where permission = 'a20:read'") == [(1,)]
    await platform.result("AUTH", "revokePermission", "usr_user", "a20", "read")


async def test_A_21_an_unknown_role_may_do_nothing_and_breaks_nothing(platform: Platform) -> None:
    assert "root" not in ROLES
    assert effective_permissions("root", None) == []
    assert decide("root", [], "things:read", None) is False
    platform.rows("insert into users (id, email, role) values ('usr_a21', 'a21@example.com', 'root') returning id")
    assert await platform.result("AUTH", "listPermissions", "usr_a21") == []
    token = (await session_of(platform, "usr_a21"))["token"]
    assert (await platform.result("AUTH", "verify", token))["permissions"] == []


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("no_session=value", None), ("session=abc123; path=/", "abc123"), ("a=b; session=abc123", "abc123"),
        ("xsession=1; session=2", "2"), ("session", None), ("", None),
    ],
)  # fmt: skip
def test_A_22_a_cookie_is_read_by_its_exact_name(header: str, value: str | None) -> None:
    assert read_cookie(header, "session", secure=False) == value


def test_A_32_what_is_imported_is_declared() -> None:
    imported = set()
    for file in (ROOT / "auth" / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    locked = set(re.findall(r"^([a-z_\-]+)==", (ROOT / "locks" / "auth.txt").read_text(), re.MULTILINE))
    assert imported - set(sys.stdlib_module_names) - {"auth", "dotdo"} <= {name.replace("-", "_") for name in locked}


async def test_A_33_health_answers_and_the_record_is_kept(platform: Platform, anonymous: httpx.AsyncClient) -> None:
    assert (await anonymous.get("/auth/health")).json()["status"] == "ok"
    made = await key_of(platform)
    ((actor, action),) = platform.rows("select actor, action from audit_log where target = %s", made["id"])
    assert (actor, action) == ("rpc", "api_key.created")


def test_A_35_what_is_bound_is_a_worker_that_there_is() -> None:
    bound = read_configuration(ROOT / "auth" / "wrangler.jsonc")["services"]
    assert [(row["binding"], row["service"]) for row in bound] == [("DB", "db")]
    assert read_configuration(ROOT / "db" / "wrangler.jsonc")["name"] == "db"
