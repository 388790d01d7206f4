"""How often each operation asks the database: what a platform pays for on every request."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from auth.domain import api_keys, refresh_tokens
from auth.domain.access_tokens import Bearer
from auth.domain.accounts import Accounts
from auth.domain.arrivals import Arrival
from auth.domain.audit import Actor
from auth.domain.key_store import Maker
from dotdo.contracts.auth.models import ApiKeyBody, ListQuery, RotateInput
from dotdo.contracts.auth.rights import AuditQuery
from dotdo.errors import ServiceError
from dotdo.fakes import Deferred, FakeBindings, FakePeer

ACTOR = Actor("rpc", None, None)
KEY = api_keys.generate("live")
TOKEN = refresh_tokens.generate()
INSTANT = "2026-11-23T10:00:00.000Z"

# A row that is every row: what each statement would find for a user in good standing.
ROW: dict[str, Any] = {
    "id": "x", "user_id": "usr_1", "key_id": "key_1", "role": "user", "organization_id": None, "grants": [], "scopes": None,
    "email": "a@b.c", "name": "n", "email_verified": True, "disabled_at": None, "user_created_at": INSTANT,
    "revoked_at": None, "expired": False, "unused": True, "rate_limit": None, "expires_at": None, "verdict": "ROTATE",
    "workos_session_id": None, "is_new": True, "is_applied": True,
    "maker_environment": None, "maker_expires_at": None, "environment": "live",
}  # fmt: skip
KEY_ROW: dict[str, Any] = {
    "id": "key_2", "name": "n", "prefix": "sk_live_aaaa", "last4": "aaaa", "environment": "live", "scopes": None,
    "organization_id": None, "rate_limit": None, "expires_at": None, "revoked_at": None, "last_used_at": None,
    "created_at": INSTANT,
}  # fmt: skip
SESSION_ROW: dict[str, Any] = {
    "device": None, "ip_address": None, "user_agent": None, "created_at": INSTANT, "last_seen_at": INSTANT,
    "expires_at": INSTANT,
}  # fmt: skip

ARRIVAL = Arrival("user_1", "a@b.c", True, None)
EVENT = json.dumps(
    {"id": "event_1", "event": "user.created", "data": {"id": "user_1", "email": "a@b.c"}, "created_at": INSTANT}
).encode()

Operation = Callable[[Accounts, Deferred], Coroutine[Any, Any, Any]]


async def _token(accounts: Accounts) -> str:
    return await accounts.tokens.issue(Bearer("usr_1", "x", "user", None, []))


async def _verify_token(accounts: Accounts, defer: Deferred) -> None:
    assert (await accounts.verifier.verify(await _token(accounts), defer)).code == "VALID"


async def _verify_key(accounts: Accounts, defer: Deferred) -> None:
    assert (await accounts.verifier.verify(KEY, defer)).code == "VALID"


async def _validate_session(accounts: Accounts, defer: Deferred) -> None:
    assert (await accounts.verifier.validate_session(await _token(accounts))).valid


async def _open(accounts: Accounts, defer: Deferred) -> None:
    await accounts.session_store.open("u", ACTOR, device=None, address=None, user_agent=None)


OPERATIONS: dict[str, tuple[int, Operation]] = {
    "verify a key": (1, _verify_key),
    "verify a token": (1, _verify_token),
    "validateApiKey": (1, lambda accounts, defer: accounts.verifier.api_key_owner(KEY, defer)),
    "validateToken of a key": (1, lambda accounts, defer: accounts.verifier.validate(KEY, defer)),
    "validateSession": (1, _validate_session),
    "createSession": (1, _open),
    "refreshSession": (1, lambda accounts, _: accounts.session_store.refresh(TOKEN, ACTOR)),
    "getSession": (1, lambda accounts, _: accounts.session_store.get("x")),
    "listSessions": (1, lambda accounts, _: accounts.session_store.of_user("u")),
    "revokeSession": (1, lambda accounts, _: accounts.session_store.revoke("x", ACTOR)),
    "listApiKeys": (1, lambda accounts, _: accounts.keys.page("u", ListQuery())),
    "revokeApiKey": (1, lambda accounts, _: accounts.keys.revoke("u", "x", ACTOR)),
    "createApiKey": (2, lambda accounts, _: accounts.keys.create("u", ApiKeyBody(name="n"), Maker(ACTOR))),
    "rotateApiKey": (2, lambda accounts, _: accounts.keys.rotate("u", "x", RotateInput(), Maker(ACTOR))),
    "checkPermission": (1, lambda accounts, _: accounts.grants.check("u", "things:read", None)),
    "getUser": (1, lambda accounts, _: accounts.users.get("u")),
    "updateUserRole": (1, lambda accounts, _: accounts.users.change_role("u", "user", ACTOR)),
    "a sign-in's account": (1, lambda accounts, _: accounts.arrivals.of_user(ARRIVAL, ACTOR)),
    "signing out": (1, lambda accounts, _: accounts.session_store.sign_out("x", TOKEN, ACTOR)),
    "an event of WorkOS": (1, lambda accounts, _: accounts.events.take(EVENT)),
    "audit": (1, lambda accounts, _: accounts.audit.page(AuditQuery())),
}  # fmt: skip


def accounts(row: dict[str, Any] | None) -> tuple[Accounts, FakePeer]:
    def query(sql: str, params: list[Any]) -> dict[str, Any]:
        if row is None or "from audit_log" in sql:
            return {"rows": [], "rowCount": 0}
        if "sessions" in sql:
            return {"rows": [{**SESSION_ROW, **row, "expires_at": INSTANT}], "rowCount": 1}
        made = "insert into api_keys" in sql or "order by id desc" in sql
        return {"rows": [KEY_ROW if made else row], "rowCount": 1}

    def transaction(statements: list[dict[str, Any]]) -> dict[str, Any]:
        return {"results": [query(one["sql"], one["params"]) for one in statements]}

    db = FakePeer(query=query, transaction=transaction)
    return Accounts(FakeBindings({"JWT_SECRET": "j" * 32, "JWT_REFRESH_SECRET": "r" * 32}, peers={"DB": db})), db


@pytest.mark.parametrize("name", OPERATIONS)
async def test_an_operation_asks_so_often(name: str) -> None:
    count, operation = OPERATIONS[name]
    service, db = accounts(ROW)
    deferred = Deferred()
    await operation(service, deferred)
    assert len(db.calls) == count
    await deferred.run()


async def test_that_a_key_was_used_is_written_afterwards_and_once_a_minute() -> None:
    service, db = accounts(ROW)
    deferred = Deferred()
    await service.verifier.verify(KEY, deferred)
    assert len(db.calls) == 1
    await deferred.run()
    assert "update api_keys set last_used_at" in db.calls[1][1][0]  # type: ignore[operator]
    service, db = accounts({**ROW, "unused": False})
    await service.verifier.verify(KEY, deferred)
    assert deferred.work == []


@pytest.mark.parametrize("changes", [{"revoked_at": INSTANT}, {"expired": True}, {"disabled_at": INSTANT}])
async def test_a_refused_key_takes_the_way_of_an_unknown_one(changes: dict[str, Any]) -> None:
    """The same work for both: how long the answer takes says nothing of whether a key exists."""
    known, asked = accounts({**ROW, **changes})
    unknown, asked_too = accounts(None)
    deferred = Deferred()
    assert not (await known.verifier.verify(KEY, deferred)).valid
    assert not (await unknown.verifier.verify(KEY, deferred)).valid
    assert asked.calls == asked_too.calls
    assert deferred.work == []


async def test_a_malformed_refresh_token_asks_nothing() -> None:
    service, db = accounts(ROW)
    with pytest.raises(ServiceError, match="MALFORMED"):
        await service.session_store.refresh("x" * 42, ACTOR)
    assert db.calls == []


def test_a_successor_is_the_same_for_the_same_token_and_secret_alone() -> None:
    one, other = b"r" * 32, b"s" * 32
    assert refresh_tokens.successor_of(TOKEN, one) == refresh_tokens.successor_of(TOKEN, one)
    assert refresh_tokens.well_formed(refresh_tokens.successor_of(TOKEN, one))
    made = {
        refresh_tokens.successor_of(TOKEN, one), refresh_tokens.successor_of(TOKEN, other), refresh_tokens.stored(TOKEN, one),
        refresh_tokens.stored(TOKEN, other), TOKEN, refresh_tokens.successor_of(refresh_tokens.successor_of(TOKEN, one), one),
    }  # fmt: skip
    assert len(made) == 6
