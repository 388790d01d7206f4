"""Waiting after failures: how long, for whom, how much is kept, and what isolates tell each other of it."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.domain.lockouts import LONGEST_S, PUBLISHED, Lockouts
from dotdo.fakes import Deferred, FakeClock, FakeKv
from dotdo.log import Logger
from dotdo.rate_limits.gossip import Gossip

START_S = 1_790_000_000.25
SUBJECT = "sign-in\nip:203.0.113.7"


def lockouts(longest_s: int = LONGEST_S, max_entries: int = 100) -> Lockouts:
    return Lockouts(b"secret", longest_s, max_entries)


def test_each_failure_doubles_the_wait_from_a_second_to_fifteen_minutes() -> None:
    kept, now_s = lockouts(), START_S
    waits = []
    for _ in range(14):
        kept.failed(SUBJECT, now_s)
        waits.append(kept.left_s(SUBJECT, now_s))
        now_s += waits[-1]
        assert kept.left_s(SUBJECT, now_s) == 0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]


def test_failures_at_once_are_one() -> None:
    kept = lockouts()
    for _ in range(20):
        kept.failed(SUBJECT, START_S)
    assert kept.left_s(SUBJECT, START_S) == 1


@pytest.mark.parametrize(("after_s", "wait_s"), [(899.9, 2), (901, 1)])
def test_a_failure_is_forgotten_a_quarter_of_an_hour_after_its_wait(after_s: float, wait_s: int) -> None:
    kept = lockouts()
    kept.failed(SUBJECT, START_S)
    kept.failed(SUBJECT, START_S + after_s)
    assert kept.left_s(SUBJECT, START_S + after_s) == wait_s


def test_who_gets_in_begins_anew() -> None:
    kept = lockouts()
    kept.failed(SUBJECT, START_S)
    kept.failed(SUBJECT, START_S + 1)
    kept.succeeded(SUBJECT)
    assert kept.left_s(SUBJECT, START_S + 1) == 0
    kept.failed(SUBJECT, START_S + 2)
    assert kept.left_s(SUBJECT, START_S + 2) == 1


def test_nobody_waits_for_another() -> None:
    kept = lockouts()
    kept.failed(SUBJECT, START_S)
    assert kept.left_s("sign-in\nip:203.0.113.8", START_S) == 0
    assert kept.left_s("refresh\nip:203.0.113.7", START_S) == 0


def test_nothing_locks_where_the_longest_is_none() -> None:
    kept = lockouts(longest_s=0)
    kept.failed(SUBJECT, START_S)
    assert (kept.left_s(SUBJECT, START_S), len(kept), kept.hot) == (0, 0, False)


def test_memory_is_bounded() -> None:
    kept = lockouts(max_entries=50)
    for n in range(10_000):
        kept.failed(f"ip:{n}", START_S)
    assert len(kept) == 50
    assert kept.left_s("ip:9999", START_S) == 1


def test_what_is_told_fits_kv_and_names_nobody() -> None:
    kept = lockouts()
    for n in range(100):
        for at in range(4):
            kept.failed(f"ip:203.0.113.{n}", START_S + 2**at - 1)
    told = kept.tell(START_S + 8)
    assert len(told) == PUBLISHED
    text = json.dumps({"t": int(START_S), "d": told}, separators=(",", ":"))
    assert len(text) <= 1024
    assert "203.0" not in text


def test_there_is_news_while_somebody_waits() -> None:
    kept = lockouts()
    assert not kept.hot
    kept.failed(SUBJECT, START_S)
    assert len(kept.tell(START_S)) == 1
    assert kept.hot
    assert kept.tell(START_S + 1) == {}
    assert not kept.hot


def test_another_isolate_goes_on_where_one_was() -> None:
    one, two = lockouts(), lockouts()
    for at in (0, 1, 3):
        one.failed(SUBJECT, START_S + at)
    two.hear([one.tell(START_S + 3)])
    assert 4 <= two.left_s(SUBJECT, START_S + 3) < 5, (
        "what is told is rounded up to seconds, and no longer than its own"
    )
    two.failed(SUBJECT, START_S + 8)
    assert two.left_s(SUBJECT, START_S + 8) == 8
    one.hear([two.tell(START_S + 8)])
    assert one.left_s(SUBJECT, START_S + 9) > 6


DAMAGED = st.lists(
    st.dictionaries(
        st.text(max_size=12),
        st.one_of(
            st.none(), st.text(), st.integers(), st.floats(), st.lists(st.one_of(st.integers(), st.text(), st.none()))
        ),
    )
)


@given(DAMAGED)
def test_damaged_news_raise_nothing_and_lock_nobody_for_longer(told: list[dict[str, object]]) -> None:
    kept = lockouts()
    kept.failed(SUBJECT, START_S)
    kept.hear(told)
    digest = next(iter(lockouts_digests(SUBJECT)))
    kept.hear([{digest: [999, 10**12]}, {digest: [10**9, 1]}, {digest: [-1, 1]}, {digest: [True]}])
    assert 0 <= kept.left_s(SUBJECT, START_S) <= LONGEST_S


def lockouts_digests(subject: str) -> dict[str, object]:
    one = lockouts()
    one.failed(subject, START_S)
    return one.tell(START_S)


def test_isolates_hear_of_it_through_kv_and_kv_failing_changes_nothing() -> None:
    kv, clock = FakeKv(), FakeClock(START_S)
    isolates = [(kept := lockouts(), Gossip(kept, kv, clock, Logger("test"), "lo1/test/")) for _ in range(2)]
    (one, one_tells), (two, two_tells) = isolates
    for _ in range(6):
        one.failed(SUBJECT, clock.now)
        clock.now += one.left_s(SUBJECT, clock.now)
    one.failed(SUBJECT, clock.now)
    two.failed("anybody", clock.now)
    for gossip in (one_tells, two_tells):
        later = Deferred()
        gossip.exchange(later)
        asyncio.run(later.run())
    assert two.left_s(SUBJECT, clock.now) > 30
    kv.fails = True
    one.failed("another", clock.now)
    later = Deferred()
    one_tells.exchange(later)
    asyncio.run(later.run())
    assert one.left_s("another", clock.now - 5) == 1
    assert two.left_s("another", clock.now) == 0
