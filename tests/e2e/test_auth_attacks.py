"""Attacks on sign-ins and on what answers give away, on the real runtime."""

import asyncio
import json
import random
import time
from collections.abc import Sequence

import httpx

from auth.domain import api_keys
from tests.e2e.credentials import key_of, session_of
from tests.e2e.platform import DATA, Platform
from tests.e2e.test_auth import sign_in

SAMPLES = 60


async def new_at_workos(email: str) -> None:
    url = json.loads((DATA / "dev.json").read_text())["workos_url"]
    async with httpx.AsyncClient() as workos:
        made = await workos.post(
            f"{url}/user_management/users", json={"email": email, "email_verified": True},
            headers={"authorization": "Bearer sk_test_default"},
        )  # fmt: skip
    assert made.status_code == 201, made.text


async def test_two_sign_ins_at_once_of_a_new_user_make_one_account(platform: Platform) -> None:
    email = "twice@example.com"
    await new_at_workos(email)
    browsers = [platform.client() for _ in range(4)]
    try:
        landed = await asyncio.gather(*(sign_in(browser, email) for browser in browsers))
    finally:
        await asyncio.gather(*(browser.aclose() for browser in browsers))
    assert [answer.status_code for answer in landed] == [200] * 4, [answer.text for answer in landed]
    assert len({answer.json()["id"] for answer in landed}) == 4, "each has a session of its own"
    accounts = {answer.json()["user"]["id"] for answer in landed}
    rows = platform.rows("select id, role, name from users where lower(email) = %s", email)
    assert [(id, role) for id, role, _ in rows] == [(accounts.pop(), "user")]
    assert accounts == set()


async def test_a_planted_session_is_not_signed_in_to(platform: Platform) -> None:
    """Fixation: an attacker's own cookies in the victim's browser, before the victim signs in."""
    planted = await session_of(platform, "usr_user")
    async with platform.client() as victim:
        victim.cookies.set("session", planted["token"], path="/")
        victim.cookies.set("refresh", planted["refreshToken"], path="/auth")
        # A jar of httpx keeps what it is given for any host apart from what a host sets: the server's answer decides.
        landed = await sign_in(victim, return_to="/health")
        (callback,) = [step for step in landed.history if step.url.path == "/auth/callback"]
    given = dict(cookie.partition(";")[0].split("=", 1) for cookie in callback.headers.get_list("set-cookie"))
    assert given["session"] not in ("", planted["token"])
    assert given["refresh"] not in ("", planted["refreshToken"])
    after = await platform.result("AUTH", "verify", given["session"])
    assert (after["userId"], after["sessionId"] == planted["session"]["id"]) == ("usr_viewer", False)
    before = await platform.result("AUTH", "verify", planted["token"])
    assert (before["userId"], before["sessionId"]) == ("usr_user", planted["session"]["id"])


def slower(ones: Sequence[float], others: Sequence[float]) -> float:
    """How probable it is that one of the first takes longer than one of the others (Mann-Whitney U / n²); 0.5: no telling."""
    return sum((one > other) + 0.5 * (one == other) for one in ones for other in others) / (len(ones) * len(others))


async def test_time_does_not_tell_a_known_key_from_an_unknown_one(platform: Platform) -> None:
    """Interleaved at random, so that whatever else the machine does meets all alike. ±0.25 is five standard deviations."""
    platform.rows("insert into users (id, email) values ('usr_timed', 'timed@example.com') returning id")
    revoked, expired = await key_of(platform), await key_of(platform)
    disabled = await key_of(platform, "usr_timed")
    platform.rows("update api_keys set revoked_at = now() where id = %s returning id", revoked["id"])
    platform.rows("update api_keys set expires_at = now() where id = %s returning id", expired["id"])
    platform.rows("update users set disabled_at = now() where id = 'usr_timed' returning id")
    unknown = api_keys.generate("test")
    keys = {
        "NOT_FOUND": unknown, "REVOKED": revoked["key"], "EXPIRED": expired["key"], "DISABLED": disabled["key"],
        "MALFORMED": unknown[:-1] + "_",
    }  # fmt: skip
    order = list(keys) * SAMPLES
    random.Random(7).shuffle(order)
    took: dict[str, list[float]] = {code: [] for code in keys}
    async with httpx.AsyncClient(timeout=60) as client:
        for code in order:
            told = json.dumps({"binding": "AUTH", "method": "verify", "args": [keys[code]]})
            started = time.perf_counter()
            answer = await client.post(platform.caller_url, content=told)
            took[code].append(time.perf_counter() - started)
            assert answer.json()["ok"]["code"] == code
    for code in ("REVOKED", "EXPIRED", "DISABLED"):
        assert 0.25 < slower(took[code], took["NOT_FOUND"]) < 0.75, code
    assert slower(took["MALFORMED"], took["NOT_FOUND"]) < 0.4, "the measure sees a difference where there is one"
