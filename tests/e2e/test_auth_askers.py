"""Who asks with a credential that has ended, while a gateway still believes it: nothing is written by it.

Such a gateway is played by the tests: they ask auth behind it, with the identity it would have sent.
"""

import asyncio
from typing import Any

import httpx
import psycopg
import pytest

from dotdo.identity import Identity
from tests.e2e.credentials import key_of, session_of
from tests.e2e.platform import Platform, problem
from tests.e2e.workos_events import unique


class Asker:
    """An administrator with two keys and two sessions, one of each to ask with; and somebody whose rights they change."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.id, self.other = unique("usr"), unique("usr")
        for id, role in ((self.id, "admin"), (self.other, "user")):
            platform.rows(
                "insert into users (id, email, role) values (%s, %s, %s) returning id", id, f"{id}@example.com", role
            )

    async def begin(self) -> None:
        self.key, self.spare_key = (await key_of(self.platform, self.id))["id"], await key_of(self.platform, self.id)
        self.session, self.spare_session = [
            (await session_of(self.platform, self.id))["session"]["id"] for _ in range(2)
        ]
        await self.platform.result("AUTH", "grantPermission", self.other, "billing", "read")

    def believed(self, kind: str) -> httpx.AsyncClient:
        """A client with the identity of the key or the session, whatever has become of it."""
        which = {"key_id": self.key} if kind == "api_key" else {"session_id": self.session}
        identity = Identity("api_key" if kind == "api_key" else "user", self.id, "admin", permissions=("*",), **which)
        return self.platform.behind_the_gateway("auth", identity)

    async def end(self, kind: str) -> None:
        if kind == "api_key":
            assert await self.platform.result("AUTH", "revokeApiKey", self.id, self.key) is True
        else:
            assert await self.platform.result("AUTH", "revokeSession", self.session) is True

    def writes(self) -> list[tuple[str, str, Any]]:
        grant = {"user_id": self.other, "resource": "billing"}
        return [
            ("POST", "/apikeys", {"name": "after", "environment": "test"}),
            ("POST", f"/apikeys/{self.spare_key['id']}/rotate", {"overlap_hours": 1}),
            ("POST", f"/apikeys/{self.key}/rotate", {}),
            ("DELETE", f"/apikeys/{self.spare_key['id']}", None),
            ("DELETE", f"/sessions/{self.spare_session}", None),
            ("DELETE", "/sessions", None),
            ("POST", "/permissions", {**grant, "action": "write"}),
            ("DELETE", "/permissions", {**grant, "action": "read"}),
            ("PATCH", f"/users/{self.other}", {"role": "admin"}),
        ]

    def state(self) -> list[list[tuple[Any, ...]]]:
        """Everything that could have been changed, and all that is on record of it."""
        users = [self.id, self.other]
        return [
            self.platform.rows(f"select {columns} from {table} where {key} = any(%s) order by 1, 2", users)
            for table, columns, key in (
                ("users", "id, role", "id"),
                ("api_keys", "id, revoked_at, expires_at", "user_id"),
                ("sessions", "id, revoked_at", "user_id"),
                ("permissions", "id, permission", "user_id"),
                ("audit_log", "id, action", "target"),
            )
        ]


@pytest.fixture
async def asker(platform: Platform) -> Asker:
    asker = Asker(platform)
    await asker.begin()
    return asker


@pytest.mark.parametrize("kind", ["api_key", "user"])
async def test_a_credential_that_has_ended_changes_nothing(asker: Asker, kind: str) -> None:
    await asker.end(kind)
    before = asker.state()
    async with asker.believed(kind) as client:
        for method, path, body in asker.writes():
            problem(await client.request(method, path, json=body), 401, "REVOKED")
    assert asker.state() == before


@pytest.mark.parametrize(("kind", "table"), [("api_key", "api_keys"), ("user", "sessions")])
async def test_one_that_has_expired_makes_no_key(platform: Platform, asker: Asker, kind: str, table: str) -> None:
    platform.rows(f"update {table} set expires_at = now() where user_id = %s returning id", asker.id)
    async with asker.believed(kind) as client:
        method, path, body = asker.writes()[0]
        problem(await client.request(method, path, json=body), 401, "REVOKED")


@pytest.mark.parametrize("kind", ["api_key", "user"])
async def test_one_that_works_changes_all_of_it(asker: Asker, kind: str) -> None:
    async with asker.believed(kind) as client:
        for method, path, body in asker.writes():
            if path not in (f"/apikeys/{asker.key}/rotate", "/sessions"):
                answer = await client.request(method, path, json=body)
                assert answer.status_code in (200, 201, 204), (method, path, answer.text)


@pytest.mark.parametrize("change", [0, 1, 6, 7, 8], ids=["create", "rotate", "grant", "take", "role"])
async def test_a_change_waits_for_the_end_of_its_credential(platform: Platform, asker: Asker, change: int) -> None:
    method, path, body = asker.writes()[change]
    with psycopg.connect(platform.postgres_url) as other:
        other.execute("update api_keys set revoked_at = now() where id = %s", [asker.key])
        async with asker.believed("api_key") as client:
            asking = asyncio.create_task(client.request(method, path, json=body))
            await until_waiting(platform, other.info.backend_pid)
            other.commit()
            before = asker.state()
            problem(await asking, 401, "REVOKED")
    assert asker.state() == before


async def until_waiting(platform: Platform, pid: int) -> None:
    """Returns when somebody waits for what this connection holds."""
    waiting = "select count(*) from pg_stat_activity where %s = any(pg_blocking_pids(pid))"
    async with asyncio.timeout(20):
        while platform.rows(waiting, pid) == [(0,)]:
            await asyncio.sleep(0.02)


async def test_keys_that_rotate_themselves_and_one_another_wait_for_nothing_forever(asker: Asker) -> None:
    """Of each key there is one successor, and no two of the changes hold what the other needs."""
    paths = [f"/apikeys/{id}/rotate" for id in (asker.key, asker.spare_key["id"]) for _ in range(4)]
    async with asker.believed("api_key") as client:
        answers = await asyncio.gather(*(client.post(path, json={"overlap_hours": 1}) for path in paths))
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [404] * 6


async def test_who_is_no_administrator_any_more_gives_and_takes_nothing(platform: Platform, asker: Asker) -> None:
    await platform.result("AUTH", "updateUserRole", asker.id, "user")
    before = asker.state()
    async with asker.believed("user") as client:
        for method, path, body in asker.writes()[6:]:
            problem(await client.request(method, path, json=body), 403, "FORBIDDEN")
    assert asker.state() == before
