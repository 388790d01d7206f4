"""Making API keys: shown once, stored as a hash, never worth more than their owner."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.domain import api_keys
from auth.domain.key_store import KeyStore
from auth.domain.roles import ROLES, effective_permissions
from dotdo.contracts.auth.models import CreateApiKeyInput
from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings, FakePeer
from dotdo.permissions import permitted
from dotdo.sql import Sql


def store(role: str | None) -> tuple[KeyStore, FakePeer]:
    def query(sql: str, params: list[Any]) -> dict[str, Any]:
        if sql.startswith("select role"):
            rows = [{"role": role}] if role else []
        else:
            names = ("user_id", "name", "key_hash", "prefix", "last4", "environment", "scopes", "expires_at")
            row = dict(zip(names, params, strict=True))
            kept = {name: row[name] for name in names[3:] + names[1:2]}
            rows = [{**kept, "id": "key_1", "created_at": "2026-11-23T10:00:00.000Z"}]
        return {"rows": rows, "rowCount": len(rows)}

    db = FakePeer(query=query)
    bindings = FakeBindings(peers={"DB": db})
    return KeyStore(Sql(bindings), bindings.clock), db


def wanted(**fields: Any) -> CreateApiKeyInput:
    return CreateApiKeyInput.model_validate({"user_id": "usr_1", "name": "ci", **fields}, by_name=True)


async def test_the_clear_key_is_in_the_answer_and_nowhere_else() -> None:
    keys, db = store("user")
    made = await keys.create(wanted(environment="test"))
    assert api_keys.environment_of(made.key) == "test"
    assert (made.prefix, made.last4) == (made.key[:12], made.key[-4:])
    assert made.key not in repr(db.calls)
    assert api_keys.key_hash(made.key) in repr(db.calls)
    assert (made.scopes, made.expires_at) == (None, None)


async def test_an_expiry_is_counted_from_now() -> None:
    keys, _ = store("user")
    assert (await keys.create(wanted(expires_in_days=30))).expires_at == "2026-10-21T14:13:20+00:00"


@pytest.mark.parametrize(
    ("role", "scopes"),
    [("viewer", ["things:write"]), ("user", ["things:read", "*"]), ("user", ["things:*"]), ("unknown", ["x:y"])],
)
async def test_a_scope_the_owner_lacks_makes_no_key(role: str, scopes: list[str]) -> None:
    keys, db = store(role)
    with pytest.raises(ServiceError) as refused:
        await keys.create(wanted(scopes=scopes))
    assert (refused.value.code, refused.value.status) == ("SCOPE_EXCEEDS_OWNER", 403)
    assert len(db.calls) == 1


async def test_a_key_needs_an_owner_who_may_sign_in() -> None:
    with pytest.raises(ServiceError) as refused:
        await store(None)[0].create(wanted())
    assert refused.value.code == "NOT_FOUND"


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
