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


def digest_of(subject: str) -> str:
    one = lockouts()
    one.failed(subject, START_S)
    (digest,) = one.tell(START_S)
    return digest


@pytest.mark.parametrize(
    ("told", "left_s"),
    [
        ([[3, 10], [2, 50]], 4),
        ([[2, 50], [3, 10]], 4),
        ([[3, 10], [3, 5]], 4),
        ([[3, 5], [3, 10]], 4),
        ([[3, 8], [1, 10]], 2),
        ([[1, 10], [1, 9]], 1),
    ],
)
def test_the_worst_that_is_known_counts(told: list[list[int]], left_s: float) -> None:
    """The most failures, and of as many the latest; in whatever order it is heard."""
    one, other = lockouts(), lockouts()
    one.hear([{digest_of(SUBJECT): news} for news in told])
    for news in told:
        other.hear([{digest_of(SUBJECT): news}])
    assert one.left_s(SUBJECT, 10) == other.left_s(SUBJECT, 10) == left_s


def test_what_is_heard_takes_nothing_from_what_is_known() -> None:
    kept = lockouts()
    for at in (0, 1, 3):
        kept.failed(SUBJECT, START_S + at)
    kept.hear([{digest_of(SUBJECT): [2, int(START_S) + 60]}])
    assert kept.left_s(SUBJECT, START_S + 3) == 4


def test_who_failed_longest_ago_is_forgotten_first() -> None:
    kept = lockouts(max_entries=2)
    for subject, at in (("a", 0), ("b", 0), ("a", 1), ("c", 1)):
        kept.failed(subject, START_S + at)
    assert [kept.left_s(subject, START_S + 0.5) > 0 for subject in ("a", "b", "c")] == [True, False, True]


@pytest.mark.parametrize(
    "news",
    [
        None,
        "x",
        5,
        1.5,
        [],
        [3],
        ["3", 10],
        [3, "10"],
        [3, 10.0],
        [3, 10, 1],
        [0, 10],
        [-1, 10],
        [1000, 10],
        [10**9, 1],
    ],
    ids=repr,
)
def test_damaged_news_are_none(news: object) -> None:
    kept = lockouts()
    kept.hear([{digest_of(SUBJECT): news, "other": [1, 10]}])
    assert (kept.left_s(SUBJECT, 10), len(kept)) == (0, 1), "and hide nothing that stands beside them"


def test_nobody_is_locked_for_longer_than_the_longest_whatever_is_told() -> None:
    kept = lockouts()
    kept.hear([{digest_of(SUBJECT): [999, 10**12]}])
    assert kept.left_s(SUBJECT, START_S) == 900


@given(
    st.lists(
        st.dictionaries(
            st.text(max_size=12),
            st.one_of(
                st.none(), st.text(), st.integers(), st.floats(), st.lists(st.integers() | st.text() | st.none())
            ),
        )
    )
)
def test_no_news_break_anything(told: list[dict[str, object]]) -> None:
    kept = lockouts()
    kept.failed(SUBJECT, START_S)
    kept.hear(told)
    assert kept.left_s(SUBJECT, START_S) == 1


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
