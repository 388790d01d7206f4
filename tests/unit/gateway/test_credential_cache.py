"""What auth said of a credential is believed for a while, and not a moment longer."""

from typing import Any

import pytest

from dotdo.errors import ServiceError, unavailable
from dotdo.fakes import FakeClock, FakePeer
from dotdo.instants import rfc3339
from gateway.credentials import CAPACITY, Credentials
from gateway.lru import Lru

VALID_S, INVALID_S = 30.0, 5.0
"""As documented."""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def refusal(credentials: Credentials, credential: str, auth: FakePeer) -> str:
    with pytest.raises(ServiceError) as refused:
        await credentials.identify(credential, auth)
    assert refused.value.status == 401
    return refused.value.code


async def test_a_known_credential_costs_no_call(clock: FakeClock, verified_as: Any) -> None:
    auth, credentials = FakePeer(verify=lambda credential: verified_as("viewer")), Credentials(clock)
    first = await credentials.identify("key", auth)
    clock.now += VALID_S - 0.1
    assert await credentials.identify("key", auth) is first
    assert len(auth.calls) == 1
    clock.now += 0.1
    await credentials.identify("key", auth)
    assert len(auth.calls) == 2


async def test_revocation_is_seen_within_its_bound(clock: FakeClock, verified_as: Any) -> None:
    answers: list[object] = [verified_as("viewer"), {"valid": False, "code": "REVOKED"}, verified_as("admin")]
    auth, credentials = FakePeer(verify=lambda credential: answers.pop(0)), Credentials(clock)
    await credentials.identify("key", auth)
    clock.now += VALID_S
    assert await refusal(credentials, "key", auth) == "REVOKED"
    clock.now += INVALID_S - 0.1
    assert await refusal(credentials, "key", auth) == "REVOKED"
    assert len(auth.calls) == 2
    clock.now += 0.1
    assert (await credentials.identify("key", auth)).identity.role == "admin", "and so is what makes it valid again"


async def test_nothing_is_believed_beyond_its_own_end(clock: FakeClock, verified_as: Any) -> None:
    ends = rfc3339(clock.now + 3)
    auth = FakePeer(verify=lambda credential: verified_as("viewer", expiresAt=ends))
    credentials = Credentials(clock)
    await credentials.identify("key", auth)
    clock.now += 3
    await credentials.identify("key", auth)
    assert len(auth.calls) == 2


async def test_auth_that_is_down_is_asked_again(clock: FakeClock, verified_as: Any) -> None:
    answers: list[object] = [None, verified_as("viewer")]

    def verify(credential: str) -> object:
        if (answer := answers.pop(0)) is None:
            raise unavailable("the auth service does not answer")
        return answer

    auth, credentials = FakePeer(verify=verify), Credentials(clock)
    with pytest.raises(ServiceError, match="UNAVAILABLE"):
        await credentials.identify("key", auth)
    assert (await credentials.identify("key", auth)).identity.role == "viewer"


async def test_guesses_push_nobody_out_and_nothing_grows(clock: FakeClock, verified_as: Any) -> None:
    auth = FakePeer(verify=lambda key: verified_as("viewer") if key == "key" else {"valid": False, "code": "NOT_FOUND"})
    credentials = Credentials(clock, capacity=10)
    await credentials.identify("key", auth)
    for guess in range(50):
        await refusal(credentials, str(guess), auth)
    calls = len(auth.calls)
    await credentials.identify("key", auth)
    assert len(auth.calls) == calls


async def test_no_credential_is_kept(clock: FakeClock, verified_as: Any) -> None:
    credentials = Credentials(clock)
    secret = "sk_test_very-secret"
    await credentials.identify(secret, FakePeer(verify=lambda credential: verified_as("viewer")))
    await refusal(credentials, "wrong-" + secret, FakePeer(verify=lambda _: {"valid": False, "code": "NOT_FOUND"}))
    kept = [vars(credentials._valid), vars(credentials._invalid)]
    assert secret not in repr(kept)


def test_the_longest_unused_entry_goes_first() -> None:
    lru: Lru[int] = Lru(2)
    lru.put(b"a", 1, 10)
    lru.put(b"b", 2, 10)
    assert lru.get(b"a", 0) == 1
    lru.put(b"c", 3, 10)
    assert [lru.get(key, 0) for key in (b"a", b"b", b"c")] == [1, None, 3]
    assert (len(lru), CAPACITY) == (2, 5_000)


def test_an_entry_that_is_put_again_is_the_latest() -> None:
    lru: Lru[int] = Lru(2)
    for key, value in (b"a", 1), (b"b", 2), (b"a", 3), (b"c", 4):
        lru.put(key, value, 10)
    assert [lru.get(key, 0) for key in (b"a", b"b", b"c")] == [3, None, 4]


def test_an_entry_that_has_ended_is_let_go() -> None:
    lru: Lru[int] = Lru(2)
    lru.put(b"a", 1, 10)
    assert (lru.get(b"a", 9.9), len(lru)) == (1, 1)
    assert (lru.get(b"a", 10), len(lru)) == (None, 0)
