"""API keys, access tokens, and what `verify` says of them, over a database that is a fake."""

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
    "text", ["", "sk_", "sk_test_", KEY[:-1], KEY + "a", KEY + "\n", KEY.upper(), KEY.replace("test", "live")]
)
async def test_a_malformed_key_asks_no_database(text: str) -> None:
    verify, db = verifier(OWNER)
    assert (await verify.verify(text, Deferred())).code == "MALFORMED"
    assert db.calls == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "VALID"),
        ({"revoked_at": "2026-01-01T00:00:00.000Z"}, "REVOKED"),
        ({"expired": True, "expires_at": "2026-01-01T00:00:00.000Z"}, "EXPIRED"),
        ({"disabled_at": "2026-01-01T00:00:00.000Z"}, "DISABLED"),
        ({"revoked_at": "2026-01-01T00:00:00.000Z", "expired": True}, "REVOKED"),
    ],
)
async def test_a_key_is_as_good_as_its_row(changes: dict[str, Any], code: str) -> None:
    verify, db = verifier({**OWNER, **changes})
    answer = await verify.verify(KEY, Deferred())
    assert (answer.code, answer.valid) == (code, code == "VALID")
    assert len(db.calls) == 1
    assert KEY not in repr(db.calls)
    if code != "VALID":
        assert (answer.user_id, answer.permissions) == (None, [])


async def test_an_unknown_key_is_not_found() -> None:
    verify, _ = verifier(None)
    assert (await verify.verify(KEY, Deferred())).code == "NOT_FOUND"


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


@pytest.mark.parametrize("text", ["", "nonsense", "a.b", "sk_test_x", "a b.c.d"])
async def test_what_is_no_credential_is_not_valid(text: str) -> None:
    judge, db = verifier(OWNER)
    answer = await judge.verify(text, Deferred())
    assert (answer.valid, answer.code, answer.kind, db.calls) == (False, "MALFORMED", None, [])


async def test_without_an_environment_it_is_production() -> None:
    bindings = FakeBindings({"JWT_SECRET": "j" * 32}, peers={"DB": FakePeer()})
    judge = Verifier(bindings, Sql(bindings), AccessTokens(bindings))
    assert (await judge.verify(KEY, Deferred())).code == "WRONG_ENVIRONMENT"
