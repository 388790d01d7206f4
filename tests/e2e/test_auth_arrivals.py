"""What a sign-in under way still says, and an event has ended meanwhile: nothing of that comes back.

Sign-ins are those of the service's domain, on the real database, so that they come exactly where in the order they are to.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from auth.domain import arrival_statements, event_statements
from auth.domain.access_tokens import AccessTokens
from auth.domain.arrivals import Arrival
from auth.domain.session_store import SessionStore
from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings
from dotdo.identity import Identity
from dotdo.sql import Sql
from tests.e2e import workos_events as w
from tests.e2e.credentials import session_of
from tests.e2e.platform import Platform, problem
from tests.e2e.test_auth_addresses import ACTOR, Database, arrivals
from tests.e2e.test_auth_askers import until_waiting
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


class UnderWay:
    """An event that begins and does the rest when it is told to."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection
        self.pid = connection.info.backend_pid

    def begins(self) -> None:
        self._connection.execute(arrival_statements.EVENTS_LOCK)

    def goes_on(self, event: dict[str, Any], type: str, follows: str) -> None:
        id = event["data"]["id"]
        stored = [event["id"], event["event"], event["created_at"], json.dumps(event), id, type, True]
        self._connection.execute(event_statements.STORE, stored)
        self._connection.execute(follows, ["workos", None, None, id])
        self._connection.commit()


@pytest.fixture
def under_way(platform: Platform) -> Iterator[UnderWay]:
    with psycopg.connect(platform.postgres_url) as connection:
        connection.cursor_factory = psycopg.RawCursor
        yield UnderWay(connection)


async def test_no_session_begins_beside_the_event_that_ends_it(platform: Platform, under_way: UnderWay) -> None:
    under_way.begins()
    workos_session = w.unique("session")
    bindings = FakeBindings({"JWT_SECRET": "j" * 32, "JWT_REFRESH_SECRET": "r" * 32}, peers={"DB": Database(platform)})
    store = SessionStore(bindings, Sql(bindings), AccessTokens(bindings))
    opening = asyncio.create_task(
        store.open("usr_user", ACTOR, device=None, address=None, user_agent=None, workos_session_id=workos_session)
    )
    await until_waiting(platform, under_way.pid)
    event = w.event("session.revoked", {"object": "session", "id": workos_session}, time.time())
    under_way.goes_on(event, "session", event_statements.SESSION_GONE)
    with pytest.raises(ServiceError) as refused:
        await opening
    assert refused.value.code == "NOT_FOUND"
    assert platform.rows("select id from sessions where workos_session_id = %s", workos_session) == []


async def test_no_key_is_made_beside_the_event_that_ends_the_session_it_is_asked_with(
    platform: Platform, under_way: UnderWay
) -> None:
    user, organization = w.unique("usr"), w.unique("org")
    email = f"{user}@example.com"
    platform.rows(
        "insert into users (id, email, organization_id) values (%s, %s, %s) returning id", user, email, organization
    )
    session = (await session_of(platform, user))["session"]["id"]
    under_way.begins()
    asker = Identity("user", user, "user", organization, ("auth:write",), session_id=session)
    async with platform.behind_the_gateway("auth", asker) as client:
        making = asyncio.create_task(client.post("/apikeys", json={"name": "late", "environment": "test"}))
        await until_waiting(platform, under_way.pid)
        gone = w.directory_user(w.unique("directory_user"), organization, email, "inactive")
        event = w.event("dsync.user.deleted", gone, time.time())
        under_way.goes_on(event, "directory_user", event_statements.DIRECTORY_USER)
        problem(await making, 401, "REVOKED")
    assert platform.rows("select id from api_keys where user_id = %s", user) == []
