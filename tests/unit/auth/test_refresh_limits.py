"""The limits before refreshing a session: by address and by account."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from auth.domain import refresh_tokens
from dotdo.fakes import Deferred
from dotdo.http import HttpRequest, HttpResponse
from dotdo.identity import IDENTITY_HEADER, Identity
from tests.unit.auth.limits_fixtures import HERE, THERE, address, code_of, identity_header, wait_of

TOKEN = refresh_tokens.generate()


class Refreshing:
    """Answers the statements of refreshing, for one account; `verdict` is what its token is worth."""

    def __init__(self, verdict: str) -> None:
        self.verdict = verdict
        self.known = True
        self.user = "usr_1"
        self.statements: list[str] = []

    def __call__(self, sql: str, params: list[Any]) -> tuple[list[dict[str, Any]], int]:
        self.statements.append(sql)
        if not self.known:
            return [], 0
        row: dict[str, Any] = {
            "verdict": self.verdict, "id": "ses_1", "user_id": self.user, "role": "user", "organization_id": None, "grants": [],
        }  # fmt: skip
        return [row], 1


Refresh = Callable[..., Any]


@pytest.fixture
def refresh(browser: Any) -> Refresh:
    async def ask(identity: Identity = HERE, token: str = TOKEN) -> HttpResponse:
        async def body() -> bytes:
            return json.dumps({"refresh_token": token}).encode()

        headers = {IDENTITY_HEADER: identity_header(browser, identity), "content-type": "application/json"}
        response: HttpResponse = await browser.service.fetch(
            HttpRequest("POST", "/refresh", "", headers, body), Deferred()
        )
        return response

    return ask


async def test_thirty_refreshes_a_minute_of_an_address(browser: Any, refresh: Refresh) -> None:
    browser.bindings.texts["LOCKOUT_MAX_S"] = "0"
    browser.tables._answer = Refreshing("EXPIRED")
    tokens = [refresh_tokens.generate() for _ in range(32)]
    browser.tables._answer.known = False
    assert [(await refresh(HERE, token)).status for token in tokens] == [401] * 30 + [429] * 2


async def test_thirty_refreshes_a_minute_of_an_account_and_a_refusal_uses_no_token_up(
    browser: Any, refresh: Refresh
) -> None:
    tables = browser.tables._answer = Refreshing("ROTATE")
    answers = [(await refresh(address(n))).status for n in range(31)]
    assert answers == [200] * 30 + [429]
    assert len([sql for sql in tables.statements if "update sessions" in sql]) == 30


@pytest.mark.parametrize("verdict", ["REFRESH_REUSED", "REVOKED"])
async def test_an_old_token_of_an_account_bars_its_refreshes_for_a_while(
    browser: Any, refresh: Refresh, verdict: str
) -> None:
    tables = browser.tables._answer = Refreshing(verdict)
    waits = []
    for n in range(5):
        assert (await refresh(address(n))).status == 401
        refused = await refresh(address(100 + n))
        assert (refused.status, code_of(refused)) == (429, "LOCKED_OUT")
        waits.append(wait_of(refused))
        browser.bindings.clock.now += waits[-1]
    assert waits == [1, 2, 4, 8, 16]
    tables.verdict = "ROTATE"
    assert (await refresh(address(50))).status == 200
    tables.verdict = verdict
    assert (await refresh(address(51))).status == 401
    assert wait_of(await refresh(address(52))) == 1, "the account had got in since"
    assert (await browser.get("/login", HERE)).status == 302, "signing in is another matter"


async def test_a_session_that_has_run_out_bars_no_account(browser: Any, refresh: Refresh) -> None:
    browser.tables._answer = Refreshing("EXPIRED")
    assert [(await refresh(address(n))).status for n in range(5)] == [401] * 5


@pytest.mark.parametrize("verdict", ["EXPIRED", "REVOKED", "DISABLED", "REFRESH_REUSED"])
async def test_a_session_that_is_over_bars_nobody_else_at_its_address(
    browser: Any, refresh: Refresh, verdict: str
) -> None:
    tables = browser.tables._answer = Refreshing(verdict)
    for n in range(5):
        tables.user = f"usr_{n}"
        assert code_of(await refresh(HERE)) == verdict
    tables.user, tables.verdict = "usr_9", "ROTATE"
    assert (await refresh(HERE)).status == 200


@pytest.mark.parametrize("verdict", ["EXPIRED", "REVOKED", "DISABLED", "REFRESH_REUSED"])
async def test_a_browser_whose_session_is_over_is_rid_of_its_cookies(browser: Any, verdict: str) -> None:
    browser.tables._answer = Refreshing(verdict)
    assert [code_of(answer) for answer in await by_cookie(browser, TOKEN)] == [verdict, "NO_SESSION"]
    assert browser.cookies == {}


async def test_what_is_no_token_is_taken_away_too(browser: Any) -> None:
    tables = browser.tables._answer = Refreshing("ROTATE")
    tables.known = False
    assert [code_of(answer) for answer in await by_cookie(browser, TOKEN)] == ["NOT_FOUND", "LOCKED_OUT"]
    assert browser.cookies == {}
    browser.bindings.clock.now += 1
    assert code_of((await by_cookie(browser, "no-token"))[0]) == "MALFORMED"
    assert browser.cookies == {}


async def test_a_refusal_that_may_pass_leaves_a_browser_its_cookies(browser: Any, refresh: Refresh) -> None:
    tables = browser.tables._answer = Refreshing("REVOKED")
    assert code_of(await refresh(THERE)) == "REVOKED"
    tables.verdict = "ROTATE"
    assert [code_of(answer) for answer in await by_cookie(browser, TOKEN)] == ["LOCKED_OUT"] * 2
    assert browser.cookies == {"__Host-session": "old", "__Secure-refresh": TOKEN}


async def test_a_refused_token_of_a_body_takes_no_cookie(browser: Any, refresh: Refresh) -> None:
    browser.tables._answer = Refreshing("EXPIRED")
    assert "set-cookie" not in dict((await refresh(HERE)).headers)


async def by_cookie(browser: Any, token: str) -> list[HttpResponse]:
    """Two refreshes of a browser, one after the other."""
    browser.cookies = {"__Host-session": "old", "__Secure-refresh": token}
    return [await browser.send("POST", "/refresh", HERE, **{"sec-fetch-site": "same-origin"}) for _ in range(2)]


async def test_guesses_of_refresh_tokens_bar_the_address(browser: Any, refresh: Refresh) -> None:
    tables = browser.tables._answer = Refreshing("ROTATE")
    tables.known = False
    assert code_of(await refresh(HERE)) == "NOT_FOUND"
    assert code_of(await refresh(HERE)) == "LOCKED_OUT"
    tables.known = True
    assert (await refresh(THERE)).status == 200
    browser.bindings.clock.now += 1
    assert (await refresh(HERE)).status == 200
    assert code_of(await refresh(HERE, "no token")) == "MALFORMED"
    assert wait_of(await refresh(HERE)) == 2, "getting in as somebody does not wash an address clean"


async def test_asking_without_a_session_is_no_failure(browser: Any, refresh: Refresh) -> None:
    browser.tables._answer = Refreshing("ROTATE")
    assert [code_of(await refresh(HERE, "")) for _ in range(3)] == ["NO_SESSION"] * 3
    assert (await refresh(HERE)).status == 200
