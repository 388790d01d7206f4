"""Sessions and refresh tokens on the real runtime and the real database."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.e2e.credentials import audited, bearer, key_of, session_of
from tests.e2e.platform import Platform, problem
from tests.e2e.workos_events import unique


async def test_a_session_is_opened_seen_and_ended(platform: Platform) -> None:
    made = await session_of(platform)
    session = made["session"]
    assert (session["device"], session["ipAddress"], session["userAgent"]) == ("laptop", "203.0.113.9", "tests/1")
    seen = await platform.result("AUTH", "getSession", session["id"])
    assert seen == session
    assert session["id"] in [row["id"] for row in await platform.result("AUTH", "listSessions", "usr_user")]
    validation = await platform.result("AUTH", "validateToken", made["token"])
    assert (validation["valid"], validation["user"]["id"], validation["session"]["id"]) == (
        True, "usr_user", session["id"],
    )  # fmt: skip
    assert await platform.result("AUTH", "revokeSession", session["id"]) is True
    assert await platform.result("AUTH", "revokeSession", session["id"]) is False
    assert await platform.result("AUTH", "getSession", session["id"]) is None
    assert (await platform.result("AUTH", "validateSession", made["token"]))["error"] == "REVOKED"
    answer = await platform.call("AUTH", "refreshSession", made["refreshToken"])
    assert "REVOKED" in answer["error"]["message"]
    assert audited(platform, session["id"]) == ["session.created", "session.revoked"]


async def test_no_token_is_stored_or_comes_back_from_a_read(platform: Platform) -> None:
    made = await session_of(platform)
    stored = repr(platform.rows("select s::text, t::text from sessions s join refresh_tokens t on t.session_id = s.id"))
    reads = [
        await platform.result("AUTH", "getSession", made["session"]["id"]),
        await platform.result("AUTH", "listSessions", "usr_user"),
        await platform.result("AUTH", "validateToken", made["token"]),
    ]
    for clear in (made["token"], made["refreshToken"]):
        assert clear not in stored
        assert clear not in json.dumps(reads)
        assert clear not in platform.log.read_text()


async def test_a_refresh_token_used_again_ends_the_session(platform: Platform) -> None:
    made = await session_of(platform)
    first = await platform.result("AUTH", "refreshSession", made["refreshToken"])
    second = await platform.result("AUTH", "refreshSession", first["refreshToken"])
    answer = await platform.call("AUTH", "refreshSession", made["refreshToken"])
    assert "REFRESH_REUSED" in answer["error"]["message"]
    for stolen in (first, second):
        answer = await platform.call("AUTH", "refreshSession", stolen["refreshToken"])
        assert "REVOKED" in answer["error"]["message"]
    assert (await platform.result("AUTH", "verify", second["token"]))["code"] == "REVOKED"
    assert audited(platform, made["session"]["id"]) == ["session.created", "session.refresh_reused"]


async def test_the_predecessor_gets_the_same_successor_for_ten_seconds(platform: Platform) -> None:
    made = await session_of(platform)
    answers = await asyncio.gather(*(platform.result("AUTH", "refreshSession", made["refreshToken"]) for _ in range(8)))
    assert len({answer["refreshToken"] for answer in answers}) == 1
    session_id = made["session"]["id"]
    assert platform.rows("select count(*) from refresh_tokens where session_id = %s", session_id) == [(2,)]
    platform.rows(
        "update sessions set refreshed_at = now() - interval '11 seconds' where id = %s returning id", session_id
    )
    answer = await platform.call("AUTH", "refreshSession", made["refreshToken"])
    assert "REFRESH_REUSED" in answer["error"]["message"]


async def test_a_session_slides_by_a_week_and_ends_after_ninety_days(platform: Platform) -> None:
    made = await session_of(platform)
    session_id = made["session"]["id"]
    sql = "select round(extract(epoch from expires_at - now()) / 3600) from sessions where id = %s"
    assert platform.rows(sql, session_id) == [(7 * 24,)]
    platform.rows(
        "update sessions set created_at = now() - interval '89 days', expires_at = now() + interval '1 hour'"
        " where id = %s returning id",
        session_id,
    )
    tokens = await platform.result("AUTH", "refreshSession", made["refreshToken"])
    assert platform.rows(sql, session_id) == [(24,)]
    last = "select round(extract(epoch from max(expires_at) - now()) / 3600) from refresh_tokens where session_id = %s"
    assert platform.rows(last, session_id) == [(30 * 24,)]  # the first one's; the new one ends with the session
    platform.rows("update sessions set expires_at = now() where id = %s returning id", session_id)
    answer = await platform.call("AUTH", "refreshSession", tokens["refreshToken"])
    assert "EXPIRED" in answer["error"]["message"]
    assert (await platform.result("AUTH", "verify", tokens["token"]))["code"] == "EXPIRED"


@pytest.mark.parametrize(
    ("token", "code"), [("", "MALFORMED"), ("x" * 42, "MALFORMED"), ("x" * 43, "NOT_FOUND"), ("é" * 43, "MALFORMED")]
)
async def test_an_unknown_refresh_token_gets_nothing(platform: Platform, token: str, code: str) -> None:
    answer = await platform.call("AUTH", "refreshSession", token)
    assert code in answer["error"]["message"]


async def test_a_disabled_user_gets_no_new_token(platform: Platform) -> None:
    platform.rows("insert into users (id, email) values ('usr_off', 'off@example.com') returning id")
    made = await session_of(platform, "usr_off")
    key = await key_of(platform, "usr_off")
    platform.rows("update users set disabled_at = now() where id = 'usr_off' returning id")
    answer = await platform.call("AUTH", "refreshSession", made["refreshToken"])
    assert "DISABLED" in answer["error"]["message"]
    for credential in (made["token"], key["key"]):
        assert (await platform.result("AUTH", "verify", credential))["code"] == "DISABLED"
    for method, first in (("createSession", "usr_off"), ("createApiKey", {"userId": "usr_off", "name": "x"})):
        assert "NOT_FOUND" in (await platform.call("AUTH", method, first))["error"]["message"]


async def test_refreshing_over_http(platform: Platform, anonymous: httpx.AsyncClient) -> None:
    made = await session_of(platform)
    answer = await anonymous.post("/auth/refresh", json={"refresh_token": made["refreshToken"]})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 900)
    assert (await anonymous.get("/auth/me", headers=bearer(answer.json()["token"]))).json()["id"] == "usr_user"
    problem(await anonymous.post("/auth/refresh", json={}), 401, "NO_SESSION")
    problem(await anonymous.post("/auth/refresh"), 401, "NO_SESSION")
    problem(await anonymous.post("/auth/refresh", json={"refresh_token": "no.token"}), 401, "MALFORMED")


@pytest.mark.parametrize("body", [{"json": {}}, {}], ids=["{}", "none"])
async def test_refreshing_by_cookie_sets_cookies_and_shows_no_token(platform: Platform, body: dict[str, Any]) -> None:
    made = await session_of(platform)
    async with platform.client() as browser:
        cookie = {"cookie": f"refresh={made['refreshToken']}"}
        problem(await browser.post("/auth/refresh", headers=cookie, **body), 403, "CSRF")
        stale = {"cookie": f"session={made['token'][:-4]}AAAA; {cookie['cookie']}", "sec-fetch-site": "same-origin"}
        answer = await browser.post("/auth/refresh", headers=stale, **body)
    assert (answer.status_code, answer.content) == (204, b"")
    session, refresh = sorted(answer.headers.get_list("set-cookie"), reverse=True)
    assert session.startswith("session=ey")
    assert refresh.startswith("refresh=")
    assert "Path=/auth;" in refresh
    assert all("HttpOnly" in each and "SameSite=Lax" in each for each in (session, refresh))


async def test_a_browser_whose_session_is_over_is_rid_of_its_cookies(platform: Platform) -> None:
    user = unique("usr")
    platform.rows("insert into users (id, email) values (%s, %s) returning id", user, f"{user}@example.com")
    made = await session_of(platform, user)
    await platform.result("AUTH", "revokeSession", made["session"]["id"])
    headers = {"cookie": f"refresh={made['refreshToken']}", "sec-fetch-site": "same-origin"}
    async with platform.client() as browser:
        answer = await browser.post("/auth/refresh", headers=headers)
    problem(answer, 401, "REVOKED")
    taken = [each.split("; ") for each in answer.headers.get_list("set-cookie")]
    assert sorted((name, "Max-Age=0" in rest) for name, *rest in taken) == [("refresh=", True), ("session=", True)]


async def test_sessions_over_http(platform: Platform, anonymous: httpx.AsyncClient) -> None:
    platform.rows("insert into users (id, email, role) values ('usr_s', 's@example.com', 'viewer') returning id")
    here, there, third = [await session_of(platform, "usr_s") for _ in range(3)]
    foreign = await session_of(platform)
    headers = bearer(here["token"])
    listed = (await anonymous.get("/auth/sessions", headers=headers)).json()["data"]
    assert [row["id"] for row in listed] == [each["session"]["id"] for each in (third, there, here)]
    assert [row["current"] for row in listed] == [False, False, True]
    problem(await anonymous.delete(f"/auth/sessions/{foreign['session']['id']}", headers=headers), 404, "NOT_FOUND")
    ended = await anonymous.delete(f"/auth/sessions/{there['session']['id']}", headers=headers)
    assert (ended.status_code, "set-cookie" in ended.headers) == (204, False)
    everywhere = await anonymous.delete("/auth/sessions", headers=headers)
    assert everywhere.json() == {"revoked": 2}
    assert "session=;" in everywhere.headers["set-cookie"]
    assert (await platform.result("AUTH", "verify", here["token"]))["code"] == "REVOKED"
    assert (await platform.result("AUTH", "verify", foreign["token"]))["code"] == "VALID"


@pytest.mark.parametrize("text", ["a\0b", "x" * 2049])
async def test_what_a_session_is_labelled_with_is_text_of_some_length(platform: Platform, text: str) -> None:
    for labels in ((text, None, None), (None, text, None), (None, None, text)):
        answer = await platform.call("AUTH", "createSession", "usr_user", *labels)
        assert "INVALID_ARGUMENT" in answer["error"]["message"]


async def test_a_new_sign_in_never_takes_over_a_session(platform: Platform) -> None:
    """Fixation: nothing that a browser brings along decides which session it gets."""
    made = [await session_of(platform) for _ in range(3)]
    assert len({each["session"]["id"] for each in made} | {each["refreshToken"] for each in made}) == 6


async def test_two_refreshes_of_two_sessions_do_not_meet(platform: Platform) -> None:
    sessions = [await session_of(platform) for _ in range(4)]
    pairs = await asyncio.gather(
        *(platform.result("AUTH", "refreshSession", each["refreshToken"]) for each in sessions)
    )
    for pair, each in zip(pairs, sessions, strict=True):
        assert (await platform.result("AUTH", "verify", pair["token"]))["sessionId"] == each["session"]["id"]


async def test_sessions_come_in_pages_newest_first(platform: Platform) -> None:
    platform.rows("insert into users (id, email) values ('usr_paged', 'paged@example.com') returning id")
    made = [await session_of(platform, "usr_paged") for _ in range(5)]
    mine = bearer(made[0]["token"])
    seen: list[list[tuple[str, bool]]] = []
    cursor = None
    async with platform.client() as client:
        while cursor is not None or not seen:
            query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
            answer = (await client.get("/auth/sessions", params=query, headers=mine)).json()
            seen.append([(row["id"], row["current"]) for row in answer["data"]])
            cursor = answer["page"]["next_cursor"]
        problem(await client.get("/auth/sessions", params={"limit": 0}, headers=mine), 400, "INVALID_ARGUMENT")
    ids = [each["session"]["id"] for each in made][::-1]
    assert [len(page) for page in seen] == [2, 2, 1]
    assert [row for page in seen for row in page] == [(id, id == made[0]["session"]["id"]) for id in ids]
