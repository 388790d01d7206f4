"""The vendor's emulator as the official SDK and as our client see it: the same things, by the same names.

What the emulator answers in another shape than the SDK's types ask for is in auth/README.md.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from workos import WorkOSClient
from workos._errors import BadRequestError, NotFoundError
from workos.common.models.directory_group import DirectoryGroup
from workos.common.models.directory_user import DirectoryUser
from workos.directory_sync.models import Directory
from workos.user_management.models import AuthenticateResponse

from auth.adapters.workos import Refused, WorkOS
from auth.adapters.workos import models as ours
from auth.domain.login import PendingSignIn
from dotdo.fakes import FakeBindings, FakeClock
from dotdo.ports import HttpCall, HttpError, HttpReply
from scripts.stack.process import free_port
from scripts.stores.workos import API_KEY, CLIENT_ID, WorkOSEmulator
from tests.unit.auth import workos_fixtures as fixtures
from tests.unit.auth.rsa import HostRs256

BACK = "http://127.0.0.1:1/callback"


class HostHttp:
    """The port on the host."""

    async def send(self, call: HttpCall) -> HttpReply:
        try:
            async with httpx.AsyncClient(timeout=call.timeout_s) as client:
                answer = await client.request(call.method, call.url, headers=dict(call.headers), content=call.body)
        except httpx.HTTPError as error:
            raise HttpError(type(error).__name__, timed_out=isinstance(error, httpx.TimeoutException)) from error
        return HttpReply(answer.status_code, dict(answer.headers), answer.content)


async def test_a_webhook_has_the_secret_it_was_given_which_no_process_list_shows(tmp_path: Path) -> None:
    webhook = {"endpoint_url": BACK, "secret": "whsec_of_this_test"}
    server = WorkOSEmulator(free_port(), tmp_path / "workos.log", webhook=webhook)
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {API_KEY}"}) as client:
            deadline = time.monotonic() + 60
            while not (endpoints := (await client.get("/webhook_endpoints")).json()["data"]):
                assert time.monotonic() < deadline, "the webhook was not made"
                await asyncio.sleep(0.02)
    finally:
        await server.stop()
    assert [(one["endpoint_url"], one["secret"]) for one in endpoints] == [(BACK, "whsec_of****")]
    assert server.child is not None
    assert "whsec" not in " ".join(server.child.command)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("workos") / "workos.log"
    people: list[dict[str, object]] = [{"email": "ann@example.com", "first_name": "Ann", "email_verified": True}]
    server = WorkOSEmulator(free_port(), Path(log), people)
    with asyncio.Runner() as runner:
        runner.run(server.start())
        try:
            yield server.url
        finally:
            runner.run(server.stop())


@pytest.fixture
def official(emulator: str) -> Iterator[WorkOSClient]:
    with WorkOSClient(api_key=API_KEY, client_id=CLIENT_ID, base_url=emulator, max_retries=0) as client:
        yield client


@pytest.fixture
async def workos(emulator: str) -> AsyncIterator[WorkOS]:
    texts = {"WORKOS_API_KEY": API_KEY, "WORKOS_CLIENT_ID": CLIENT_ID, "WORKOS_API_URL": emulator}
    yield WorkOS(FakeBindings(texts, http=HostHttp(), clock=FakeClock(time.time()), rs256=HostRs256()))


def query_of(url: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


async def came_back(url: str) -> dict[str, str]:
    async with httpx.AsyncClient() as browser:
        return query_of((await browser.get(url)).headers["location"])


def test_the_addresses_are_the_same(official: WorkOSClient, workos: WorkOS) -> None:
    asked: dict[str, Any] = {
        "redirect_uri": BACK,
        "state": "s t&u",
        "login_hint": "ann@example.com",
        "organization_id": "org_1",
    }
    theirs = official.user_management.get_authorization_url(
        **asked, provider="authkit", code_challenge="ch", code_challenge_method="S256"
    )
    own = workos.user_management.authorize_url(**asked, challenge="ch")
    assert (query_of(own), urlsplit(own).path) == (query_of(theirs), urlsplit(theirs).path)
    theirs = official.sso.get_authorization_url(redirect_uri=BACK, state="s", organization="org_1", login_hint="a@b.c")
    own = workos.sso.authorize_url(
        redirect_uri=BACK, state="s", challenge="ch", organization="org_1", login_hint="a@b.c"
    )
    challenge = {"code_challenge": "ch", "code_challenge_method": "S256"}
    assert (query_of(own), urlsplit(own).path) == ({**query_of(theirs), **challenge}, urlsplit(theirs).path)
    for return_to in (None, "https://a.test/?b=c&d"):
        theirs = official.user_management.get_logout_url(session_id="session_1", return_to=return_to)
        own = workos.user_management.logout_url("session_1", return_to)
        assert (query_of(own), own.partition("?")[0]) == (query_of(theirs), theirs.partition("?")[0])
    assert official.user_management.get_jwks_url().endswith(f"/sso/jwks/{CLIENT_ID}")


async def test_a_user_is_the_same_user(official: WorkOSClient, workos: WorkOS) -> None:
    made = official.user_management.create_user(
        email="bob@example.com", first_name="Bob", last_name="Ray", email_verified=True
    )
    own = await workos.user_management.get_user(made.id)
    assert (own.id, own.email, own.email_verified, own.full_name) == (
        made.id,
        made.email,
        made.email_verified,
        "Bob Ray",
    )
    listed = [each.id for each in official.user_management.list_users(limit=100).data]
    page = await workos.user_management.list_users(limit=100)
    assert [each.id for each in page.data] == listed
    (found,) = (await workos.user_management.list_users(email="bob@example.com")).data
    assert found == own


async def test_pages_follow_one_another(official: WorkOSClient, workos: WorkOS) -> None:
    for number in range(5):
        official.organizations.create_organization(name=f"Page {number}")
    seen, after = [], None
    while True:
        page = await workos.organizations.list(limit=2, after=after)
        seen += [each.id for each in page.data]
        after = page.list_metadata.after
        if after is None:
            break
    assert seen == [each.id for each in official.organizations.list_organizations(limit=100).data]
    assert len(seen) >= 5


async def test_an_organisation_and_its_members_are_the_same(
    official: WorkOSClient, workos: WorkOS, emulator: str
) -> None:
    organization = official.organizations.create_organization(name="Acme")
    own = await workos.organizations.get(organization.id)
    assert (own.id, own.name) == (organization.id, "Acme")
    (ann,) = (await workos.user_management.list_users(email="ann@example.com")).data
    with httpx.Client(base_url=emulator, headers={"authorization": f"Bearer {API_KEY}"}) as management:
        body = {"user_id": ann.id, "organization_id": organization.id, "role_slug": "viewer"}
        made = management.post("/user_management/organization_memberships", json=body).json()
    (membership,) = (await workos.user_management.list_organization_memberships(user_id=ann.id)).data
    assert (membership.id, membership.organization_id, membership.role.slug, membership.status) == (
        made["id"], organization.id, "viewer", "active",
    )  # fmt: skip


async def test_a_code_is_exchanged_for_the_same(official: WorkOSClient, workos: WorkOS) -> None:
    pending = PendingSignIn("state-1", "v" * 43, "/")
    codes = []
    for _ in range(2):
        url = workos.user_management.authorize_url(redirect_uri=BACK, state="state-1", challenge=pending.challenge)
        back = await came_back(url)
        assert back["state"] == "state-1"
        codes.append(back["code"])
    theirs = official.user_management.authenticate_with_code(code=codes[0], code_verifier=pending.verifier)
    own = await workos.user_management.authenticate_with_code(codes[1], pending.verifier)
    assert (own.user.id, own.user.email, own.organization_id) == (
        theirs.user.id,
        theirs.user.email,
        theirs.organization_id,
    )
    for token in (theirs.access_token, own.access_token):
        claims = await workos.tokens.verify(token)
        key = jwt.PyJWKClient(official.user_management.get_jwks_url()).get_signing_key_from_jwt(token)
        decoded = jwt.decode(token, key.key, algorithms=["RS256"], audience=CLIENT_ID)
        assert (claims.user_id, claims.session_id) == (decoded["sub"], decoded["sid"])


async def test_a_bad_code_is_refused_to_both(official: WorkOSClient, workos: WorkOS) -> None:
    with pytest.raises(BadRequestError) as theirs:
        official.user_management.authenticate_with_code(code="nope")
    with pytest.raises(Refused) as own:
        await workos.user_management.authenticate_with_code("nope")
    assert (own.value.status, own.value.code) == (theirs.value.status_code, theirs.value.code)
    url = workos.user_management.authorize_url(
        redirect_uri=BACK, state="s", challenge=PendingSignIn("", "v" * 43, "").challenge
    )
    with pytest.raises(Refused) as wrong:
        await workos.user_management.authenticate_with_code((await came_back(url))["code"], "w" * 43)
    assert wrong.value.code == "invalid_code_verifier"


async def test_a_refresh_goes_on_in_an_organisation(official: WorkOSClient, workos: WorkOS) -> None:
    organization = official.organizations.create_organization(name="Umbrella")
    url = workos.user_management.authorize_url(redirect_uri=BACK)
    first = await workos.user_management.authenticate_with_code((await came_back(url))["code"])
    moved = await workos.user_management.authenticate_with_refresh_token(first.refresh_token, organization.id)
    assert (await workos.tokens.verify(moved.access_token)).organization_id == organization.id
    with pytest.raises(Refused):
        await workos.user_management.authenticate_with_refresh_token(first.refresh_token)
    again = official.user_management.authenticate_with_refresh_token(refresh_token=moved.refresh_token)
    assert again.user.id == moved.user.id


async def test_a_session_ends(official: WorkOSClient, workos: WorkOS, emulator: str) -> None:
    url = workos.user_management.authorize_url(redirect_uri=BACK)
    signed_in = await workos.user_management.authenticate_with_code((await came_back(url))["code"])
    session = str((await workos.tokens.verify(signed_in.access_token)).session_id)
    await workos.user_management.revoke_session(session)
    with pytest.raises(Refused):
        await workos.user_management.revoke_session(session)
    with pytest.raises(NotFoundError):
        official.user_management.revoke_session(session_id=session)


async def test_what_is_not_there_is_not_there_for_both(official: WorkOSClient, workos: WorkOS) -> None:
    with pytest.raises(NotFoundError) as theirs:
        official.user_management.get_user("user_nobody")
    with pytest.raises(Refused) as own:
        await workos.user_management.get_user("user_nobody")
    assert (own.value.status, own.value.code) == (404, theirs.value.code)


async def test_single_sign_on_gives_the_same_profile(official: WorkOSClient, workos: WorkOS, emulator: str) -> None:
    """Read raw on the other side: the emulator's profile has no `name`, which the SDK's type asks for."""
    organization = official.organizations.create_organization(name="Sso")
    with httpx.Client(base_url=emulator, headers={"authorization": f"Bearer {API_KEY}"}) as management:
        body = {"organization_id": organization.id, "domains": ["sso.example"]}
        connection = management.post("/connections", json=body).json()
        (found,) = (await workos.sso.list_connections(domain="sso.example")).data
        assert (found.id, found.state, found.organization_id) == (connection["id"], "active", organization.id)
        url = workos.sso.authorize_url(redirect_uri=BACK, state="s", challenge="ch", connection=connection["id"])
        answer = await workos.sso.profile_and_token((await came_back(url))["code"], "v" * 43)
        headers = {"authorization": f"Bearer {answer.access_token}"}
        raw = management.get("/sso/profile", headers=headers).json()
    assert ours.Profile.model_validate(raw) == answer.profile
    assert (answer.profile.organization_id, answer.profile.email) == (organization.id, "user@sso.example")


def test_fixtures_have_the_official_shapes() -> None:
    """What stands in for the emulator where it has nothing: the SDK's own types take it, and ours read the same from it."""
    directory = Directory.from_dict(fixtures.DIRECTORY)
    person = DirectoryUser.from_dict(fixtures.DIRECTORY_USER)
    group = DirectoryGroup.from_dict(fixtures.DIRECTORY_GROUP)
    answer: dict[str, Any] = {"user": fixtures.USER, "access_token": "a", "refresh_token": "r", "organization_id": None}
    authentication = AuthenticateResponse.from_dict(answer)
    pairs: list[tuple[Any, Any]] = [
        (directory, ours.Directory.model_validate(fixtures.DIRECTORY)),
        (person, ours.DirectoryUser.model_validate(fixtures.DIRECTORY_USER)),
        (group, ours.DirectoryGroup.model_validate(fixtures.DIRECTORY_GROUP)),
        (authentication.user, ours.Authentication.model_validate(answer).user),
    ]
    for official, own in pairs:
        for name in type(own).model_fields:
            if name not in ("created_at", "updated_at", "role"):
                assert getattr(own, name) == getattr(official, name), (type(own), name)


async def test_directories_are_none_for_both(official: WorkOSClient, workos: WorkOS) -> None:
    assert official.directory_sync.list_directories().data == []
    found = await workos.directory_sync.list_directories(limit=10, after=None, organization_id=None)
    assert (found.data, found.list_metadata.after) == ([], None)
