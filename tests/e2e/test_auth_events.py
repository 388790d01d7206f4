"""WorkOS's events on the real runtime and the real database: once, in any order, all at once; and what is not WorkOS's."""

import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.e2e import workos_events as w
from tests.e2e.credentials import audited, key_of, session_of
from tests.e2e.platform import Platform, problem

T = time.time() - 3600


def account(platform: Platform, workos_id: str) -> tuple[Any, ...]:
    """E-mail, name, role, organisation, and whether it is disabled; nothing when there is none."""
    sql = "select email, name, role, organization_id, disabled_at is not null from users where workos_id = %s"
    return next(iter(platform.rows(sql, workos_id)), ())


def memberships(platform: Platform, workos_id: str) -> list[tuple[Any, ...]]:
    return platform.rows(
        "select m.organization_id, m.role from memberships m join users u on u.id = m.user_id where u.workos_id = %s"
        " order by m.organization_id",
        workos_id,
    )


def in_milliseconds(instant: datetime) -> datetime:
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


async def test_a_user_is_made_changed_and_ended(platform: Platform) -> None:
    id = w.unique("user")
    email = f"{id}@example.com"
    told = await w.told(
        platform,
        w.event("user.created", w.user(id, email, T), T),
        w.event("user.updated", w.user(id, email, T + 1, first_name="Ann", last_name="Lee"), T + 1),
    )
    assert told == ["applied", "applied"]
    assert account(platform, id) == (email, "Ann Lee", "user", None, False)
    ((user_id, changed),) = platform.rows("select id, updated_at from users where workos_id = %s", id)
    told = await platform.result("AUTH", "getUser", user_id)
    assert (told["workosId"], datetime.fromisoformat(told["updatedAt"])) == (id, in_milliseconds(changed))
    session, key = await session_of(platform, user_id), await key_of(platform, user_id)
    await w.told(platform, w.event("user.deleted", w.user(id, email, T + 2), T + 2))
    assert account(platform, id) == (f"{user_id}@deleted.invalid", "Ann Lee", "user", None, True)
    for credential in (session["token"], key["key"]):
        assert (await platform.result("AUTH", "verify", credential))["code"] == "REVOKED"
    assert audited(platform, user_id) == ["user.disabled"]
    assert audited(platform, session["session"]["id"]) == ["session.created", "session.revoked"]
    assert audited(platform, key["id"]) == ["api_key.created", "api_key.revoked"]


async def test_the_address_of_a_user_who_is_gone_is_free_for_another(platform: Platform) -> None:
    old, new = w.unique("user"), w.unique("user")
    email = f"{old}@example.com"
    await w.told(
        platform,
        w.event("user.created", w.user(old, email, T), T),
        w.event("user.deleted", w.user(old, email, T + 1), T + 1),
    )
    platform.rows("update users set role = 'admin' where workos_id = %s returning id", old)
    await w.told(platform, w.event("user.created", w.user(new, email, T + 2), T + 2))
    assert account(platform, new) == (email, "Eve", "user", None, False), "nothing of the old one's rights is his"
    assert account(platform, old)[4] is True


async def test_a_user_of_nobody_here_is_not_made_by_his_end(platform: Platform) -> None:
    id = w.unique("user")
    gone = w.event("user.deleted", w.user(id, f"{id}@example.com", T + 9), T + 9)
    late = w.event("user.created", w.user(id, f"{id}@example.com", T), T)
    assert await w.told(platform, gone, late) == ["applied", "kept"]
    assert account(platform, id) == ()


def life(id: str, organization: str, member: str) -> list[dict[str, Any]]:
    email = f"{id}@example.com"
    return [
        w.event("user.created", w.user(id, email, T), T),
        w.event("user.updated", w.user(id, email, T + 3, first_name="Last"), T + 3),
        w.event("organization.created", w.organization(organization, "Old name"), T + 1),
        w.event("organization.updated", w.organization(organization, "New name"), T + 4),
        w.event("organization_membership.created", w.membership(member, id, organization, "member"), T + 2),
        w.event("organization_membership.updated", w.membership(member, id, organization, "viewer"), T + 5),
    ]


async def _ends_alike(platform: Platform, id: str, organization: str) -> None:
    assert account(platform, id) == (f"{id}@example.com", "Last", "user", None, False)
    assert memberships(platform, id) == [(organization, "viewer")]
    assert platform.rows("select name from organizations where id = %s", organization) == [("New name",)]


@pytest.mark.parametrize(
    "order", [range(6), range(5, -1, -1), (4, 5, 2, 3, 0, 1), (5, 1, 3, 4, 0, 2), (1, 4, 0, 3, 5, 2)]
)
async def test_the_order_of_arrival_does_not_matter(platform: Platform, order: Sequence[int]) -> None:
    id, organization = w.unique("user"), w.unique("org")
    events = life(id, organization, w.unique("om"))
    await w.told(platform, *(events[index] for index in order))
    await _ends_alike(platform, id, organization)
    assert set(await w.told(platform, *events)) == {"known"}, "and once more changes nothing"
    await _ends_alike(platform, id, organization)


async def test_events_that_come_all_at_once_end_alike(platform: Platform) -> None:
    for _ in range(3):
        id, organization = w.unique("user"), w.unique("org")
        events = life(id, organization, w.unique("om"))
        answers = await asyncio.gather(*(w.deliver(platform, each) for each in [*events, *events]))
        assert {answer.status_code for answer in answers} == {200}
        assert sorted(answer.json()["status"] for answer in answers).count("known") == len(events)
        await _ends_alike(platform, id, organization)


async def test_whoever_is_gone_stays_gone_in_every_order(platform: Platform) -> None:
    for order in itertools.permutations(range(3)):
        id = w.unique("user")
        email = f"{id}@example.com"
        events = [
            w.event("user.created", w.user(id, email, T), T),
            w.event("user.updated", w.user(id, email, T + 1), T + 1),
            w.event("user.deleted", w.user(id, email, T + 2), T + 2),
        ]
        await w.told(platform, *(events[index] for index in order))
        left = account(platform, id)
        assert left == () or (left[0].endswith("@deleted.invalid"), left[4]) == (True, True), order


async def test_two_events_of_one_instant_are_ordered_by_their_ids(platform: Platform) -> None:
    id = w.unique("org")
    later = w.event("organization.updated", w.organization(id, "B"), T, w.unique("event_z"))
    earlier = w.event("organization.updated", w.organization(id, "A"), T, w.unique("event_a"))
    assert await w.told(platform, later, earlier) == ["applied", "kept"]
    assert platform.rows("select name from organizations where id = %s", id) == [("B",)]


async def test_the_role_of_ones_own_organisation_is_ones_role(platform: Platform) -> None:
    id, organization, member = w.unique("user"), w.unique("org"), w.unique("om")
    await w.told(
        platform,
        w.event("user.created", w.user(id, f"{id}@example.com", T), T),
        w.event("organization_membership.created", w.membership(member, id, organization, "member"), T),
    )
    platform.rows("update users set organization_id = %s where workos_id = %s returning id", organization, id)
    await w.told(
        platform, w.event("organization_membership.updated", w.membership(member, id, organization, "admin"), T + 1)
    )
    assert account(platform, id)[2:4] == ("admin", organization)
    unmapped = w.membership(member, id, organization, "astronaut")
    await w.told(platform, w.event("organization_membership.updated", unmapped, T + 2))
    assert account(platform, id)[2] == "admin", "a role that means nothing here changes nothing"
    assert memberships(platform, id) == [(organization, "astronaut")]
    await w.told(
        platform, w.event("organization_membership.updated", w.membership(member, id, organization, "admin"), T + 3)
    )
    await w.told(
        platform, w.event("organization_membership.deleted", w.membership(member, id, organization, "admin"), T + 4)
    )
    assert account(platform, id)[2:4] == ("user", None), "the role went with the membership"
    assert memberships(platform, id) == []
    ((user_id,),) = platform.rows("select id from users where workos_id = %s", id)
    assert audited(platform, user_id) == ["user.role_changed", "user.role_changed"]


async def test_a_membership_that_rests_is_none(platform: Platform) -> None:
    id, organization, member = w.unique("user"), w.unique("org"), w.unique("om")
    await w.told(
        platform,
        w.event("user.created", w.user(id, f"{id}@example.com", T), T),
        w.event("organization_membership.created", w.membership(member, id, organization), T),
        w.event("organization_membership.updated", w.membership(member, id, organization, status="inactive"), T + 1),
    )
    assert memberships(platform, id) == []
    await w.told(platform, w.event("organization_membership.updated", w.membership(member, id, organization), T + 2))
    assert memberships(platform, id) == [(organization, "user")]


async def test_the_end_of_an_old_membership_does_not_end_the_new_one(platform: Platform) -> None:
    id, organization, old, new = w.unique("user"), w.unique("org"), w.unique("om"), w.unique("om")
    events = [
        w.event("organization_membership.created", w.membership(old, id, organization, "viewer"), T),
        w.event("organization_membership.deleted", w.membership(old, id, organization, "viewer"), T + 1),
        w.event("organization_membership.created", w.membership(new, id, organization, "member"), T + 2),
    ]
    await w.told(
        platform, w.event("user.created", w.user(id, f"{id}@example.com", T), T), events[2], events[1], events[0]
    )
    assert memberships(platform, id) == [(organization, "user")]


async def test_an_organisation_takes_its_memberships_along(platform: Platform) -> None:
    id, organization, member = w.unique("user"), w.unique("org"), w.unique("om")
    events = life(id, organization, member)
    await w.told(platform, *events, w.event("organization.deleted", w.organization(organization), T + 9))
    assert memberships(platform, id) == []
    assert platform.rows("select 1 from organizations where id = %s", organization) == []
    late = w.event("organization_membership.updated", w.membership(member, id, organization), T + 10)
    await w.told(platform, late)
    assert memberships(platform, id) == []


async def test_a_session_that_is_over_at_workos_is_over(platform: Platform) -> None:
    made = await session_of(platform)
    workos_session, data = w.unique("session"), {"object": "session", "status": "revoked"}
    platform.rows(
        "update sessions set workos_session_id = %s where id = %s returning id", workos_session, made["session"]["id"]
    )
    await w.told(platform, w.event("session.revoked", {**data, "id": workos_session, "user_id": "user_1"}, T))
    assert (await platform.result("AUTH", "verify", made["token"]))["code"] == "REVOKED"
    assert audited(platform, made["session"]["id"]) == ["session.created", "session.revoked"]


async def test_who_leaves_a_directory_is_signed_out_of_its_organisation(platform: Platform) -> None:
    inside, outside, organization = w.unique("user"), w.unique("user"), w.unique("org")
    person = w.unique("directory_user")
    for id in (inside, outside):
        await w.told(platform, w.event("user.created", w.user(id, f"{id}@Example.com", T), T))
    membership = w.membership(w.unique("om"), inside, organization)
    await w.told(platform, w.event("organization_membership.created", membership, T))
    ids = {id: platform.rows("select id from users where workos_id = %s", id)[0][0] for id in (inside, outside)}
    sessions = {id: await session_of(platform, ids[id]) for id in ids}
    key = await key_of(platform, ids[inside])
    platform.rows("update api_keys set organization_id = %s where id = %s returning id", organization, key["id"])
    await w.told(
        platform,
        w.event("dsync.user.created", w.directory_user(person, organization, f"{inside}@example.com"), T + 1),
    )
    assert (await platform.result("AUTH", "verify", sessions[inside]["token"]))["code"] == "VALID"
    await w.told(
        platform,
        w.event(
            "dsync.user.updated", w.directory_user(person, organization, f"{inside}@example.com", "inactive"), T + 2
        ),
        w.event("dsync.user.deleted", w.directory_user(w.unique("d"), organization, f"{outside}@example.com"), T + 2),
    )
    codes = [(await platform.result("AUTH", "verify", sessions[id]["token"]))["code"] for id in (inside, outside)]
    assert codes == ["REVOKED", "VALID"], "an organisation's directory says nothing of whom it has no part in"
    assert (await platform.result("AUTH", "verify", key["key"]))["code"] == "REVOKED"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["told before", "told after"])
async def test_the_end_of_a_directory_is_that_of_all_who_were_in_it(platform: Platform, order: Sequence[int]) -> None:
    """WorkOS tells of none of them then."""
    ids = {name: w.unique("user") for name in ("inside", "elsewhere")}
    organization, directory = w.unique("org"), w.unique("directory")
    for id in ids.values():
        membership = w.membership(w.unique("om"), id, organization)
        await w.told(
            platform,
            w.event("user.created", w.user(id, f"{id}@example.com", T), T),
            w.event("organization_membership.created", membership, T),
        )
    other = w.directory_user(w.unique("d"), organization, f"{ids['elsewhere']}@example.com", "active", w.unique("dir"))
    await w.told(platform, w.event("dsync.user.created", other, T + 1))
    users = {name: platform.rows("select id from users where workos_id = %s", id)[0][0] for name, id in ids.items()}
    sessions = {name: await session_of(platform, user) for name, user in users.items()}
    key = await key_of(platform, users["inside"])
    platform.rows("update api_keys set organization_id = %s where id = %s returning id", organization, key["id"])
    person = w.directory_user(w.unique("d"), organization, f"{ids['inside']}@example.com", "active", directory)
    events = [
        w.event("dsync.user.created", person, T + 1),
        w.event("dsync.deleted", w.directory(directory, organization), T + 2),
    ]
    assert await w.told(platform, *(events[index] for index in order)) == ["applied", "applied"]
    codes = {name: (await platform.result("AUTH", "verify", each["token"]))["code"] for name, each in sessions.items()}
    assert codes == {"inside": "REVOKED", "elsewhere": "VALID"}
    assert (await platform.result("AUTH", "verify", key["key"]))["code"] == "REVOKED"
    assert audited(platform, key["id"]) == ["api_key.created", "api_key.revoked"]


@pytest.mark.parametrize(
    "type", ["dsync.activated", "dsync.group.user_added", "organization_domain.verified", "something.new"]
)
async def test_a_type_that_changes_nothing_is_kept(platform: Platform, type: str) -> None:
    told = w.event(type, {"anything": ["at", {"all": None}]}, T)
    assert await w.told(platform, told, told) == ["kept", "known"]
    ((stored,),) = platform.rows("select payload from webhook_events where id = %s", told["id"])
    assert stored == told


async def test_an_event_is_stored_as_it_came(platform: Platform) -> None:
    told = w.event(
        "organization.created", w.organization(w.unique("org"), "Müller & Söhne 日本 '\"; drop table users; --"), T
    )
    await w.told(platform, told)
    assert platform.rows("select type, payload from webhook_events where id = %s", told["id"]) == [
        ("organization.created", told)
    ]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"key": "another secret"}, "INVALID_SIGNATURE"),
        ({"at_s": time.time() - 600}, "STALE_SIGNATURE"),
        ({"at_s": time.time() + 900}, "STALE_SIGNATURE"),
    ],
)
async def test_what_workos_did_not_sign_now_changes_nothing(
    platform: Platform, options: dict[str, Any], code: str
) -> None:
    id = w.unique("user")
    told = w.event("user.created", w.user(id, f"{id}@example.com", T), T)
    problem(await w.deliver(platform, told, **options), 401, code)
    assert account(platform, id) == ()
    assert platform.rows("select 1 from webhook_events where id = %s", told["id"]) == []


async def test_another_body_has_another_signature(platform: Platform, anonymous: httpx.AsyncClient) -> None:
    body = json.dumps(w.event("user.created", w.user("user_x", "x@example.com", T), T)).encode()
    headers = {"content-type": "application/json", "workos-signature": w.signature(body)}
    for changed in (body + b" ", body.replace(b"x@example.com", b"y@example.com"), b""):
        answer = await anonymous.post("/auth/webhooks/workos", content=changed, headers=headers)
        problem(answer, 401, "INVALID_SIGNATURE")
    problem(await anonymous.post("/auth/webhooks/workos", content=body), 401, "INVALID_SIGNATURE")
    problem(await anonymous.get("/auth/webhooks/workos"), 405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "MALFORMED_JSON"),
        (b"[" * 5000, "MALFORMED_JSON"),
        (b"\xff", "MALFORMED_JSON"),
        (b"[]", "INVALID_ARGUMENT"),
        (b'{"id": "event_1", "event": "user.created", "data": {}}', "INVALID_ARGUMENT"),
        (b'{"id": "event_1", "event": "user.created", "data": {}, "created_at": "yesterday"}', "INVALID_ARGUMENT"),
        (b'{"id": "event_1", "event": "user.created", "data": {}, "created_at": "2026-01-01T00:00:00Z"}', "INVALID_ARGUMENT"),
        (b'{"id": "event_1", "event": "user.created", "data": {"id": "u", "email": 1}, "created_at": "2026-01-01T00:00:00Z"}',
         "INVALID_ARGUMENT"),
        (b'{"id": "event_1", "event": "user.created", "data": {"id": "u"}, "created_at": "2026-01-01T00:00:00"}',
         "INVALID_ARGUMENT"),
    ],
)  # fmt: skip
async def test_what_is_signed_but_no_event_is_named(
    platform: Platform, anonymous: httpx.AsyncClient, body: bytes, code: str
) -> None:
    headers = {"content-type": "application/json", "workos-signature": w.signature(body)}
    problem(await anonymous.post("/auth/webhooks/workos", content=body, headers=headers), 400, code)


async def test_the_emulators_own_deliveries_are_taken(platform: Platform) -> None:
    """Its signature has seconds where WorkOS has milliseconds."""
    headers = {"authorization": "Bearer sk_test_default"}
    email = f"{w.unique('emulated')}@example.com"
    async with httpx.AsyncClient(base_url=platform.workos_url, headers=headers) as workos:
        made = (await workos.post("/user_management/users", json={"email": email, "email_verified": True})).json()
        async with asyncio.timeout(30):
            while not account(platform, made["id"]):
                await asyncio.sleep(0.05)
    assert account(platform, made["id"]) == (email, None, "user", None, False)
