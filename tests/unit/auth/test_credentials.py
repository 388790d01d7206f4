"""API keys, access tokens, and what `verify` says of them, over a database that is a fake."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.domain import api_keys
from auth.domain.access_tokens import AccessTokens, Bearer
from auth.domain.roles import ROLES, effective_permissions
from auth.domain.verification import Verifier
from dotdo.errors import ServiceError
from dotdo.fakes import Deferred, FakeBindings, FakePeer
from dotdo.ids import BASE62
from dotdo.permissions import permitted
from dotdo.sql import Sql

SECRET = "j" * 32
KEY = api_keys.generate("test")

OWNER: dict[str, Any] = {
    "key_id": "key_1", "scopes": None, "rate_limit": None, "expires_at": None, "revoked_at": None, "expired": None,
    "organization_id": "org_1", "acts_in": "org_1", "user_id": "usr_1", "email": "a@b.c", "role": "user", "disabled_at": None,
    "grants": [], "name": None, "email_verified": True, "user_created_at": "2026-01-01T00:00:00.000Z",
    "user_updated_at": "2026-01-02T00:00:00.000Z", "workos_id": "user_w1", "unused": False,
}  # fmt: skip


def verifier(row: dict[str, Any] | None, environment: str = "development") -> tuple[Verifier, FakePeer]:
    db = FakePeer(query=lambda sql, params, *options: {"rows": [row] if row else [], "rowCount": 1})
    bindings = FakeBindings({"JWT_SECRET": SECRET, "ENVIRONMENT": environment}, peers={"DB": db})
    return Verifier(bindings, Sql(bindings), AccessTokens(bindings)), db


@given(st.sampled_from(["live", "test"]), st.text(BASE62, min_size=32, max_size=32), st.data())
def test_a_key_with_one_wrong_character_is_refused(environment: str, random: str, data: st.DataObject) -> None:
    body = f"sk_{environment}_{random}"
    key = body + api_keys.checksum(body)
    assert api_keys.environment_of(key) == environment
    at = data.draw(st.integers(8, len(key) - 1))
    other = data.draw(st.sampled_from(BASE62).filter(lambda character: character != key[at]))
    assert api_keys.environment_of(key[:at] + other + key[at + 1 :]) is None


@pytest.mark.parametrize(
    "key", ["sk_live_000000000000000000000000000000002UYg5A", "sk_test_0000000000000000000000000000007100GkA8"]
)
def test_the_checksum_is_six_characters_of_what_precedes(key: str) -> None:
    """Keys that were given out: CRC-32 in base 62, in its full length."""
    assert api_keys.checksum(key[:-6]) == key[-6:]
    assert api_keys.environment_of(key) == key[3:7]


@pytest.mark.parametrize("environment", ["live", "test"])
def test_a_new_key_has_thirty_two_characters_that_nobody_knows(environment: api_keys.Environment) -> None:
    keys = [api_keys.generate(environment) for _ in range(100)]
    assert all(re.fullmatch(f"sk_{environment}_[0-9A-Za-z]{{38}}", key) for key in keys)
    assert all(len({key[place] for key in keys}) > 30 for place in range(8, 40)), "each of them"


@pytest.mark.parametrize(
    "text", ["", "sk_", "sk_test_", KEY[:-1], KEY + "a", KEY + "\n", KEY.upper(), KEY.replace("test", "live")]
)
async def test_a_malformed_key_asks_no_database(text: str) -> None:
    verify, db = verifier(OWNER)
    assert (await verify.verify(text, Deferred())).code == "MALFORMED"
    assert db.calls == []


async def test_test_keys_do_not_work_in_production() -> None:
    verify, db = verifier(OWNER, "production")
    assert (await verify.verify(KEY, Deferred())).code == "WRONG_ENVIRONMENT"
    assert db.calls == []


async def test_scopes_narrow_and_never_widen() -> None:
    verify, _ = verifier({**OWNER, "scopes": ["things:read", "admin:everything", "*"]})
    assert (await verify.verify(KEY, Deferred())).permissions == ["things:read"]


@pytest.mark.parametrize("role", [*ROLES, "unknown", ""])
def test_a_role_gives_what_its_row_says(role: str) -> None:
    permissions = effective_permissions(role, None)
    assert permissions == list(ROLES.get(role, ()))
    assert permitted(permissions, "things:write") is (role in ("admin", "user"))
    assert permitted(permissions, "things:private") is (role == "admin")


async def token(age_s: float, secret: str = SECRET) -> str:
    bindings = FakeBindings({"JWT_SECRET": secret})
    bindings.clock.now -= age_s
    return await AccessTokens(bindings).issue(Bearer("usr_1", "ses_1", "admin", None, ["*"]))


SESSION: dict[str, Any] = {
    **OWNER, "id": "ses_1", "expired": False, "device": None, "ip_address": None, "user_agent": None,
    "created_at": "2026-01-01T00:00:00.000Z", "last_seen_at": "2026-01-01T00:00:00.000Z",
}  # fmt: skip


REFUSALS: dict[str, dict[str, Any]] = {
    "REVOKED": {"revoked_at": "2026-01-01T00:00:00.000Z"},
    "EXPIRED": {"expired": True, "expires_at": "2026-01-01T00:00:00.000Z"},
    "DISABLED": {"disabled_at": "2026-01-01T00:00:00.000Z"},
}
NOBODY: dict[str, Any] = {
    "valid": False, "kind": None, "user_id": None, "email": None, "role": None, "organization_id": None, "permissions": [],
    "scopes": None, "session_id": None, "key_id": None, "rate_limit": None, "expires_at": None,
}  # fmt: skip
USER: dict[str, Any] = {
    "id": "usr_1", "email": "a@b.c", "name": "Ann", "role": "user", "organization_id": "org_1", "workos_id": "user_w1",
    "email_verified": True, "disabled": False, "created_at": "2026-01-01T00:00:00.000Z",
    "updated_at": "2026-01-02T00:00:00.000Z",
}  # fmt: skip


async def test_all_that_is_said_of_a_key() -> None:
    row = {**OWNER, "name": "Ann", "rate_limit": 7, "scopes": ["things:read"], "expires_at": "2027-01-01T00:00:00.000Z"}
    judge, db = verifier(row)
    assert (await judge.verify(KEY, Deferred())).model_dump() == {
        "valid": True, "code": "VALID", "kind": "api_key", "user_id": "usr_1", "email": "a@b.c", "role": "user",
        "organization_id": "org_1", "permissions": ["things:read"], "scopes": ["things:read"], "session_id": None,
        "key_id": "key_1", "rate_limit": 7, "expires_at": "2027-01-01T00:00:00.000Z",
    }  # fmt: skip
    assert (len(db.calls), KEY in repr(db.calls), api_keys.key_hash(KEY) in repr(db.calls)) == (1, False, True)
    validation = await judge.validate(KEY, Deferred())
    assert validation.model_dump() == {"valid": True, "user": USER, "session": None, "error": None}
    owner = await judge.api_key_owner(KEY, Deferred())
    assert owner is not None
    assert owner.model_dump() == {**USER, "valid": True}


async def test_all_that_is_said_of_a_token() -> None:
    """It ends when it says so itself, which is before its session."""
    judge, db = verifier({**SESSION, "name": "Ann", "expires_at": "2027-01-01T00:00:00.000Z"})
    presented = await token(60)
    assert (await judge.verify(presented, Deferred())).model_dump() == {
        "valid": True, "code": "VALID", "kind": "user", "user_id": "usr_1", "email": "a@b.c", "role": "user",
        "organization_id": "org_1", "permissions": list(ROLES["user"]), "scopes": None, "session_id": "ses_1",
        "key_id": None, "rate_limit": None, "expires_at": "2026-09-21T14:27:20.000Z",
    }  # fmt: skip
    assert (len(db.calls), presented in repr(db.calls)) == (1, False)
    session = {
        "id": "ses_1", "user_id": "usr_1", "device": None, "ip_address": None, "user_agent": None, "current": False,
        "created_at": "2026-01-01T00:00:00.000Z", "last_seen_at": "2026-01-01T00:00:00.000Z",
        "expires_at": "2027-01-01T00:00:00.000Z",
    }  # fmt: skip
    for validation in (await judge.validate(presented, Deferred()), await judge.validate_session(presented)):
        assert validation.model_dump() == {"valid": True, "user": USER, "session": session, "error": None}


@pytest.mark.parametrize("kind", ["key", "token"])
@pytest.mark.parametrize("code", [*REFUSALS, "missing"])
async def test_of_what_is_refused_nothing_is_said_but_why(kind: str, code: str) -> None:
    row, presented = (OWNER, KEY) if kind == "key" else (SESSION, await token(0))
    judge, db = verifier({**row, **REFUSALS[code]} if code in REFUSALS else None)
    why = {"key": "NOT_FOUND", "token": "REVOKED"}[kind] if code == "missing" else code
    assert (await judge.verify(presented, Deferred())).model_dump() == {**NOBODY, "code": why}
    assert len(db.calls) == 1
    nobody = {"valid": False, "user": None, "session": None, "error": why}
    assert (await judge.validate(presented, Deferred())).model_dump() == nobody
    if kind == "token":
        assert (await judge.validate_session(presented)).model_dump() == nobody
    else:
        assert await judge.api_key_owner(presented, Deferred()) is None


async def test_what_was_revoked_is_so_whatever_else_it_is() -> None:
    all_of_it = {name: value for changes in REFUSALS.values() for name, value in changes.items()}
    order = []
    for name in ("revoked_at", "expired", "disabled_at"):
        judge, _ = verifier({**OWNER, **all_of_it})
        order.append((await judge.verify(KEY, Deferred())).code)
        all_of_it = {**all_of_it, name: None}
    assert order == ["REVOKED", "EXPIRED", "DISABLED"]


@pytest.mark.parametrize("text", [KEY, "", "\ud800.e30.AAAA", "e30.e30.AAAA\n", "e30.e30.\u0661"], ids=repr)
async def test_what_is_no_token_is_no_session(text: str) -> None:
    judge, db = verifier(SESSION)
    assert (await judge.validate_session(text)).error == "MALFORMED"
    assert db.calls == []


@pytest.mark.parametrize(("unused", "deferred"), [(True, 1), (False, 0)])
async def test_the_use_of_a_key_is_written_down_after_the_answer_and_no_more_than_once_a_minute(
    unused: bool, deferred: int
) -> None:
    judge, db = verifier({**OWNER, "unused": unused})
    later = Deferred()
    await judge.verify(KEY, later)
    assert (len(db.calls), len(later.work)) == (1, deferred)
    await later.run()
    written = [params for _, (sql, params, *_) in db.calls if str(sql).lstrip().startswith("update api_keys")]
    assert written == [["key_1"]] * deferred


async def test_a_token_has_the_rights_of_today_not_its_own() -> None:
    verify, _ = verifier(SESSION)
    answer = await verify.verify(await token(0), Deferred())
    assert (answer.code, answer.session_id, answer.role) == ("VALID", "ses_1", "user")
    assert "*" not in answer.permissions


@pytest.mark.parametrize(
    ("age_s", "secret", "code"), [(16 * 60, SECRET, "EXPIRED"), (0, "x" * 32, "NOT_FOUND"), (-120, SECRET, "NOT_FOUND")]
)
async def test_a_token_that_does_not_hold_asks_no_database(age_s: int, secret: str, code: str) -> None:
    verify, db = verifier(SESSION)
    assert (await verify.verify(await token(age_s, secret), Deferred())).code == code
    assert db.calls == []


async def test_a_short_secret_is_a_clear_error() -> None:
    bindings = FakeBindings({"JWT_SECRET": "short"}, peers={"DB": FakePeer()})
    presented = await token(0)
    with pytest.raises(ServiceError) as refused:
        await Verifier(bindings, Sql(bindings), AccessTokens(bindings)).verify(presented, Deferred())
    assert (refused.value.code, "JWT_SECRET" in refused.value.detail) == ("NOT_CONFIGURED", True)


@pytest.mark.parametrize("text", ["", "nonsense", "a.b", "sk_test_x", "a b.c.d", "a.b.c\n"])
async def test_what_is_no_credential_is_not_valid(text: str) -> None:
    judge, db = verifier(OWNER)
    assert (await judge.verify(text, Deferred())).model_dump() == {**NOBODY, "code": "MALFORMED"}
    assert (await judge.validate(text, Deferred())).error == "MALFORMED"
    assert db.calls == []


async def test_without_an_environment_it_is_production() -> None:
    bindings = FakeBindings({"JWT_SECRET": "j" * 32}, peers={"DB": FakePeer()})
    judge = Verifier(bindings, Sql(bindings), AccessTokens(bindings))
    assert (await judge.verify(KEY, Deferred())).code == "WRONG_ENVIRONMENT"
