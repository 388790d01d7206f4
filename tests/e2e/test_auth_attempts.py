"""The limits before every way in, as production has them, on the real runtime: by the address that the gateway vouches for."""

import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from auth.domain import refresh_tokens
from dotdo.identity import IDENTITY_HEADER, Identity, sign_identity
from scripts.stack.process import LOOPBACK
from tests.e2e.credentials import session_of
from tests.e2e.gateways import hasty
from tests.e2e.platform import DATA, Platform, problem
from tests.e2e.test_auth import sign_in

QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"


@pytest.fixture
async def strict(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an auth with production's limits, with nothing between."""
    async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{platform.proxies.auth}", timeout=60) as client:
        yield client


def vouched(address: str) -> dict[str, str]:
    """What the gateway sends for an anonymous client at this address."""
    secret = json.loads((DATA / "secrets.json").read_text())["INTERNAL_SECRET"].encode()
    identity = Identity("anonymous", address=address)
    return {IDENTITY_HEADER: sign_identity(identity, audience="auth", request_id="r", secret=secret, now_s=time.time())}


@pytest.mark.parametrize("address", ["", "203.0.113.9", "2001:db8:1:2:3:4:5:6"])
async def test_the_gateway_vouches_for_the_address(platform: Platform, address: str) -> None:
    headers = (
        {"cf-connecting-ip": address} if address else {"x-forwarded-for": "203.0.113.9", "x-real-ip": "203.0.113.9"}
    )
    async with hasty(platform, "admin") as client:
        told = (await client.get("/fn/x", headers=headers)).json()["headers"]["x-dotdo-identity"]
    claims = json.loads(base64.urlsafe_b64decode(told.split(".")[1] + "=="))
    assert claims["ip"] == address


async def test_ten_sign_ins_a_minute_of_an_address_whatever_its_headers_say(strict: httpx.AsyncClient) -> None:
    answers = [
        await strict.get("/login", headers={**vouched("203.0.113.10"), "cf-connecting-ip": f"198.51.100.{n}"})
        for n in range(12)
    ]
    assert [answer.status_code for answer in answers] == [302] * 10 + [429] * 2
    refused = problem(answers[-1], 429, "RATE_LIMITED")
    assert (refused["type"], refused["violated-policies"]) == (QUOTA_EXCEEDED, ["login"])
    # Ten at the very start of a minute leave room for one more only six seconds into the next.
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 66
    assert (await strict.get("/login", headers=vouched("203.0.113.11"))).status_code == 302


async def test_an_identity_of_ones_own_making_is_no_address(strict: httpx.AsyncClient) -> None:
    forged = sign_identity(
        Identity("anonymous", address="203.0.113.12"), audience="auth", request_id="r", secret=b"x" * 32,
        now_s=time.time(),
    )  # fmt: skip
    problem(await strict.get("/login", headers={IDENTITY_HEADER: forged}), 401, "UNAUTHENTICATED")


async def barred(attempt: Callable[[], Awaitable[httpx.Response]], refusal: int) -> dict[str, Any]:
    """The problem that comes in place of a refusal, once they have been many enough for a slow machine to come too early."""
    for _ in range(8):
        answer = await attempt()
        if answer.status_code == 429:
            body = problem(answer, 429, "LOCKED_OUT")
            assert body["type"] == QUOTA_EXCEEDED
            assert int(answer.headers["retry-after"]) >= 1
            return body
        assert answer.status_code == refusal, answer.text
    raise AssertionError("never barred")


async def test_a_refused_sign_in_is_recorded_and_the_next_waits(platform: Platform, strict: httpx.AsyncClient) -> None:
    here = vouched("203.0.113.13")

    async def guess() -> httpx.Response:
        begun = await strict.get("/login", headers=here)
        if begun.status_code != 302:
            return begun
        state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
        headers = {**here, "cookie": begun.headers["set-cookie"].partition(";")[0], "x-request-id": "req-refused"}
        return await strict.get("/callback", params={"code": "guessed", "state": state}, headers=headers)

    problem(await guess(), 400, "LOGIN_FAILED")
    assert (await barred(guess, 400))["violated-policies"] == ["sign-in-failures"]
    assert (await strict.get("/login", headers=vouched("203.0.113.14"))).status_code == 302
    sql = "select distinct actor, action, ip_address, details->>'code' from audit_log where request_id = %s"
    assert platform.rows(sql, "req-refused") == [("anonymous", "login.refused", "203.0.113.13", "LOGIN_FAILED")]


async def test_an_old_refresh_token_keeps_guessers_waiting_and_its_owner_signs_in(
    platform: Platform, strict: httpx.AsyncClient
) -> None:
    platform.rows("insert into users (id, email) values ('usr_wait', 'wait@example.com') returning id")
    made = await session_of(platform, "usr_wait")
    first = await platform.result("AUTH", "refreshSession", made["refreshToken"])
    await platform.result("AUTH", "refreshSession", first["refreshToken"])
    addresses = (f"203.0.113.{n}" for n in range(20, 30))

    async def present() -> httpx.Response:
        body = {"refresh_token": made["refreshToken"]}
        return await strict.post("/refresh", json=body, headers=vouched(next(addresses)))

    problem(await present(), 401, "REFRESH_REUSED")
    assert (await barred(present, 401))["violated-policies"] == ["refresh-failures"]
    assert (await strict.get("/login", headers=vouched(next(addresses)))).status_code == 302


async def test_guesses_of_refresh_tokens_cost_time(strict: httpx.AsyncClient) -> None:
    async def guess(address: str = "203.0.113.30") -> httpx.Response:
        body = {"refresh_token": refresh_tokens.generate()}
        return await strict.post("/refresh", json=body, headers=vouched(address))

    problem(await guess(), 401, "NOT_FOUND")
    await barred(guess, 401)
    problem(await guess("203.0.113.31"), 401, "NOT_FOUND")


async def test_a_session_keeps_the_address_that_was_vouched_for(platform: Platform) -> None:
    async with platform.client() as browser:
        browser.headers.update({"cf-connecting-ip": "203.0.113.41", "x-forwarded-for": "203.0.113.40"})
        landed = await sign_in(browser)
    rows = platform.rows("select ip_address from sessions where id = %s", landed.json()["id"])
    assert rows == [("203.0.113.41",)]
