"""Single sign-on with an organisation's own identity provider, and its directories, on the real runtime."""

from typing import Any

import httpx
import pytest

from tests.e2e.platform import Platform, problem
from tests.e2e.test_auth_workos import session_in
from tests.e2e.workos_events import unique
from tests.e2e.workos_people import callback_of, emulator

AUTHORIZE, CALLBACK = "/auth/sso/authorize", "/auth/sso/callback"


async def company(platform: Platform) -> tuple[dict[str, Any], dict[str, Any], str]:
    """An organisation with a domain that is verified, its connection, the domain."""
    domain = f"{unique('co').replace('_', '-')}.example"
    async with emulator(platform) as workos:
        organization = await workos.organization(domain)
        return organization, await workos.connection(organization["id"], domain), domain


@pytest.mark.parametrize("way", ["organization", "connection", "domain"])
async def test_an_organisations_people_sign_in_by_its_provider(platform: Platform, way: str) -> None:
    organization, connection, domain = await company(platform)
    chosen = {"organization": organization["id"], "connection": connection["id"], "domain": domain}[way]
    async with platform.client() as browser:
        address = await callback_of(
            browser, AUTHORIZE, **{way: chosen, "login_hint": f"ann@{domain}", "return_to": "/x"}
        )
        assert f"{CALLBACK}?" in address
        landed = await browser.get(address)
        assert (landed.status_code, landed.headers["location"]) == (303, "/x")
        user = (await session_in(browser))["user"]
        assert (user["email"], user["organization_id"], user["email_verified"]) == (
            f"ann@{domain}",
            organization["id"],
            True,
        )
        problem(await browser.get(address), 400, "LOGIN_FAILED")


async def test_it_is_the_same_account_as_by_authkit(platform: Platform) -> None:
    organization, _, domain = await company(platform)
    ids = []
    async with emulator(platform) as workos:
        await workos.user(email=f"ann@{domain}")
    for path, query in (("/auth/login", {}), (AUTHORIZE, {"organization": organization["id"]}), ("/auth/login", {})):
        async with platform.client() as browser:
            await browser.get(await callback_of(browser, path, login_hint=f"ann@{domain}", **query))
            ids.append((await session_in(browser))["user"]["id"])
    assert len(set(ids)) == 1


@pytest.mark.parametrize("way", ["organization", "connection", "domain"])
async def test_a_profile_of_another_organisation_is_refused(platform: Platform, way: str) -> None:
    """The answer of one's own provider, brought to a sign-in to somebody else's."""
    theirs, their_connection, their_domain = await company(platform)
    mine, _, my_domain = await company(platform)
    chosen = {"organization": theirs["id"], "connection": their_connection["id"], "domain": their_domain}[way]
    async with platform.client() as browser, platform.client() as other:
        own = await callback_of(other, AUTHORIZE, organization=mine["id"], login_hint=f"eve@{my_domain}")
        address = await callback_of(browser, AUTHORIZE, **{way: chosen})
        swapped = httpx.URL(address).copy_set_param("code", httpx.URL(own).params["code"])
        problem(await browser.get(str(swapped)), 403, "FOREIGN_PROFILE")
        assert "session" not in browser.cookies
    assert platform.rows("select 1 from users where email = %s", f"eve@{my_domain}") == []


async def test_a_provider_vouches_for_its_own_domains_alone(platform: Platform) -> None:
    """An organisation's administrator can have its provider say any address: it opens no account of others."""
    organization, _, domain = await company(platform)
    async with platform.client() as thief:
        address = await callback_of(thief, AUTHORIZE, organization=organization["id"], login_hint="admin@example.com")
        problem(await thief.get(address), 403, "EMAIL_NOT_VERIFIED")
        stranger = f"stranger@not-{domain}"
        await thief.get(await callback_of(thief, AUTHORIZE, organization=organization["id"], login_hint=stranger))
        user = (await session_in(thief))["user"]
    assert (user["email"], user["email_verified"]) == (stranger, False)
    assert platform.rows("select sso_profile_id from users where id = 'usr_admin'") == [(None,)]


async def test_a_sign_in_belongs_to_its_browser_and_its_way(platform: Platform) -> None:
    organization, _, _ = await company(platform)
    async with platform.client() as browser, platform.client() as other:
        address = await callback_of(browser, AUTHORIZE, organization=organization["id"])
        problem(await other.get(address), 400, "LOGIN_FAILED")
        problem(await browser.get(address.replace("/sso/callback", "/callback")), 400, "LOGIN_FAILED")
        browser.cookies.set("login", browser.cookies["sso"])
        problem(await browser.get(address.replace("/sso/callback", "/callback")), 400, "LOGIN_FAILED")
        problem(await browser.get(f"{CALLBACK}?code=x"), 400, "LOGIN_FAILED")
        assert (await browser.get(address)).status_code == 303


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 400, "INVALID_ARGUMENT"),
        ({"organization": "org_1", "connection": "conn_1"}, 400, "INVALID_ARGUMENT"),
        ({"organization": "org_1", "return_to": "https://evil.example"}, 400, "INVALID_ARGUMENT"),
        ({"organization": ""}, 400, "INVALID_ARGUMENT"),
        ({"domain": "a b"}, 400, "INVALID_ARGUMENT"),
        ({"domain": "nobody.example"}, 404, "NOT_FOUND"),
    ],
)
async def test_where_there_is_nothing_to_sign_in_to(
    anonymous: httpx.AsyncClient, query: dict[str, str], status: int, code: str
) -> None:
    problem(await anonymous.get(AUTHORIZE, params=query), status, code)


async def test_directories_are_for_administrators(
    admin: httpx.AsyncClient, user: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    """The emulator has none, and no way to make one: what there is to read is tried with fixtures, in test_auth_faults."""
    for path in ("/auth/directories", "/auth/directories/d_1/users", "/auth/directories/d_1/groups"):
        answer = await admin.get(path, params={"limit": 5})
        assert answer.json() == {"data": [], "page": {"limit": 5, "next_cursor": None}}, answer.text
        problem(await user.get(path), 403, "FORBIDDEN")
        problem(await anonymous.get(path), 401, "UNAUTHENTICATED")
        problem(await admin.get(path, params={"cursor": "x"}), 400, "INVALID_ARGUMENT")
