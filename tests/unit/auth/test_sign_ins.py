"""What of WorkOS's answers decides who is let in, where to, and as what; over a WorkOS and a database that are fakes."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dotdo.identity import Identity
from dotdo.ports import HttpError, HttpReply
from tests.unit.auth.conftest import WORKOS_USER, Browser, reply
from tests.unit.auth.workos_fixtures import ORGANIZATION_SELECTION, PROFILE


def code_of(response: Any) -> str:
    return str(json.loads(response.body)["code"])


def upsert_of(browser: Browser) -> list[Any]:
    """What the account was found or made by: id, e-mail, name, verified, organisation, role, as of when."""
    ((_, params),) = [one for one in browser.tables.statements if "insert into users" in one[0]]
    return params[3:]


async def callback(browser: Browser, query: str = "", **headers: str) -> Any:
    response = await browser.get(f"/login{query}")
    state = parse_qs(urlsplit(dict(response.headers)["location"]).query)["state"][0]
    return await browser.get(f"/callback?code=c1&state={state}", None, **headers)


async def test_only_what_is_verified_says_the_organisation_and_the_role(browser: Browser) -> None:
    browser.bindings.texts["ROLE_MAP"] = '{"member": "viewer"}'
    await callback(browser)
    assert upsert_of(browser) == ["user_w1", "ann@example.test", "Ann Lee", True, None, None, None]
    browser.tables.statements.clear()
    browser.workos_says = browser.signs_in(org_id="org_1", role="member")
    await callback(browser)
    assert upsert_of(browser)[4:6] == ["org_1", "viewer"]
    browser.tables.statements.clear()
    browser.workos_says = browser.signs_in(org_id="org_1", role="unheard-of")
    await callback(browser)
    assert upsert_of(browser)[4:6] == ["org_1", None], "a role that means nothing here changes nothing"


async def test_the_session_at_workos_is_remembered(browser: Browser) -> None:
    await callback(browser)
    (opened,) = [params for sql, params in browser.tables.statements if "insert into sessions" in sql]
    assert opened[8] == "session_w1"


async def test_who_signs_in_as_somebody_else_is_recorded_before_there_is_a_session(browser: Browser) -> None:
    await callback(browser)
    assert not [params for _, params in browser.tables.statements if "user.impersonated" in params]
    browser.tables.statements.clear()
    answer = browser.signs_in()
    impersonator = {"email": "eve@workos.test", "reason": None}
    told = {**json.loads(answer.body), "impersonator": impersonator}
    browser.workos_says = replace(answer, body=json.dumps(told).encode())
    await callback(browser)
    found = [(sql, params) for sql, params in browser.tables.statements if "insert into" in sql]
    names = [
        params[3] if "user.impersonated" in params else sql.split("insert into ")[1].split()[0] for sql, params in found
    ]
    assert names.index("user.impersonated") < names.index("sessions")
    ((*_, action, target, details),) = [params for _, params in found if "user.impersonated" in params]
    ((_, _, _, user, *_),) = [params for sql, params in found if "insert into sessions" in sql]
    assert (action, target) == ("user.impersonated", user)
    assert json.loads(details) == {"by": "eve@workos.test", "reason": None}


async def test_a_token_of_another_user_lets_nobody_in(browser: Browser) -> None:
    browser.workos_says = browser.signs_in(sub="user_other")
    response = await callback(browser)
    assert (response.status, code_of(response)) == (502, "UPSTREAM_ERROR")
    assert "__Host-session" not in browser.cookies


async def test_a_choice_that_was_made_before_is_made_again(browser: Browser) -> None:
    browser.workos_says = [reply(ORGANIZATION_SELECTION, 403), browser.signs_in(org_id="org_2")]
    assert (await callback(browser, "?organization=org_2")).status == 303
    asked = [json.loads(str(call.body)) for call in browser.asked]
    assert [each["grant_type"].rpartition(":")[2] for each in asked] == ["authorization_code", "organization-selection"]
    assert (asked[1]["organization_id"], asked[1]["pending_authentication_token"]) == ("org_2", "pending_token_1")
    assert upsert_of(browser)[4] == "org_2"


@pytest.mark.parametrize("query", ["", "?organization=org_3"])
async def test_a_choice_that_is_missing_is_asked_for(browser: Browser, query: str) -> None:
    browser.workos_says = reply(ORGANIZATION_SELECTION, 403)
    response = await callback(browser, query)
    told = json.loads(response.body)
    assert (response.status, told["code"]) == (409, "ORGANIZATION_SELECTION_REQUIRED")
    assert [each["id"] for each in told["organizations"]] == ["org_1", "org_2"]
    assert "pending_token_1" not in response.body
    assert len(browser.asked) == 1


@pytest.mark.parametrize("organizations", [None, [], [{"name": "x"}], "org_1"])
async def test_a_choice_of_nothing_is_none(browser: Browser, organizations: Any) -> None:
    browser.workos_says = reply({**ORGANIZATION_SELECTION, "organizations": organizations}, 403)
    assert code_of(await callback(browser)) in ("LOGIN_FAILED", "UPSTREAM_ERROR")


async def test_a_sign_in_elsewhere_is_led_to_where_it_was_to_go(browser: Browser) -> None:
    browser.workos_says = [browser.signs_in(org_id="org_1"), browser.signs_in(org_id="org_2")]
    assert (await callback(browser, "?organization=org_2")).status == 303
    moved = json.loads(str(browser.asked[1].body))
    assert (moved["grant_type"], moved["refresh_token"], moved["organization_id"]) == ("refresh_token", "wr_1", "org_2")
    assert upsert_of(browser)[4] == "org_2"


async def test_who_is_not_let_into_an_organisation_is_not_signed_in(browser: Browser) -> None:
    browser.workos_says = [browser.signs_in(), reply({"error": "invalid_grant"}, 400)]
    response = await callback(browser, "?organization=org_2")
    assert (response.status, code_of(response)) == (400, "LOGIN_FAILED")
    assert "__Host-session" not in browser.cookies


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("email_verification_required", "EMAIL_NOT_VERIFIED"), ("mfa_enrollment", "MFA_REQUIRED"),
        ("mfa_challenge", "MFA_REQUIRED"), ("sso_required", "SSO_REQUIRED"),
        ("organization_authentication_methods_required", "SSO_REQUIRED"),
    ],
)  # fmt: skip
async def test_what_workos_asks_for_first_is_said(browser: Browser, code: str, ours: str) -> None:
    body = {"code": code, "message": "m", "pending_authentication_token": "pending_token_1", "user": WORKOS_USER}
    browser.workos_says = reply(body, 403)
    response = await callback(browser)
    assert (response.status, code_of(response)) == (403, ours)
    assert "pending_token_1" not in response.body


@pytest.mark.parametrize("names", [{}, {"first_name": None, "last_name": None}, {"first_name": "", "last_name": "  "}])
async def test_a_user_without_a_name_has_none(browser: Browser, names: dict[str, Any]) -> None:
    bare = {name: value for name, value in WORKOS_USER.items() if "name" not in name}
    browser.workos_says = browser.signs_in({**bare, **names})
    await callback(browser)
    assert upsert_of(browser)[2] is None


async def test_an_address_that_is_anothers_is_tried_twice_and_refused(browser: Browser) -> None:
    browser.tables.account = {}
    response = await callback(browser)
    assert (response.status, code_of(response)) == (403, "EMAIL_NOT_VERIFIED")
    assert sum("insert into users" in sql for sql, _ in browser.tables.statements) == 2
    assert "__Host-session" not in browser.cookies


@pytest.mark.parametrize("accept", ["application/json", "text/html, application/json;q=0.5"])
async def test_tokens_as_json_and_not_in_cookies(browser: Browser, accept: str) -> None:
    response = await callback(browser, accept=accept)
    pair = json.loads(response.body)
    assert (response.status, pair["token_type"], pair["session"]["id"]) == (200, "Bearer", "ses_1")
    assert ("cache-control", "no-store") in response.headers
    assert browser.cookies == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"member": "root"}', '{"member": 1}', '"admin"'])
async def test_a_role_map_that_is_none_is_named(browser: Browser, text: str) -> None:
    browser.bindings.texts["ROLE_MAP"] = text
    browser.workos_says = browser.signs_in(org_id="org_1", role="member")
    response = await callback(browser)
    assert (response.status, code_of(response)) == (503, "NOT_CONFIGURED")
    assert "ROLE_MAP" in response.body


# --- signing out ---


async def test_signing_out_clears_cookies_and_says_where_to_go(browser: Browser) -> None:
    await callback(browser)
    identity = Identity("user", "usr_1", "user", session_id="ses_1")
    response = await browser.send("POST", "/logout", identity, b"", **{"sec-fetch-site": "same-origin"})
    assert json.loads(response.body) == {
        "logout_url": "https://api.workos.com/user_management/sessions/logout?session_id=session_w1"
    }
    assert browser.cookies == {}
    (ended,) = [params for sql, params in browser.tables.statements if "select workos_session_id from ended" in sql]
    assert ended[3] == "ses_1"
    assert str(ended[4]).startswith("\\x"), "the refresh token is looked for by its hash"


async def test_signing_out_by_cookie_is_for_this_sites_own_pages(browser: Browser) -> None:
    await callback(browser)
    kept = dict(browser.cookies)
    for headers in ({}, {"origin": "https://evil.test"}, {"sec-fetch-site": "cross-site"}):
        response = await browser.send("POST", "/logout", None, b"", **headers)
        assert (response.status, code_of(response)) == (403, "CSRF")
    assert browser.cookies == kept


async def test_whoever_is_out_already_is_out(browser: Browser) -> None:
    response = await browser.send("POST", "/logout")
    assert (response.status, json.loads(response.body)) == (200, {"logout_url": None})


# --- single sign-on ---

ORGANIZATION = {"id": "org_1", "name": "Acme", "domains": [{"domain": "acme.example", "state": "verified"}]}


async def sso(browser: Browser, query: str, profile: dict[str, Any], *more: HttpReply | HttpError) -> Any:
    answers: list[Any] = [reply({"profile": profile, "access_token": "t"}), reply(ORGANIZATION), *more]
    browser.workos_says = answers
    response = await browser.get(f"/sso/authorize?{query}")
    state = parse_qs(urlsplit(dict(response.headers)["location"]).query)["state"][0]
    return await browser.get(f"/sso/callback?code=c1&state={state}")


async def test_a_provider_vouches_for_its_own(browser: Browser) -> None:
    browser.bindings.texts["ROLE_MAP"] = '{"member": "viewer"}'
    assert (await sso(browser, "organization=org_1", PROFILE)).status == 303
    assert upsert_of(browser) == ["prof_1", "ann@acme.example", "Ann", True, "org_1", "viewer", None]
    body = json.loads(str(browser.asked[0].body))
    assert (body["grant_type"], body["code"], len(body["code_verifier"])) == ("authorization_code", "c1", 43)


@pytest.mark.parametrize("email", ["ann@other.example", "ann@acme.example.evil", "acme.example"])
async def test_a_provider_does_not_vouch_for_others(browser: Browser, email: str) -> None:
    await sso(browser, "connection=conn_1", {**PROFILE, "email": email})
    assert upsert_of(browser)[3] is False


@pytest.mark.parametrize(
    ("query", "changed"),
    [
        ("organization=org_1", {"organization_id": "org_2"}),
        ("organization=org_1", {"organization_id": None}),
        ("connection=conn_1", {"connection_id": "conn_2"}),
        ("connection=conn_1", {"organization_id": None}),
    ],
)
async def test_a_profile_of_elsewhere_is_refused(browser: Browser, query: str, changed: dict[str, Any]) -> None:
    response = await sso(browser, query, {**PROFILE, **changed})
    assert (response.status, code_of(response)) == (403, "FOREIGN_PROFILE")
    assert not any("users" in sql for sql, _ in browser.tables.statements)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ([{"id": "conn_1", "state": "active", "organization_id": "org_1"}], 302),
        ([{"id": "conn_1", "state": "inactive", "organization_id": "org_1"}], 404),
        ([{"id": "conn_1", "state": "active"}, {"id": "conn_2", "state": "active"}], 404),
        ([], 404),
    ],
)
async def test_a_domain_leads_to_its_one_connection(browser: Browser, found: list[Any], status: int) -> None:
    browser.workos_says = reply({"data": found, "list_metadata": {}})
    response = await browser.get("/sso/authorize?domain=acme.example")
    assert response.status == status
    if status == 302:
        query = parse_qs(urlsplit(dict(response.headers)["location"]).query)
        assert (query["connection"], "domain" in query) == (["conn_1"], False)
