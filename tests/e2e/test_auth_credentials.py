"""Attacks on credentials, by the way an attacker has: through the gateway, on the real runtime and the real database."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import httpx
import pytest

from auth.domain import api_keys
from auth.domain.access_tokens import secret_id
from dotdo import jws
from tests.e2e.credentials import audited, bearer, key_of, session_of
from tests.e2e.platform import DATA, Platform, problem

PROTECTED = "/db/things/demo/welcome"


def secret_of(name: str = "JWT_SECRET") -> bytes:
    value: str = json.loads((DATA / "secrets.json").read_text())[name]
    return value.encode()


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(token: str) -> list[dict[str, Any]]:
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


def forged(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """A token with this header and these claims and a correct HMAC by this secret."""
    signed = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


async def refused(client: httpx.AsyncClient, credential: str, code: str) -> None:
    answer = await client.get(PROTECTED, headers=bearer(credential))
    problem(answer, 401, code)
    assert credential not in answer.text
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_key_that_is_none(anonymous: httpx.AsyncClient) -> None:
    key = api_keys.generate("test")
    await refused(anonymous, key, "NOT_FOUND")
    await refused(anonymous, key[:-1] + ("0" if key[-1] != "0" else "1"), "MALFORMED")
    await refused(anonymous, key.replace("sk_test_", "sk_live_"), "MALFORMED")
    await refused(anonymous, "sk_test_' or true --", "MALFORMED")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("revoked_at = now()", "REVOKED"),
        ("expires_at = now()", "EXPIRED"),
        ("revoked_at = now(), expires_at = now()", "REVOKED"),
    ],
)
async def test_a_key_that_was_one(platform: Platform, anonymous: httpx.AsyncClient, change: str, code: str) -> None:
    made = await key_of(platform)
    platform.rows(f"update api_keys set {change} where id = %s returning id", made["id"])
    await refused(anonymous, made["key"], code)


HEADERS: dict[str, dict[str, Any]] = {
    "no algorithm": {"alg": "none"}, "another hash": {"alg": "HS512"}, "a public key's": {"alg": "RS256"},
    "Ed25519": {"alg": "EdDSA"}, "an id token's type": {"typ": "JWT"}, "no type": {"typ": ""}, "another key": {"kid": "x"},
    "a path as key": {"kid": "../../dev/null"}, "a key of its own": {"kid": None, "jwk": {"kty": "oct", "k": "AA"}},
    "a critical extension": {"crit": ["b64"], "b64": False},
}  # fmt: skip
CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "the gateway's issuer": ({"iss": "dotdo-gateway"}, "NOT_FOUND"),
    "another audience": ({"aud": "db"}, "NOT_FOUND"),
    "the end past": ({"exp": 1_700_000_000}, "EXPIRED"),
    "not yet": ({"iat": 9_999_999_000, "exp": 9_999_999_999}, "NOT_FOUND"),
    "no end": ({"exp": None}, "MALFORMED"),
    "another user": ({"sub": "usr_admin"}, "REVOKED"),
    "no such session": ({"sid": "none"}, "REVOKED"),
}


@pytest.mark.parametrize("fault", HEADERS)
async def test_a_header_that_lies(platform: Platform, anonymous: httpx.AsyncClient, fault: str) -> None:
    """Signed with the real secret: nothing but the header is wrong."""
    header, claims = decoded((await session_of(platform))["token"])
    assert (await anonymous.get(PROTECTED, headers=bearer(forged(header, claims, secret_of())))).status_code == 200
    await refused(anonymous, forged({**header, **HEADERS[fault]}, claims, secret_of()), "NOT_FOUND")


@pytest.mark.parametrize("fault", CLAIMS)
async def test_claims_that_lie(platform: Platform, anonymous: httpx.AsyncClient, fault: str) -> None:
    header, claims = decoded((await session_of(platform))["token"])
    changes, code = CLAIMS[fault]
    await refused(anonymous, forged(header, {**claims, **changes}, secret_of()), code)


async def test_more_rights_in_a_token_are_no_rights(platform: Platform, anonymous: httpx.AsyncClient) -> None:
    header, claims = decoded((await session_of(platform, "usr_viewer"))["token"])
    token = forged(header, {**claims, "role": "admin", "permissions": ["*"]}, secret_of())
    problem(await anonymous.get("/auth/users", headers=bearer(token)), 403, "FORBIDDEN")


async def test_no_other_token_of_ours_is_an_access_token(platform: Platform, anonymous: httpx.AsyncClient) -> None:
    made = await session_of(platform)
    header, claims = decoded(made["token"])
    await refused(anonymous, made["refreshToken"], "MALFORMED")
    for secret in ("JWT_REFRESH_SECRET", "INTERNAL_SECRET"):
        await refused(anonymous, forged(header, claims, secret_of(secret)), "NOT_FOUND")
    now = int(time.time())
    internal = {"iss": "dotdo-gateway", "aud": "auth", "iat": now, "exp": now + 60, "sub": "usr_admin", "sid": "s"}
    await refused(anonymous, jws.sign(internal, secret_of("INTERNAL_SECRET"), "dotdo-identity+jwt"), "NOT_FOUND")
    assert header["kid"] == secret_id(secret_of())


async def test_a_stolen_refresh_token_ends_the_session_for_both(
    platform: Platform, anonymous: httpx.AsyncClient
) -> None:
    made = await session_of(platform)
    body = {"refresh_token": made["refreshToken"]}
    owner = (await anonymous.post("/auth/refresh", json=body)).json()
    again = (await anonymous.post("/auth/refresh", json={"refresh_token": owner["refresh_token"]})).json()
    problem(await anonymous.post("/auth/refresh", json=body), 401, "REFRESH_REUSED")
    await refused(anonymous, again["token"], "REVOKED")
    assert audited(platform, made["session"]["id"])[-1] == "session.refresh_reused"


CHANGES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "/auth/apikeys", {"name": "x", "environment": "test"}),
    ("DELETE", "/auth/sessions", None),
    ("DELETE", "/auth/sessions/any", None),
    ("DELETE", "/auth/apikeys/any", None),
    ("POST", "/auth/apikeys/any/rotate", {}),
    ("POST", "/auth/refresh", {}),
    ("POST", "/auth/logout", None),
    ("PATCH", "/auth/users/usr_user", {"role": "viewer"}),
    ("POST", "/auth/permissions", {"user_id": "usr_user", "resource": "a", "action": "b"}),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
async def test_another_site_changes_nothing_by_a_browsers_cookie(
    platform: Platform, method: str, path: str, body: Any
) -> None:
    made = await session_of(platform, "usr_admin")
    cookie = {"cookie": f"session={made['token']}; refresh={made['refreshToken']}"}
    async with platform.client() as browser:
        for sent in ({}, {"origin": "https://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "same-site"}):
            problem(await browser.request(method, path, json=body, headers={**cookie, **sent}), 403, "CSRF")
        assert (await browser.get("/auth/session", headers=cookie)).status_code == 200
        same = {**cookie, "origin": platform.gateway_url}
        assert (await browser.request(method, path, json=body, headers=same)).status_code in (200, 201, 204, 404)
    platform.rows("delete from permissions where user_id = 'usr_user' returning id")
    platform.rows("update users set role = 'user' where id = 'usr_user' returning id")


@pytest.mark.parametrize("method_path", ["POST /auth/refresh", "POST /auth/logout", "DELETE /auth/sessions"])
async def test_no_authorization_of_another_origin_makes_its_browsers_cookie_count(
    platform: Platform, method_path: str
) -> None:
    """A page beside ours, which CORS lets send an Authorization: the browser adds our cookies."""
    method, path = method_path.split()
    made = await session_of(platform, "usr_user")
    cookie = {"cookie": f"session={made['token']}; refresh={made['refreshToken']}"}
    beside = {**cookie, "origin": "https://beside.apis.do", "sec-fetch-site": "same-site"}
    body: dict[str, str] | None = {} if path.endswith("refresh") else None
    async with platform.client() as browser:
        for key in ("x", platform.keys["viewer"]):
            answer = await browser.request(
                method, path, json=body, headers={**beside, "authorization": f"Bearer {key}"}
            )
            assert answer.json()["code"] in ("CSRF", "UNAUTHENTICATED"), answer.text
            assert "set-cookie" not in answer.headers
        assert answer.json()["code"] == "CSRF"
        assert (await browser.get("/auth/session", headers=cookie)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {}, {"name": ""}, {"name": 7}, {"name": "x", "environment": "prod"}, {"name": "x", "expires_in_days": 0},
        {"name": "x", "expires_in_days": -1}, {"name": "x", "expires_in_days": "7"}, {"name": "x", "scopes": "things:read"},
        {"name": "x", "scopes": ["things"]}, {"name": "x", "scopes": ["things:read "]}, {"name": "x", "scopes": ["*:*"]},
        {"name": "x", "user_id": "usr_admin"}, {"name": "x", "scopes": ["a:b"] * 101}, {"name": "a\u0000b"},
    ],
)  # fmt: skip
async def test_a_key_that_is_asked_for_wrongly_is_not_made(user: httpx.AsyncClient, body: dict[str, Any]) -> None:
    problem(await user.post("/auth/apikeys", json=body), 400, "INVALID_ARGUMENT")
