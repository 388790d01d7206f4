"""Making API keys: shown once, stored as a hash, never worth more than their owner."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.domain import api_keys
from auth.domain.audit import Actor
from auth.domain.key_store import KeyStore, Maker
from auth.domain.roles import ROLES, effective_permissions
from dotdo.contracts.auth.models import ApiKeyBody
from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings, FakePeer
from dotdo.permissions import permitted
from dotdo.sql import Sql

RPC = Maker(Actor("rpc", None, "req_1"))


def store(role: str | None, **maker: Any) -> tuple[KeyStore, FakePeer]:
    def query(sql: str, params: list[Any], *options: Any) -> dict[str, Any]:
        if sql.strip().startswith("select u.role"):
            found = {
                "role": role, "organization_id": None, "acts_in": None, "grants": [], "maker_environment": None,
                "maker_expires_at": None, **maker,
            }  # fmt: skip
            rows = [found] if role else []
        else:
            assert params[:3] == ["rpc", None, "req_1"]
            names = (
                "user_id",
                "name",
                "key_hash",
                "prefix",
                "last4",
                "environment",
                "scopes",
                "rate_limit",
                "expires_at",
                "organization_id",
                "credential",
                "room",
            )
            row = dict(zip(names, params[3:], strict=True))
            kept = {name: row[name] for name in names if name not in ("user_id", "key_hash", "credential", "room")}
            made = "2026-11-23T10:00:00.000Z"
            rest = {
                "id": "key_1",
                "revoked_at": None,
                "last_used_at": None,
                "created_at": made,
            }
            rows = [{**kept, **rest}]
        return {"rows": rows, "rowCount": len(rows)}

    def transaction(statements: list[dict[str, Any]]) -> dict[str, Any]:
        *before, made = statements
        return {"results": [*({"rows": []} for _ in before), query(made["sql"], made["params"])]}

    db = FakePeer(query=query, transaction=transaction)
    bindings = FakeBindings(peers={"DB": db})
    return KeyStore(Sql(bindings), bindings.clock), db


def wanted(**fields: Any) -> ApiKeyBody:
    return ApiKeyBody.model_validate({"name": "ci", **fields}, by_name=True)


async def test_the_clear_key_is_in_the_answer_and_nowhere_else() -> None:
    keys, db = store("user")
    made = await keys.create("usr_1", wanted(environment="test"), RPC)
    assert api_keys.environment_of(made.key) == "test"
    assert (made.prefix, made.last4) == (made.key[:12], made.key[-4:])
    assert made.key not in repr(db.calls)
    assert api_keys.key_hash(made.key) in repr(db.calls)
    assert (made.scopes, made.expires_at) == (None, None)


async def test_an_expiry_is_counted_from_now() -> None:
    keys, _ = store("user")
    assert (await keys.create("usr_1", wanted(expires_in_days=30), RPC)).expires_at == "2026-10-21T14:13:20+00:00"


@pytest.mark.parametrize(
    ("role", "scopes"),
    [("viewer", ["things:write"]), ("user", ["things:read", "*"]), ("user", ["things:*"]), ("unknown", ["x:y"])],
)
async def test_a_scope_the_owner_lacks_makes_no_key(role: str, scopes: list[str]) -> None:
    keys, db = store(role)
    with pytest.raises(ServiceError) as refused:
        await keys.create("usr_1", wanted(scopes=scopes), RPC)
    assert (refused.value.code, refused.value.status) == ("SCOPE_EXCEEDS_OWNER", 403)
    assert len(db.calls) == 1


async def test_a_key_needs_an_owner_who_may_sign_in() -> None:
    with pytest.raises(ServiceError) as refused:
        await store(None)[0].create("usr_1", wanted(), RPC)
    assert refused.value.code == "NOT_FOUND"


@pytest.mark.parametrize(
    ("days", "makers", "expiry"),
    [
        (30, "2026-10-01T00:00:00.000Z", "2026-10-01T00:00:00.000Z"),
        (None, "2026-10-01T00:00:00.000Z", "2026-10-01T00:00:00.000Z"),
        (1, "2026-10-01T00:00:00.000Z", "2026-09-22T14:13:20+00:00"),
        (None, None, None),
    ],
)
async def test_a_key_does_not_outlive_its_maker(days: int | None, makers: str | None, expiry: str | None) -> None:
    keys, _ = store("user", maker_environment="live", maker_expires_at=makers)
    maker = Maker(RPC.actor, ["things:read"], "key_0")
    made = await keys.create("usr_1", wanted(expires_in_days=days), maker)
    assert (made.expires_at, made.scopes) == (expiry, ["things:read"])


async def test_a_limit_of_its_own_is_for_who_is_an_administrator_now() -> None:
    believed = Maker(RPC.actor, ["*"])
    with pytest.raises(ServiceError) as refused:
        await store("user")[0].create("usr_1", wanted(rate_limit=1000), believed)
    assert refused.value.code == "FORBIDDEN"
    for role, maker in (("admin", believed), ("user", RPC)):
        assert (await store(role)[0].create("usr_1", wanted(rate_limit=1000), maker)).rate_limit == 1000


GRANTS = st.one_of(
    st.sampled_from(["*", "*:*", ":", "", "things", "things:*", ":*"]),
    st.builds(
        "{}:{}".format,
        st.sampled_from(["things", "search", "ai", "admin", "*"]),
        st.sampled_from(["read", "write", "*", "private"]),
    ),
)


@given(st.sampled_from([*ROLES, "unknown"]), st.lists(GRANTS), GRANTS)
def test_scopes_never_add_anything_to_a_role(role: str, scopes: list[str], asked: str) -> None:
    if permitted(effective_permissions(role, scopes), asked):
        assert permitted(effective_permissions(role, None), asked)
        assert permitted(scopes, asked)
