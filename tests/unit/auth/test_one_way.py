"""What is refused goes the way of what is unknown, so that the time an answer takes gives nothing away."""

import base64
from typing import Any

import pytest

from auth.domain import api_keys, refresh_tokens
from auth.domain.access_tokens import Bearer
from auth.domain.accounts import Accounts
from auth.domain.audit import Actor
from dotdo.errors import ServiceError
from dotdo.fakes import Deferred, FakeBindings, FakePeer
from tests.unit.auth.any_row import INSTANT, ROW

ACTOR = Actor("rpc", None, None)
KEY = api_keys.generate("live")
TOKEN = refresh_tokens.generate()


def accounts(row: dict[str, Any] | None) -> tuple[Accounts, FakePeer]:
    """Every statement finds this row, or nothing."""

    def query(sql: str, params: list[Any], *options: Any) -> dict[str, Any]:
        return {"rows": [row] if row else [], "rowCount": int(row is not None)}

    db = FakePeer(query=query)
    return Accounts(FakeBindings({"JWT_SECRET": "j" * 32, "JWT_REFRESH_SECRET": "r" * 32}, peers={"DB": db})), db


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


@pytest.mark.parametrize("changes", [{"revoked_at": INSTANT}, {"expired": True}, {"disabled_at": INSTANT}])
async def test_a_refused_access_token_takes_the_way_of_an_unknown_one(changes: dict[str, Any]) -> None:
    known, asked = accounts({**ROW, **changes})
    unknown, asked_too = accounts(None)
    token = await known.tokens.issue(Bearer("usr_1", "x", "user", None, []))
    deferred = Deferred()
    assert not (await known.verifier.verify(token, deferred)).valid
    assert not (await unknown.verifier.verify(token, deferred)).valid
    assert asked.calls == asked_too.calls


@pytest.mark.parametrize("verdict", ["REVOKED", "EXPIRED", "DISABLED", "REFRESH_REUSED"])
async def test_a_refused_refresh_token_takes_the_way_of_an_unknown_one(verdict: str) -> None:
    """Over HTTP too, where whose it is is asked first."""
    known, asked = accounts({**ROW, "verdict": verdict})
    unknown, asked_too = accounts(None)
    for service in (known, unknown):
        await service.session_store.account_of(TOKEN)
        with pytest.raises(ServiceError) as refused:
            await service.session_store.refresh(TOKEN, ACTOR)
        assert refused.value.status == 401
    assert asked.calls == asked_too.calls


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


def test_a_refresh_token_is_a_secret_of_256_bits() -> None:
    tokens = [refresh_tokens.generate() for _ in range(100)]
    assert len(set(tokens)) == 100
    for token in tokens:
        assert refresh_tokens.well_formed(token)
        assert len(base64.urlsafe_b64decode(token + "=")) == 32
    for other in (TOKEN[1:], TOKEN + "A", TOKEN + "\n", TOKEN[1:] + "=", TOKEN[1:] + "+", TOKEN[1:] + "é", ""):
        assert not refresh_tokens.well_formed(other)


def test_tokens_that_were_given_out_stay_good() -> None:
    """Their hashes are in the database already."""
    token, secret = "A" * 43, b"r" * 32
    assert refresh_tokens.stored(token, secret) == "\\x99dafe23293b299b0487e11262897e8f58324a4a69df9c4674ab8c486cc4cbd1"
    assert refresh_tokens.successor_of(token, secret) == "HbRSkM4C9xyPH1fE5vAbGOUTJJKSRVT3d5rmCeFyQNo"
