"""What a sign-in under way still says, and an event has ended meanwhile: nothing of that comes back.

Sign-ins are those of the service's domain, on the real database, so that they come exactly where in the order they are to.
"""

import pytest

from auth.domain.arrivals import Arrival
from tests.e2e import workos_events as w
from tests.e2e.platform import Platform
from tests.e2e.test_auth_addresses import ACTOR, arrivals
from tests.e2e.test_auth_events import T, account


class Member:
    """A user of WorkOS who is a viewer in an organisation of theirs, and signs in there."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.user, self.organization, self.membership = w.unique("user"), w.unique("org"), w.unique("om")
        self.email = f"{self.user}@example.com"

    async def told(self, type: str, after_s: int, status: str = "active") -> None:
        data = {
            "user": w.user(self.user, self.email, T + after_s),
            "organization": w.organization(self.organization),
            "organization_membership": w.membership(self.membership, self.user, self.organization, "viewer", status),
        }[type.partition(".")[0]]
        await w.told(self.platform, w.event(type, data, T + after_s))

    async def signs_in(self) -> tuple[str, str | None]:
        arrival = Arrival(self.user, self.email, True, "Eve", self.organization, "viewer")
        row = await arrivals(self.platform).of_user(arrival, ACTOR)
        return row["role"], row["organization_id"]

    async def comes_by_profile(self, profile: str) -> tuple[str, str | None]:
        arrival = Arrival(profile, self.email, True, "Eve", self.organization, "viewer")
        row = await arrivals(self.platform).of_profile(arrival, ACTOR)
        return row["role"], row["organization_id"]


ENDS = [
    ("organization_membership.deleted", "active"),
    ("organization_membership.updated", "inactive"),
    ("organization.deleted", "active"),
]


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "new"])
@pytest.mark.parametrize(("type", "status"), ENDS, ids=lambda each: each)
async def test_a_sign_in_restores_no_membership(platform: Platform, type: str, status: str, is_known: bool) -> None:
    member = Member(platform)
    await member.told("organization.created", 0)
    await member.told("organization_membership.created", 0)
    if is_known:
        await member.told("user.created", 0)
        assert await member.signs_in() == ("viewer", member.organization)
    await member.told(type, 1, status)
    assert await member.signs_in() == ("user", None)
    assert account(platform, member.user)[2:4] == ("user", None)
    assert await member.comes_by_profile(w.unique("prof")) == ("user", None)


async def test_whoever_is_back_signs_in_as_before(platform: Platform) -> None:
    member = Member(platform)
    await member.told("organization_membership.created", 0)
    await member.told("organization_membership.updated", 1, "inactive")
    assert await member.signs_in() == ("user", None)
    await member.told("organization_membership.updated", 2)
    assert await member.signs_in() == ("viewer", member.organization)
    assert await member.comes_by_profile(w.unique("prof")) == ("viewer", member.organization)
