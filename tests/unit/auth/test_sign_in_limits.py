"""The limits before every way in: by address and by account, and what a failure leads to."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from auth.domain import refresh_tokens
from auth.domain.sign_in_limits import CALLBACK, LIMITS, REFRESH, SignInLimits
from dotdo.errors import ServiceError
from dotdo.fakes import Deferred, FakeBindings, FakeClock, FakeKv
from dotdo.http import HttpRequest, HttpResponse
from dotdo.identity import IDENTITY_HEADER, Identity, sign_identity
from dotdo.log import Logger
from dotdo.ports import HttpReply, Kv
from tests.unit.auth.workos_fixtures import PROFILE

HERE = Identity("anonymous", address="203.0.113.7")
THERE = Identity("anonymous", address="203.0.113.8")
NOWHERE = Identity("anonymous")
TOKEN = refresh_tokens.generate()


def code_of(response: HttpResponse) -> str:
    return str(json.loads(response.body)["code"])


def wait_of(response: HttpResponse) -> int:
    return int(dict(response.headers)["retry-after"])


async def statuses(browser: Any, path: str, times: int, identity: Identity | None = HERE) -> list[int]:
    return [(await browser.get(path, identity)).status for _ in range(times)]


@pytest.mark.parametrize("identity", [HERE, NOWHERE, None], ids=["known", "unknown", "not through the gateway"])
@pytest.mark.parametrize(("path", "within"), [("/login", 302), ("/callback?code=c&state=s", 400)])
async def test_ten_a_minute_of_an_address(browser: Any, path: str, within: int, identity: Identity | None) -> None:
    browser.bindings.texts["LOCKOUT_MAX_S"] = "0"
    assert await statuses(browser, path, 12, identity) == [within] * 10 + [429] * 2
    assert await statuses(browser, path, 1, THERE) == [within]
    browser.bindings.clock.now += 120
    assert await statuses(browser, path, 1, identity) == [within]


async def test_a_refusal_is_the_gateways(browser: Any) -> None:
    await statuses(browser, "/login", 10)
    response = await browser.get("/login", HERE)
    assert (response.status, code_of(response)) == (429, "RATE_LIMITED")
    body = json.loads(response.body)
    assert body["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert body["violated-policies"] == ["login"]
    assert 1 <= wait_of(response) <= 60
    assert browser.tables.statements == []


async def test_an_address_is_believed_from_the_gateway_alone(browser: Any) -> None:
    """Another address in each header: all of them are one client's."""
    spoofed = ["cf-connecting-ip", "x-forwarded-for", "x-real-ip", "true-client-ip", "forwarded"]
    answers = [
        (await browser.get("/login", HERE, **dict.fromkeys(spoofed, f"198.51.100.{n}"))).status for n in range(11)
    ]
    assert answers == [302] * 10 + [429]


async def test_a_network_of_ipv6_is_one_address(browser: Any) -> None:
    answers = [
        (await browser.get("/login", Identity("anonymous", address=f"2001:db8::{n:x}"))).status for n in range(11)
    ]
    assert answers == [302] * 10 + [429]
    other = Identity("anonymous", address="2001:db8:0:1::1")
    assert (await browser.get("/login", other)).status == 302


async def test_nobody_is_kept_out_by_a_hint_of_his_address(browser: Any) -> None:
    for n in range(30):
        await browser.get("/login?login_hint=ann@example.test", Identity("anonymous", address=f"198.51.100.{n}"))
    assert (await browser.get("/login?login_hint=ann@example.test", HERE)).status == 302


async def fail(browser: Any, identity: Identity = HERE) -> HttpResponse:
    """A sign-in that WorkOS refuses."""
    browser.workos_says = HttpReply(400, {}, '{"error": "invalid_grant"}')
    state = await begin(browser)
    response: HttpResponse = await browser.get(f"/callback?code=c&state={state}", identity)
    return response


async def begin(browser: Any) -> str:
    """From an address of its own, so that beginning is never what is limited."""
    browser.began = getattr(browser, "began", 0) + 1
    other = Identity("anonymous", address=f"2001:db8:{browser.began:x}::1")
    response = await browser.get("/login", other)
    location = dict(response.headers)["location"]
    return str(location.split("state=")[1].split("&")[0])


async def test_failures_double_the_wait_of_an_address(browser: Any) -> None:
    browser.bindings.texts["ATTEMPT_LIMITS"] = "callback=1000 login=1000"
    waits = []
    for _ in range(12):
        assert code_of(await fail(browser)) == "LOGIN_FAILED"
        refused = await browser.get("/callback?code=c&state=s", HERE)
        assert (refused.status, code_of(refused)) == (429, "LOCKED_OUT")
        assert json.loads(refused.body)["violated-policies"] == ["sign-in-failures"]
        assert (await browser.get("/login", HERE)).status == 429, "who is barred need not begin"
        waits.append(wait_of(refused))
        browser.bindings.clock.now += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert (await browser.get("/login", HERE)).status == 302
    assert (await browser.get("/login", THERE)).status == 302


async def test_one_without_an_address_bars_nobody(browser: Any) -> None:
    for _ in range(5):
        assert code_of(await fail(browser, NOWHERE)) == "LOGIN_FAILED"
    assert (await browser.get("/login", NOWHERE)).status == 302


async def test_what_another_site_has_a_browser_load_bars_nobody(browser: Any) -> None:
    """It comes without the cookie of a sign-in that was begun."""
    for _ in range(5):
        assert code_of(await browser.get("/callback?code=c&state=s", HERE)) == "LOGIN_FAILED"
    assert (await browser.get("/login", HERE)).status == 302


@pytest.mark.parametrize(
    "reply", [HttpReply(500, {}, ""), HttpReply(429, {}, ""), HttpReply(200, {}, "[]")], ids=["down", "busy", "broken"]
)
async def test_a_fault_of_workos_is_no_failure_of_the_person(browser: Any, reply: HttpReply) -> None:
    state = await begin(browser)
    browser.workos_says = reply
    assert (await browser.get(f"/callback?code=c&state={state}", HERE)).status in (502, 503)
    assert (await browser.get("/login", HERE)).status == 302


async def test_a_refused_sign_in_is_on_record_without_its_code(browser: Any) -> None:
    state = await begin(browser)
    browser.workos_says = HttpReply(400, {}, "{}")
    header = _identity_header(browser, HERE)
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    request = HttpRequest("GET", "/callback", f"code=sesame&state={state}", {"cookie": cookie, IDENTITY_HEADER: header})
    later, statements = Deferred(), browser.tables.statements
    browser.tables._answer = lambda sql, params: ([], 1)
    await browser.service.fetch(request, later)
    before = len(statements)
    await later.run()
    ((sql, params),) = statements[before:]
    assert "insert into audit_log" in sql
    assert (params[0], params[1], params[3]) == ("anonymous", "203.0.113.7", "login.refused")
    assert json.loads(params[5]) == {"code": "LOGIN_FAILED"}
    assert "sesame" not in repr(statements)


@pytest.mark.parametrize(
    ("reply", "recorded"),
    [
        (HttpReply(400, {}, "{}"), ["LOGIN_FAILED"]),
        (HttpReply(403, {}, '{"code": "email_verification_required"}'), ["EMAIL_NOT_VERIFIED"]),
        (HttpReply(503, {}, ""), []),
        (HttpReply(200, {}, "[]"), []),
    ],
    ids=["refused", "not verified", "down", "broken"],
)
async def test_refusals_are_on_record_and_faults_are_not(browser: Any, reply: HttpReply, recorded: list[str]) -> None:
    state = await begin(browser)
    browser.workos_says = reply
    assert await refusals_on_record(browser, f"/callback?code=c&state={state}") == recorded


async def test_a_refused_refresh_is_not_on_record(browser: Any) -> None:
    """Else anybody could fill the table; what ends a session is recorded with its end."""
    browser.tables._answer = lambda sql, params: ([], 1)
    assert await refusals_on_record(browser, "/refresh", b'{"refresh_token": "x"}') == []


async def refusals_on_record(browser: Any, path: str, body: bytes | None = None) -> list[str]:
    """The codes that are written down after a request, a POST where it has a body, has been refused."""

    async def read() -> bytes:
        return body or b""

    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {"cookie": cookie, IDENTITY_HEADER: _identity_header(browser, HERE), "content-type": "application/json",
               "sec-fetch-site": "same-origin"}  # fmt: skip
    path, _, query = path.partition("?")
    later, before = Deferred(), len(browser.tables.statements)
    request = HttpRequest("GET" if body is None else "POST", path, query, headers, read)
    assert (await browser.service.fetch(request, later)).status >= 400
    await later.run()
    return [
        json.loads(params[5])["code"] for _, params in browser.tables.statements[before:] if "login.refused" in params
    ]


@pytest.mark.parametrize("way", ["login", "sso"])
async def test_a_refusal_that_workos_brings_back_is_one_with_whatever_it_says_of_it(browser: Any, way: str) -> None:
    """RFC 6749 §4.1.2.1, with the address of a page about it, and §4.1.2: what is not known is passed over."""
    path, begun = {"login": ("/callback", "/login"), "sso": ("/sso/callback", "/sso/authorize?connection=conn_1")}[way]
    location = dict((await browser.get(begun, THERE)).headers)["location"]
    state = location.split("state=")[1].split("&")[0]
    said = f"error=access_denied&error_description=No.&error_uri=https%3A%2F%2Fworkos.test%2Fe&surprise=1&state={state}"
    headers = {
        "cookie": f"__Host-{way}={browser.cookies[f'__Host-{way}']}", IDENTITY_HEADER: _identity_header(browser, HERE),
    }  # fmt: skip
    later = Deferred()
    answer = await browser.service.fetch(HttpRequest("GET", path, said, headers), later)
    assert code_of(answer) == "LOGIN_FAILED"
    await later.run()
    assert [params[3:] for _, params in browser.tables.statements] == [
        ["login.refused", "", '{"code": "LOGIN_FAILED"}']
    ]


@pytest.mark.parametrize("cookie", ["", "__Host-login=x", "__Host-login=a.b.c", "__Host-sso={sealed}"])
async def test_a_return_to_nothing_that_was_begun_leaves_no_record(browser: Any, cookie: str) -> None:
    """Else anybody could fill a table that nothing is ever taken out of."""
    state = await begin(browser)
    headers = {
        "cookie": cookie.format(sealed=browser.cookies["__Host-login"]), IDENTITY_HEADER: _identity_header(browser, HERE),
    }  # fmt: skip
    for path in ("/callback", "/sso/callback"):
        later = Deferred()
        answer = await browser.service.fetch(HttpRequest("GET", path, f"code=c&state={state}", headers), later)
        assert code_of(answer) == "LOGIN_FAILED"
        assert later.work == []


def _identity_header(browser: Any, identity: Identity) -> str:
    return sign_identity(
        identity, audience="auth", request_id="r", secret=b"i" * 32, now_s=browser.bindings.clock.now
    )  # fmt: skip


class Refreshing:
    """Answers the statements of refreshing, for one account; `verdict` is what its token is worth."""

    def __init__(self, verdict: str) -> None:
        self.verdict = verdict
        self.known = True
        self.statements: list[str] = []

    def __call__(self, sql: str, params: list[Any]) -> tuple[list[dict[str, Any]], int]:
        self.statements.append(sql)
        if not self.known:
            return [], 0
        row: dict[str, Any] = {
            "verdict": self.verdict, "id": "ses_1", "user_id": "usr_1", "role": "user", "organization_id": None, "grants": [],
        }  # fmt: skip
        return [row], 1


Refresh = Callable[..., Any]


@pytest.fixture
def refresh(browser: Any) -> Refresh:
    async def ask(identity: Identity = HERE, token: str = TOKEN) -> HttpResponse:
        async def body() -> bytes:
            return json.dumps({"refresh_token": token}).encode()

        headers = {IDENTITY_HEADER: _identity_header(browser, identity), "content-type": "application/json"}
        response: HttpResponse = await browser.service.fetch(
            HttpRequest("POST", "/refresh", "", headers, body), Deferred()
        )
        return response

    return ask


def address(n: int) -> Identity:
    return Identity("anonymous", address=f"198.51.{n // 250}.{n % 250}")


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


async def test_a_disabled_account_bars_the_address_it_is_tried_from(browser: Any) -> None:
    browser.tables.account["disabled_at"] = "2026-01-01T00:00:00.000Z"
    state = await begin(browser)
    assert code_of(await browser.get(f"/callback?code=c&state={state}", HERE)) == "DISABLED"
    assert code_of(await browser.get("/login", HERE)) == "LOCKED_OUT"
    assert (await browser.get("/login", THERE)).status == 302


async def test_a_foreign_profile_bars_the_address_it_is_tried_from(browser: Any) -> None:
    profile = {**PROFILE, "organization_id": "org_2"}
    browser.workos_says = HttpReply(200, {}, json.dumps({"profile": profile, "access_token": "t"}))
    location = dict((await browser.get("/sso/authorize?organization=org_1", THERE)).headers)["location"]
    state = location.split("state=")[1].split("&")[0]
    assert code_of(await browser.get(f"/sso/callback?code=c&state={state}", HERE)) == "FOREIGN_PROFILE"
    assert code_of(await browser.get("/login", HERE)) == "LOCKED_OUT"
    assert (await browser.get("/login", THERE)).status == 302


async def test_a_disabled_account_bars_itself(browser: Any) -> None:
    browser.tables.account["disabled_at"] = "2026-01-01T00:00:00.000Z"
    state = await begin(browser)
    assert code_of(await browser.get(f"/callback?code=c&state={state}", HERE)) == "DISABLED"
    browser.tables.account["disabled_at"] = None
    state = await begin(browser)
    refused = await browser.get(f"/callback?code=c&state={state}", THERE)
    assert (refused.status, code_of(refused)) == (429, "LOCKED_OUT")
    assert not any("insert into sessions" in sql for sql, _ in browser.tables.statements)


async def test_ten_sign_ins_a_minute_of_an_account(browser: Any) -> None:
    answers = []
    for n in range(11):
        state = await begin(browser)
        answers.append((await browser.get(f"/callback?code=c&state={state}", address(n))).status)
    assert answers == [303] * 10 + [429]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ATTEMPT_LIMITS", "login=many"),
        ("ATTEMPT_LIMITS", "default=5"),
        ("LOCKOUT_MAX_S", "long"),
        ("LOCKOUT_MAX_S", "-1"),
        ("LOCKOUT_MAX_S", "1.5"),
        ("LOCKOUT_MAX_S", " 5"),
        ("LOCKOUT_MAX_S", "100000"),
        ("LOCKOUT_MAX_S", "\u0663"),
    ],
)
async def test_a_setting_that_cannot_be_read_is_named_and_lets_nobody_in(browser: Any, name: str, value: str) -> None:
    browser.bindings.texts[name] = value
    response = await browser.get("/login", HERE)
    assert (response.status, code_of(response)) == (503, "NOT_CONFIGURED")
    assert name in response.body


def test_the_numbers_are_the_specified_ones() -> None:
    assert LIMITS == {"login": 10, "callback": 10, "refresh": 30}


@pytest.mark.parametrize(
    ("longest", "waits"),
    [("60", [1, 2, 4, 8, 16, 32, 60, 60]), ("1", [1, 1, 1]), ("", [1, 2, 4]), ("99999", [1, 2, 4])],
)
def test_the_longest_lock_out_can_be_set(longest: str, waits: list[int]) -> None:
    one = Isolate({}, FakeClock(), LOCKOUT_MAX_S=longest)
    found = []
    for _ in waits:
        one.limits.address_failed(REFRESH, "203.0.113.7")
        with pytest.raises(ServiceError, match="LOCKED_OUT") as refused:
            one.limits.admit_address(REFRESH, "203.0.113.7")
        found.append(int(refused.value.headers["retry-after"]))
        one.bindings.clock.now += found[-1]
    assert found == waits


def test_there_is_none_where_the_longest_is_nothing() -> None:
    one = Isolate({}, FakeClock(), LOCKOUT_MAX_S="0")
    one.limits.address_failed(REFRESH, "203.0.113.7")
    assert one.refused("203.0.113.7") is None


class Isolate:
    def __init__(self, kvs: dict[str, Kv], clock: FakeClock, **texts: str) -> None:
        self.bindings = FakeBindings({"INTERNAL_SECRET": "i" * 32, **texts}, kvs=kvs, clock=clock)
        self.limits = SignInLimits(self.bindings, Logger("auth"))

    async def tell(self) -> None:
        later = Deferred()
        self.limits.tell(later)
        await later.run()

    def fail(self, address: str, times: int) -> None:
        for _ in range(times):
            self.limits.address_failed(REFRESH, address)
            self.bindings.clock.now += 2**times

    def refused(self, address: str) -> str | None:
        try:
            self.limits.admit_address(REFRESH, address)
        except ServiceError as error:
            return error.code
        return None


@pytest.mark.parametrize("state", ["works", "fails", "is not bound"])
async def test_kv_down_lets_nobody_in_and_locks_nobody_out(state: str) -> None:
    limits, lockouts = FakeKv(), FakeKv()
    limits.fails = lockouts.fails = state == "fails"
    kvs: dict[str, Kv] = {} if state == "is not bound" else {"RATE_LIMIT_KV": limits, "SESSIONS_KV": lockouts}
    one, two = (Isolate(kvs, FakeClock(1_790_000_040.0)) for _ in range(2))
    one.fail("203.0.113.7", 8)
    one.limits.address_failed(REFRESH, "203.0.113.7")
    one.limits.account_failed(CALLBACK, "usr_1")
    assert [one.refused("203.0.113.8") for _ in range(31)] == [None] * 30 + ["RATE_LIMITED"]
    two.bindings.clock.now = one.bindings.clock.now
    two.limits.address_failed(REFRESH, "198.51.100.1")
    await one.tell()
    await two.tell()
    assert one.refused("203.0.113.7") == "LOCKED_OUT"
    assert two.refused("203.0.113.7") == ("LOCKED_OUT" if state == "works" else None)
    assert two.refused("203.0.113.9") is None
    entries = repr([limits.entries, lockouts.entries])
    assert "203.0" not in entries
    assert "usr_1" not in entries


async def told_by(**texts: str) -> tuple[str, str, str, str]:
    """The keys, without the isolate's own part, under which limits and lock-outs are told, and whom they are told of."""
    limits, lockouts = FakeKv(), FakeKv()
    one = Isolate({"RATE_LIMIT_KV": limits, "SESSIONS_KV": lockouts}, FakeClock(1_790_000_040.0), **texts)
    for _ in range(9):
        one.limits.admit_account(CALLBACK, "usr_1")
    one.fail("203.0.113.7", 4)
    one.limits.address_failed(REFRESH, "203.0.113.7")
    await one.tell()
    ((limit_key, limit),), ((lockout_key, lockout),) = limits.entries.items(), lockouts.entries.items()
    prefixes = (key.rpartition("/")[0] for key in (limit_key, lockout_key))
    return *prefixes, *(next(iter(news["d"])) for news in (limit, lockout))


async def test_what_is_told_is_of_one_environment_and_under_digests_of_one_secret() -> None:
    """Deployments share a namespace; and without the secret nobody can look up who is meant."""
    staging = await told_by(ENVIRONMENT="staging", INTERNAL_SECRET="a" * 32)
    assert staging[:2] == ("rl1/staging", "lo1/staging")
    assert await told_by(ENVIRONMENT="staging", INTERNAL_SECRET="a" * 32) == staging
    production = await told_by(INTERNAL_SECRET="b" * 32)
    assert production[:2] == ("rl1/production", "lo1/production"), "what is not said is production"
    assert {*staging[2:]}.isdisjoint(production[2:])
