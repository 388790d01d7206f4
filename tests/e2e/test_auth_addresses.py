"""An e-mail address that one user of WorkOS had and another has now: nothing of the former's account becomes the other's.

Sign-ins are those of the service's domain, on the real database, so that they come exactly where in the order they are to.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from auth.domain.arrivals import Arrival, Arrivals
from auth.domain.audit import Actor
from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings
from dotdo.instants import rfc3339
from dotdo.sql import Sql
from tests.e2e import workos_events as w
from tests.e2e.credentials import audited, key_of, session_of
from tests.e2e.platform import Platform
from tests.e2e.test_auth_events import T, account
from tests.e2e.test_auth_workos import session_in
from tests.e2e.workos_people import callback_of, emulator

ACTOR = Actor("anonymous", None, "req_test")


class Database:
    """db's RPC methods as a peer of the host's."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def call(self, method: str, *params: object) -> Any:
        return await self._platform.result("DB", method, *params)


def arrivals(platform: Platform) -> Arrivals:
    return Arrivals(Sql(FakeBindings({}, peers={"DB": Database(platform)})))


class Succession:
    """`former` is an administrator with an address, which `heir` has five seconds later. Both are WorkOS's ids."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.former, self.heir = w.unique("user"), w.unique("user")
        self.email, self.moved = f"{self.former}@example.com", f"moved-{self.former}@example.com"
        self.user_id = ""
        self.credentials: list[str] = []

    async def begin(self) -> None:
        await w.told(self.platform, w.event("user.created", w.user(self.former, self.email, T), T))
        ((self.user_id,),) = self.platform.rows(
            "update users set role = 'admin' where workos_id = %s returning id", self.former
        )
        session, key = await session_of(self.platform, self.user_id), await key_of(self.platform, self.user_id)
        self.credentials = [session["token"], key["key"]]

    async def step(self, name: str) -> None:
        match name:
            case "made":
                await self._told("user.created", self.heir, self.email, 5)
            case "signs in":
                heir = Arrival(self.heir, self.email, True, "Eve", as_of=rfc3339(T + 5))
                row = await arrivals(self.platform).of_user(heir, ACTOR)
                assert (row["user_id"] == self.user_id, row["role"], row["email"]) == (False, "user", self.email)
            case "deleted":
                await self._told("user.deleted", self.former, self.email, 4)
            case "moved":
                await self._told("user.updated", self.former, self.moved, 3)
            case "renamed":
                await self._told("user.updated", self.former, self.email, 2)

    async def _told(self, type: str, id: str, email: str, after_s: int) -> None:
        await w.told(self.platform, w.event(type, w.user(id, email, T + after_s), T + after_s))

    async def codes(self) -> set[str]:
        return {(await self.platform.result("AUTH", "verify", each))["code"] for each in self.credentials}


@pytest.mark.parametrize("order", list(itertools.permutations(["made", "deleted", "signs in", "moved"])), ids="-".join)
async def test_an_heir_has_nothing_of_who_is_gone(platform: Platform, order: Sequence[str]) -> None:
    of = Succession(platform)
    await of.begin()
    for name in order:
        await of.step(name)
    assert account(platform, of.heir) == (of.email, "Eve", "user", None, False)
    assert account(platform, of.former) == (f"{of.user_id}@deleted.invalid", "Eve", "admin", None, True)
    assert platform.rows("select workos_id from users where id = %s", of.user_id) == [(of.former,)]
    assert await of.codes() == {"REVOKED"}


@pytest.mark.parametrize("order", list(itertools.permutations(["made", "signs in", "renamed", "moved"])), ids="-".join)
async def test_who_gives_an_address_up_keeps_the_account(platform: Platform, order: Sequence[str]) -> None:
    of = Succession(platform)
    await of.begin()
    for name in order:
        await of.step(name)
    assert account(platform, of.heir) == (of.email, "Eve", "user", None, False)
    assert account(platform, of.former) == (of.moved, "Eve", "admin", None, False)
    assert await of.codes() == {"VALID"}


@pytest.mark.parametrize("order", list(itertools.permutations(["heir", "former", "moved"])), ids="-".join)
async def test_a_late_word_of_the_former_takes_nothing_from_the_heir(platform: Platform, order: Sequence[str]) -> None:
    former, heir = w.unique("user"), w.unique("user")
    email, moved = f"{former}@example.com", f"moved-{former}@example.com"
    events = {
        "former": w.event("user.created", w.user(former, email, T), T),
        "heir": w.event("user.created", w.user(heir, email, T + 5), T + 5),
        "moved": w.event("user.updated", w.user(former, moved, T + 3), T + 3),
    }
    await w.told(platform, *(events[name] for name in order))
    assert account(platform, heir) == (email, "Eve", "user", None, False)
    assert account(platform, former) == (moved, "Eve", "user", None, False)


async def test_the_account_waits_without_its_address_until_workos_tells_more(platform: Platform) -> None:
    of = Succession(platform)
    await of.begin()
    await of.step("made")
    assert account(platform, of.former) == (f"{of.user_id}@displaced.invalid", "Eve", "admin", None, False)
    assert audited(platform, of.user_id) == ["user.displaced"]
    late = Arrival(w.unique("user"), of.email, True, "Eve", as_of=rfc3339(T + 1))
    with pytest.raises(ServiceError, match="EMAIL_NOT_VERIFIED"):
        await arrivals(platform).of_user(late, ACTOR)


async def test_a_new_user_with_a_known_address_signs_in_to_an_account_of_their_own(platform: Platform) -> None:
    email, former = f"{w.unique('reused')}@example.com", w.unique("user")
    await w.told(platform, w.event("user.created", w.user(former, email, T), T))
    platform.rows("update users set role = 'admin' where workos_id = %s returning id", former)
    async with emulator(platform) as workos, platform.client() as browser:
        person = await workos.user(email=email)
        await browser.get(await callback_of(browser, login_hint=email))
        user = (await session_in(browser))["user"]
    assert (user["email"], user["role"]) == (email, "user")
    assert platform.rows("select workos_id from users where id = %s", user["id"]) == [(person["id"],)]
    assert account(platform, former)[0].endswith("@displaced.invalid")


async def test_who_is_deleted_gets_no_address_back_by_single_sign_on(platform: Platform) -> None:
    """Neither the account comes back, nor is its owner kept out for good: they begin anew."""
    of = Succession(platform)
    await of.begin()
    profile = Arrival(w.unique("prof"), of.email, True, "Eve")
    assert (await arrivals(platform).of_profile(profile, ACTOR))["user_id"] == of.user_id
    await of.step("deleted")
    anew = await arrivals(platform).of_profile(profile, ACTOR)
    assert (anew["email"], anew["role"], anew["disabled_at"]) == (of.email, "user", None)
    assert account(platform, of.former) == (f"{of.user_id}@deleted.invalid", "Eve", "admin", None, True)
    await of.step("signs in")
    assert account(platform, of.heir) == (of.email, "Eve", "user", None, False)
    assert (await arrivals(platform).of_profile(profile, ACTOR))["user_id"] == anew["user_id"], "still one account"


async def test_a_disabled_account_gets_no_address_back(platform: Platform) -> None:
    """However it came to be disabled."""
    of = Succession(platform)
    await of.begin()
    profile = Arrival(w.unique("prof"), of.email, True, "Eve")
    await arrivals(platform).of_profile(profile, ACTOR)
    platform.rows(
        "update users set disabled_at = now(), email = 'x' || id, email_verified = false where id = %s returning id",
        of.user_id,
    )
    again = await arrivals(platform).of_profile(profile, ACTOR)
    assert (again["user_id"], again["disabled_at"] is None) == (of.user_id, False)
    assert (again["email"], again["email_verified"]) == (f"x{of.user_id}", False)
    await of.step("signs in")


async def test_a_profile_goes_with_its_address(platform: Platform) -> None:
    """A provider that names its people by their addresses gives the heir the profile of who had one before."""
    of = Succession(platform)
    await of.begin()
    profile = Arrival(w.unique("prof"), of.email, True, "Eve")
    await arrivals(platform).of_profile(profile, ACTOR)
    await of.step("made")
    row = await arrivals(platform).of_profile(profile, ACTOR)
    assert (row["workos_id"], row["role"]) == (of.heir, "user")
    await of.step("moved")
    other = Arrival(w.unique("prof"), of.moved, True, "Eve")
    assert (await arrivals(platform).of_profile(other, ACTOR))["user_id"] == of.user_id
