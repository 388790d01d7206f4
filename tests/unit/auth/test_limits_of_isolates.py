"""The limits of one isolate: their numbers, how long they lock out, and what it tells the others."""

import pytest

from auth.domain.sign_in_limits import CALLBACK, LIMITS, REFRESH, SignInLimits
from dotdo.errors import ServiceError
from dotdo.fakes import Deferred, FakeBindings, FakeClock, FakeKv
from dotdo.log import Logger
from dotdo.ports import Kv


def test_the_numbers_are_the_specified_ones() -> None:
    assert LIMITS == {"login": 10, "callback": 10, "refresh": 30}


@pytest.mark.parametrize(
    ("longest", "waits"),
    [("60", [1, 2, 4, 8, 16, 32, 60, 60]), ("1", [1, 1, 1]), ("", [1, 2, 4]), ("99999", [1, 2, 4])],
)
def test_the_longest_lock_out_can_be_set(longest: str, waits: list[int]) -> None:
    one = Isolate({}, FakeClock(), LOCKOUT_MAX_S=longest)
    found = []
    for _ in waits:
        one.limits.address_failed(REFRESH, "203.0.113.7")
        with pytest.raises(ServiceError, match="LOCKED_OUT") as refused:
            one.limits.admit_address(REFRESH, "203.0.113.7")
        found.append(int(refused.value.headers["retry-after"]))
        one.bindings.clock.now += found[-1]
    assert found == waits


def test_there_is_none_where_the_longest_is_nothing() -> None:
    one = Isolate({}, FakeClock(), LOCKOUT_MAX_S="0")
    one.limits.address_failed(REFRESH, "203.0.113.7")
    assert one.refused("203.0.113.7") is None


class Isolate:
    def __init__(self, kvs: dict[str, Kv], clock: FakeClock, **texts: str) -> None:
        self.bindings = FakeBindings({"INTERNAL_SECRET": "i" * 32, **texts}, kvs=kvs, clock=clock)
        self.limits = SignInLimits(self.bindings, Logger("auth"))

    async def tell(self) -> None:
        later = Deferred()
        self.limits.tell(later)
        await later.run()

    def fail(self, address: str, times: int) -> None:
        for _ in range(times):
            self.limits.address_failed(REFRESH, address)
            self.bindings.clock.now += 2**times

    def refused(self, address: str) -> str | None:
        try:
            self.limits.admit_address(REFRESH, address)
        except ServiceError as error:
            return error.code
        return None


@pytest.mark.parametrize("state", ["works", "fails", "is not bound"])
async def test_kv_down_lets_nobody_in_and_locks_nobody_out(state: str) -> None:
    limits, lockouts = FakeKv(), FakeKv()
    limits.fails = lockouts.fails = state == "fails"
    kvs: dict[str, Kv] = {} if state == "is not bound" else {"RATE_LIMIT_KV": limits, "SESSIONS_KV": lockouts}
    one, two = (Isolate(kvs, FakeClock(1_790_000_040.0)) for _ in range(2))
    one.fail("203.0.113.7", 8)
    one.limits.address_failed(REFRESH, "203.0.113.7")
    one.limits.account_failed(CALLBACK, "usr_1")
    assert [one.refused("203.0.113.8") for _ in range(31)] == [None] * 30 + ["RATE_LIMITED"]
    two.bindings.clock.now = one.bindings.clock.now
    two.limits.address_failed(REFRESH, "198.51.100.1")
    await one.tell()
    await two.tell()
    assert one.refused("203.0.113.7") == "LOCKED_OUT"
    assert two.refused("203.0.113.7") == ("LOCKED_OUT" if state == "works" else None)
    assert two.refused("203.0.113.9") is None
    entries = repr([limits.entries, lockouts.entries])
    assert "203.0" not in entries
    assert "usr_1" not in entries


async def told_by(**texts: str) -> tuple[str, str, str, str]:
    """The keys, without the isolate's own part, under which limits and lock-outs are told, and whom they are told of."""
    limits, lockouts = FakeKv(), FakeKv()
    one = Isolate({"RATE_LIMIT_KV": limits, "SESSIONS_KV": lockouts}, FakeClock(1_790_000_040.0), **texts)
    for _ in range(9):
        one.limits.admit_account(CALLBACK, "usr_1")
    one.fail("203.0.113.7", 4)
    one.limits.address_failed(REFRESH, "203.0.113.7")
    await one.tell()
    ((limit_key, limit),), ((lockout_key, lockout),) = limits.entries.items(), lockouts.entries.items()
    prefixes = (key.rpartition("/")[0] for key in (limit_key, lockout_key))
    return *prefixes, *(next(iter(news["d"])) for news in (limit, lockout))


async def test_what_is_told_is_of_one_environment_and_under_digests_of_one_secret() -> None:
    """Deployments share a namespace; and without the secret nobody can look up who is meant."""
    staging = await told_by(ENVIRONMENT="staging", INTERNAL_SECRET="a" * 32)
    assert staging[:2] == ("rl1/staging", "lo1/staging")
    assert await told_by(ENVIRONMENT="staging", INTERNAL_SECRET="a" * 32) == staging
    production = await told_by(INTERNAL_SECRET="b" * 32)
    assert production[:2] == ("rl1/production", "lo1/production"), "what is not said is production"
    assert {*staging[2:]}.isdisjoint(production[2:])
