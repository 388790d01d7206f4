"""The client of WorkOS over a WorkOS that is a fake: what it asks, what it asks again, and what it makes of the answers."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.adapters.workos import Refused, WorkOS
from auth.adapters.workos.answers import translate_refusals
from auth.adapters.workos.models import Organization
from auth.adapters.workos.retries import BUDGET_S, LONGEST_WAIT_S, retry_after_s, wait_s
from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings, FakeClock, FakeHttp
from dotdo.ports import HttpCall, HttpError, HttpReply
from tests.unit.auth.workos_fixtures import DIRECTORIES, USER, listed

TEXTS = {"WORKOS_CLIENT_ID": "client_1", "WORKOS_API_KEY": "sk_1", "WORKOS_API_URL": "https://workos.test/"}
Says = HttpReply | HttpError


class Fake:
    """A WorkOS that says one thing after the other, the last one for ever; `took_s` is how long it takes each time."""

    def __init__(self, *says: Says, took_s: float = 0.0) -> None:
        self._says = list(says)
        self._took_s = took_s
        self.http = FakeHttp(self._answer)
        self.clock = FakeClock()
        self.workos = WorkOS(FakeBindings(dict(TEXTS), http=self.http, clock=self.clock))

    def _answer(self, call: HttpCall) -> HttpReply:
        self.clock.now += min(self._took_s, call.timeout_s)
        says = self._says.pop(0) if len(self._says) > 1 else self._says[0]
        if isinstance(says, HttpError):
            raise says
        return says

    @property
    def calls(self) -> list[HttpCall]:
        return self.http.calls


def ok(body: Any) -> HttpReply:
    return HttpReply(200, {}, json.dumps(body).encode())


AUTHENTICATED = ok({"user": USER, "access_token": "a.b.c", "refresh_token": "r", "organization_id": None})
DOWN, SLOW = HttpError("cut"), HttpError("slow", timed_out=True)


async def test_management_is_asked_with_the_key_and_nothing_of_it_in_addresses() -> None:
    fake = Fake(ok(USER))
    assert (await fake.workos.user_management.get_user("user_1")).email == "fixture@example.com"
    (call,) = fake.calls
    assert (call.method, call.url) == ("GET", "https://workos.test/user_management/users/user_1")
    assert call.headers["authorization"] == "Bearer sk_1"


@pytest.mark.parametrize(
    ("id", "path"),
    [
        ("a/../b", "/organizations/a%2F..%2Fb"),
        ("a?b#c", "/organizations/a%3Fb%23c"),
        ("日", "/organizations/%E6%97%A5"),
    ],
)
async def test_an_id_is_one_part_of_a_path(id: str, path: str) -> None:
    fake = Fake(ok({"id": "org_1", "name": "x"}))
    await fake.workos.organizations.get(id)
    assert fake.calls[0].url == "https://workos.test" + path


@pytest.mark.parametrize("id", ["", ".", ".."])
async def test_what_is_no_part_of_a_path_is_not_asked_for(id: str) -> None:
    fake = Fake(ok({}))
    with pytest.raises(ServiceError) as refused:
        await translate_refusals(fake.workos.organizations.get(id))
    assert (refused.value.code, fake.calls) == ("NOT_FOUND", [])


async def test_each_grant_says_who_asks() -> None:
    fake = Fake(AUTHENTICATED)
    users = fake.workos.user_management
    await users.authenticate_with_code("c", "v")
    await users.authenticate_with_code("c")
    await users.authenticate_with_refresh_token("r", "org_1")
    await users.authenticate_with_organization_selection("p", "org_1")
    us = {"client_id": "client_1", "client_secret": "sk_1"}
    assert [json.loads(str(call.body)) for call in fake.calls] == [
        {**us, "grant_type": "authorization_code", "code": "c", "code_verifier": "v"},
        {**us, "grant_type": "authorization_code", "code": "c"},
        {**us, "grant_type": "refresh_token", "refresh_token": "r", "organization_id": "org_1"},
        {**us, "grant_type": "urn:workos:oauth:grant-type:organization-selection", "pending_authentication_token": "p",
         "organization_id": "org_1"},
    ]  # fmt: skip
    assert {urlsplit(call.url).path for call in fake.calls} == {"/user_management/authenticate"}


async def test_lists_are_asked_for_by_page() -> None:
    fake = Fake(ok(listed(USER)), ok(DIRECTORIES))
    page = await fake.workos.user_management.list_users(email="a+b@example.com", limit=5, after="user_0")
    assert ([each.id for each in page.data], page.list_metadata.after) == (["user_fixture"], "user_fixture")
    assert parse_qs(urlsplit(fake.calls[0].url).query) == {
        "email": ["a+b@example.com"], "limit": ["5"], "after": ["user_0"],
    }  # fmt: skip
    found = await fake.workos.directory_sync.list_directories(limit=1, after=None, organization_id=None)
    assert [each.name for each in found.data] == ["Acme's people"]


def test_addresses_for_browsers_hold_no_secret() -> None:
    workos = Fake(ok({})).workos
    urls = [
        workos.user_management.authorize_url(
            redirect_uri="https://a.test/c?d=e", state="s&t", challenge="ch", login_hint=""
        ),
        workos.user_management.authorize_url(redirect_uri="https://a.test", connection_id="conn_1"),
        workos.sso.authorize_url(redirect_uri="https://a.test", state="s", challenge="ch", organization="org_1"),
        workos.user_management.logout_url("session_1", "https://a.test/?x=1&y"),
    ]
    queries = [{name: value for name, (value,) in parse_qs(urlsplit(url).query).items()} for url in urls]
    assert not [url for url in urls if "sk_1" in url]
    base = {"client_id": "client_1", "response_type": "code"}
    challenge = {"code_challenge": "ch", "code_challenge_method": "S256"}
    assert queries == [
        {**base, **challenge, "redirect_uri": "https://a.test/c?d=e", "state": "s&t", "provider": "authkit"},
        {**base, "redirect_uri": "https://a.test", "connection_id": "conn_1"},
        {**base, **challenge, "redirect_uri": "https://a.test", "state": "s", "organization": "org_1"},
        {"session_id": "session_1", "return_to": "https://a.test/?x=1&y"},
    ]


@pytest.mark.parametrize("passing", [DOWN, SLOW, *(HttpReply(status, {}, b"") for status in (429, 500, 502, 503, 504))])
async def test_reading_is_tried_three_times(passing: Says) -> None:
    fake = Fake(passing, passing, ok(USER))
    await fake.workos.user_management.get_user("user_1")
    assert (len(fake.calls), fake.clock.now) == (3, FakeClock().now + 0.25 + 0.5)
    fake = Fake(passing)
    with pytest.raises(ServiceError) as refused:
        await fake.workos.user_management.get_user("user_1")
    assert (refused.value.code, refused.value.retryable) == ("TIMEOUT" if passing is SLOW else "UNAVAILABLE", True)
    assert len(fake.calls) == 3


@pytest.mark.parametrize("passing", [DOWN, SLOW, HttpReply(500, {}, b""), HttpReply(503, {"retry-after": "1"}, b"")])
async def test_what_may_have_been_done_is_not_done_twice(passing: Says) -> None:
    fake = Fake(passing, AUTHENTICATED)
    with pytest.raises(ServiceError):
        await fake.workos.user_management.authenticate_with_code("c")
    assert len(fake.calls) == 1


async def test_what_was_turned_away_is_done_when_its_time_has_come() -> None:
    fake = Fake(HttpReply(429, {"retry-after": "3"}, b""), AUTHENTICATED)
    await fake.workos.user_management.authenticate_with_code("c")
    assert (len(fake.calls), fake.clock.now - FakeClock().now) == (2, 3)


async def test_who_is_asked_for_too_much_patience_says_so() -> None:
    fake = Fake(HttpReply(429, {"retry-after": "60"}, b""))
    with pytest.raises(ServiceError) as refused:
        await fake.workos.user_management.authenticate_with_code("c")
    assert (refused.value.status, refused.value.headers["retry-after"], len(fake.calls)) == (503, "60", 1)


async def test_all_of_it_takes_no_longer_than_is_there() -> None:
    fake = Fake(SLOW, took_s=3600)
    started = fake.clock.now
    with pytest.raises(ServiceError) as refused:
        await fake.workos.user_management.get_user("user_1")
    assert refused.value.code == "TIMEOUT"
    assert fake.clock.now - started <= BUDGET_S
    assert [round(call.timeout_s, 2) for call in fake.calls] == [10, 9.75]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
@pytest.mark.parametrize(
    ("body", "code"),
    [('{"code": "x_y", "message": "m"}', "x_y"), ('{"error": "invalid_grant"}', "invalid_grant"), ("<html>", ""), ("[]", ""),
     ('{"code": 7}', "")],
)  # fmt: skip
async def test_a_refusal_is_one_and_not_tried_again(status: int, body: str, code: str) -> None:
    fake = Fake(HttpReply(status, {}, body.encode()))
    with pytest.raises(Refused) as refused:
        await fake.workos.user_management.get_user("user_1")
    assert (refused.value.status, refused.value.code, len(fake.calls)) == (status, code, 1)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{", "<html>", '{"id": 1}', '{"id": "u", "email": "a@b.c", "email_verified": "yes"}',
             '{"id": "u", "email": "a\\u0000@b.c"}', '{"id": "", "email": "a@b.c"}', "[" * 100_000],
)  # fmt: skip
async def test_what_cannot_be_read_is_not_believed(text: str) -> None:
    with pytest.raises(ServiceError) as refused:
        await Fake(HttpReply(200, {}, text.encode())).workos.user_management.get_user("user_1")
    assert (refused.value.code, refused.value.status) == ("UPSTREAM_ERROR", 502)


async def test_what_is_new_in_an_answer_is_passed_over() -> None:
    fake = Fake(ok({**USER, "favourite_colour": {"deep": ["blue"]}}))
    assert (await fake.workos.user_management.get_user("user_1")).full_name == "Fix Ture"


@pytest.mark.parametrize("missing", ["WORKOS_CLIENT_ID", "WORKOS_API_KEY"])
async def test_a_missing_secret_is_named(missing: str) -> None:
    fake = Fake(AUTHENTICATED)
    texts = {name: text for name, text in TEXTS.items() if name != missing}
    workos = WorkOS(FakeBindings(texts, http=fake.http))
    with pytest.raises(ServiceError) as refused:
        await workos.user_management.authenticate_with_code("c")
    assert (refused.value.code, missing in refused.value.detail, fake.calls) == ("NOT_CONFIGURED", True, [])


NOW = FakeClock().now


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0), (" 0 ", 0.0), ("Mon, 21 Sep 2026 13:33:30 GMT", 0.0), ("soon", None), ("", None), ("-5", None),
        ("1.5", None), ("99999999999999", None), ("\u0665", None), ("Mon, 99 Sep 2026 13:33:30 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_as_it_is_written(text: str, seconds: float | None) -> None:
    assert retry_after_s(HttpReply(429, {"retry-after": text}, b""), 1_790_000_000.0) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_breaks_anything(text: str) -> None:
    found = retry_after_s(HttpReply(429, {"retry-after": text}, b""), NOW)
    assert found is None or found >= 0


@given(st.integers(0, 10), st.sampled_from([429, 500, 503, 404, 200]), st.text("0123456789", max_size=5), st.booleans())
def test_a_wait_is_short_or_none(attempt: int, status: int, asked: str, repeatable: bool) -> None:
    wait = wait_s(HttpReply(status, {"retry-after": asked}, b""), attempt, repeatable=repeatable, now_s=NOW)
    assert wait is None or (0 <= wait <= LONGEST_WAIT_S and attempt < 2 and status in (429, 500, 503))


@pytest.mark.parametrize(
    ("email", "owns"),
    [
        ("a@acme.example", True), ("a@ACME.example", True), ("a@old.example", True), ("a@open.example", False),
        ("a@acme.example.evil", False), ("a@sub.acme.example", False), ("acme.example", False), ("@acme.example", False),
        ("a@evil@acme.example", False),
        ("a@", False),
    ],
)  # fmt: skip
def test_an_organisation_owns_the_domains_that_are_verified(email: str, owns: bool) -> None:
    domains = [
        {"domain": "Acme.example", "state": "verified"}, {"domain": "old.example", "state": "legacy_verified"},
        {"domain": "open.example", "state": "pending"}, {"domain": "none.example"},
    ]  # fmt: skip
    organization = Organization.model_validate({"id": "org_1", "name": "Acme", "domains": domains})
    assert organization.owns(email) == owns


@pytest.mark.parametrize(("status", "code"), [(404, "NOT_FOUND"), (401, "NOT_CONFIGURED"), (400, "UPSTREAM_ERROR")])
async def test_what_a_refusal_of_us_means(status: int, code: str) -> None:
    fake = Fake(HttpReply(status, {}, b'{"message": "sk_1"}'))
    with pytest.raises(ServiceError) as refused:
        await translate_refusals(fake.workos.organizations.get("org_1"))
    assert refused.value.code == code
    assert "sk_1" not in str(refused.value)
