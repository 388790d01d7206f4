"""dotdo.rate_limits.gossip: after the response, one put and one list in five seconds, and nothing ever fails by it."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from dotdo.fakes import Deferred, FakeClock, FakeKv
from dotdo.log import Logger
from dotdo.ports import KvError
from dotdo.rate_limits.gossip import FRESH_S, Gossip
from dotdo.rate_limits.limiter import Limiter
from dotdo.rate_limits.policies import policies


class Isolate:
    def __init__(self, kv: Any, clock: FakeClock, prefix: str = "rl1/test/", log: Logger | None = None) -> None:
        self.clock = clock
        self.limiter = Limiter(policies(), b"secret")
        self.gossip = Gossip(self.limiter, kv, clock, log or Logger("test"), prefix)
        self.later = Deferred()

    def ask(self, times: int, identity: str = "u:1") -> int:
        allowed = sum(self.limiter.take("default", identity, self.clock.now_s()).allowed for _ in range(times))
        self.gossip.exchange(self.later)
        return allowed


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_790_000_040.0)


async def test_nothing_is_told_while_nobody_is_near_a_limit(clock: FakeClock) -> None:
    kv = FakeKv()
    isolate = Isolate(kv, clock)
    isolate.ask(5)
    assert isolate.later.work == []
    assert kv.operations == 0


async def test_one_exchange_at_a_time_with_two_operations(clock: FakeClock) -> None:
    kv = FakeKv()
    isolate = Isolate(kv, clock)
    for _ in range(50):
        isolate.ask(10)
    assert (len(isolate.later.work), kv.operations) == (1, 0)
    began_s = clock.now_s()
    await isolate.later.run()
    assert (kv.operations, clock.now_s() - began_s) == (2, 5)
    ((key, told),) = kv.entries.items()
    assert key.startswith("rl1/test/")
    assert kv.lifetimes_s == {key: 120}
    assert told["t"] == int(clock.now_s())
    assert list(told["d"].values()) == [500]
    isolate.ask(10)
    assert len(isolate.later.work) == 1


async def test_isolates_hear_of_each_other_and_share(clock: FakeClock) -> None:
    kv = FakeKv()
    one, two = Isolate(kv, clock), Isolate(kv, clock)
    assert (one.ask(600), two.ask(600)) == (60, 60), "the first minute, before any news"
    for isolate in (one, two, one):
        await isolate.later.run()
        isolate.ask(1)
    clock.now += 60
    assert one.ask(600) + two.ask(600) < 100
    for isolate in (one, two):
        await isolate.later.run()
    clock.now += 60
    assert one.ask(600) + two.ask(600) <= 66


async def test_old_news_do_not_count_and_what_is_no_news_neither(clock: FakeClock) -> None:
    kv = FakeKv()
    one = Isolate(kv, clock)
    one.ask(600)
    (digest,) = one.limiter.tell(clock.now_s())
    told: list[Any] = [
        {"t": int(clock.now_s() - FRESH_S), "d": {digest: 1e6}}, None, [], "x", {"t": "now", "d": {digest: 1e6}},
        {"t": int(clock.now_s()) + 5, "d": {digest: "1e6"}}, {"t": int(clock.now_s()) + 5, "d": {digest: -5}},
    ]  # fmt: skip
    kv.entries = {f"rl1/test/{n}": entry for n, entry in enumerate(told)}
    await one.later.run()
    clock.now += 120
    assert one.ask(100) == 60


@pytest.mark.parametrize(("age_s", "admitted"), [(75, 1), (76, 60)])
async def test_news_count_for_seventy_five_seconds(clock: FakeClock, age_s: int, admitted: int) -> None:
    """And what is damaged, before or after them, hides none of them."""
    kv = FakeKv()
    one = Isolate(kv, clock)
    one.ask(600)
    (digest,) = one.limiter.tell(clock.now_s())
    now = int(clock.now_s()) + 5
    good = {"t": now - age_s, "d": {"other": "x", digest: 1e6, "more": None}}
    damaged: list[Any] = [None, "x", {"t": now, "d": {digest: "9"}}, {"t": now, "d": {digest: None}}, {"d": {digest: 1e6}},
                          {"t": now, "d": {digest: 1e12}}, {"t": now, "d": {digest: float("nan")}}]  # fmt: skip
    kv.entries = {f"rl1/test/{n}": entry for n, entry in enumerate([*damaged, good, *damaged])}
    await one.later.run()
    assert one.gossip.works
    clock.now += 120 - 5
    assert one.ask(100) == admitted


async def test_what_others_told_ends_when_nothing_more_is_heard(clock: FakeClock) -> None:
    """A flood elsewhere, long ago, keeps nobody from two requests a minute."""
    kv = FakeKv()
    one = Isolate(kv, clock)
    one.ask(60)
    (digest,) = one.limiter.tell(clock.now_s())
    kv.entries = {"rl1/test/other": {"t": int(clock.now_s()) + 5, "d": {digest: 6000.0}}}
    await one.later.run()
    clock.now += 120
    assert one.ask(2) == 1, "the news count while they are fresh"
    assert one.later.work == [], "and so little demand asks for no others"
    for _ in range(5):
        clock.now += FRESH_S
        one.ask(0)
        assert one.ask(2) == 2


async def test_deployments_that_share_a_namespace_do_not_hear_of_each_other(clock: FakeClock) -> None:
    kv = FakeKv()
    one, two = Isolate(kv, clock, "rl1/staging/"), Isolate(kv, clock, "rl1/production/")
    for isolate in (one, two, one):
        isolate.ask(600)
        await isolate.later.run()
    clock.now += 120
    assert one.ask(100) == 60


async def test_kv_that_fails_changes_nothing_but_the_news(clock: FakeClock, logged: Any) -> None:
    kv = FakeKv()
    kv.fails = True
    isolate = Isolate(kv, clock, log=logged.log)
    assert isolate.ask(100) == 60
    await isolate.later.run()
    told = [(line["level"], line["error"]) for line in logged.of("rate_limits.gossip_failed")]
    assert told == [("warn", "KvError('KV put failed: 429 Too Many Requests')")] * 2
    clock.now += 120
    assert isolate.ask(100) == 60
    kv.fails = False
    await isolate.later.run()
    assert len(kv.entries) == 1


async def test_any_number_of_hot_identities_can_be_told(clock: FakeClock) -> None:
    """Eighty addresses at 150 requests a minute, with demands that have a decimal."""
    isolate = Isolate(FakeKv(), clock)
    for wait_s in (97, 0):
        for address in range(80):
            isolate.ask(150, f"ip:{address}")
        clock.now += wait_s
    await isolate.later.run()
    assert isolate.gossip.works


class MuteKv(FakeKv):
    async def put(self, key: str, value: str, *, ttl_s: int, metadata: Mapping[str, object]) -> None:
        raise KvError("KV put failed: 413 Payload Too Large")


async def test_who_cannot_tell_hears_all_the_same(clock: FakeClock) -> None:
    kv = MuteKv()
    isolate = Isolate(kv, clock)
    isolate.ask(60)
    (digest,) = isolate.limiter.tell(clock.now_s())
    kv.entries = {"rl1/test/other": {"t": int(clock.now_s()) + 5, "d": {digest: 600.0}}}
    await isolate.later.run()
    assert not isolate.gossip.works, "the others do not hear of this one"
    clock.now += 120
    assert isolate.ask(60) < 60


class SilentKv:
    async def put(self, key: str, value: str, *, ttl_s: int, metadata: Mapping[str, object]) -> None:
        await asyncio.Event().wait()

    async def list(self, prefix: str) -> list[tuple[str, Any]]:
        await asyncio.Event().wait()
        return []


def test_kv_that_does_not_answer_is_given_up(clock: FakeClock, run_at_once: Callable[..., Any]) -> None:
    isolate = Isolate(SilentKv(), clock)
    isolate.ask(100)
    run_at_once(isolate.later.run())
    assert isolate.ask(100) == 0
    assert len(isolate.later.work) == 1, "and tried again"


async def test_an_exchange_that_the_runtime_ended_does_not_stop_the_next(clock: FakeClock) -> None:
    isolate = Isolate(FakeKv(), clock)
    isolate.ask(100)
    isolate.later = Deferred()
    isolate.ask(100)
    assert isolate.later.work == []
    for after_s, begun in (49.5, 0), (0.5, 1):
        clock.now += after_s
        isolate.ask(100)
        assert len(isolate.later.work) == begun
