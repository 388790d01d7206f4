"""dotdo.rate_limits.limiter: one isolate by itself is exact, with news of others it admits its share."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dotdo.errors import ServiceError
from dotdo.rate_limits.fields import header_fields, too_many_requests
from dotdo.rate_limits.limiter import Limiter
from dotdo.rate_limits.policies import LIMITS, policies

START_S = 1_790_000_040.0 - 1_790_000_040.0 % 60


def limiter(**limits: int) -> Limiter:
    return Limiter(policies(" ".join(f"{name}={limit}" for name, limit in limits.items())), b"secret")


SPECIFIED = {"default": 60, "ai": 20, "batch": 5, "workflows": 30, "auth": 10, "webhooks": 300, "ip": 300}


def test_the_numbers_are_the_specified_ones() -> None:
    assert {name: policy.limit for name, policy in policies().items()} == LIMITS == SPECIFIED
    assert all(name == policy.name for name, policy in policies().items())


@pytest.mark.parametrize(("policy", "limit"), SPECIFIED.items())
def test_exactly_the_limit_is_admitted_in_a_window(policy: str, limit: int) -> None:
    one = limiter()
    assert sum(one.take(policy, "u:1", START_S + n / 100).allowed for n in range(limit * 3)) == limit


def test_identities_and_classes_count_apart() -> None:
    one = limiter()
    for _ in range(LIMITS["default"]):
        assert one.take("default", "u:1", START_S).allowed
    assert not one.take("default", "u:1", START_S).allowed
    assert one.take("default", "u:2", START_S).allowed
    assert one.take("ai", "u:1", START_S).allowed


def test_a_limit_of_the_keys_own_replaces_the_class_s() -> None:
    one = limiter()
    assert [one.take("default", "k:1", START_S, 2).allowed for _ in range(3)] == [True, True, False]


@given(st.lists(st.floats(0, 3), min_size=1, max_size=300))
def test_no_minute_of_any_sequence_admits_more_than_the_window_allows(gaps: list[float]) -> None:
    """Within an aligned window never more than the limit; in any rolling minute less than twice of it."""
    one, now_s, admitted = limiter(), START_S, list[float]()
    for gap in gaps:
        now_s += gap
        if one.take("workflows", "u:1", now_s).allowed:
            admitted.append(now_s)
    for start_s in admitted:
        within = [at for at in admitted if start_s <= at < start_s + 60]
        assert len(within) < 2 * LIMITS["workflows"]
        aligned = [at for at in admitted if at // 60 == start_s // 60]
        assert len(aligned) <= LIMITS["workflows"]


@given(st.lists(st.floats(0, 30), min_size=1, max_size=100))
@example([0.0] * 6)
def test_who_comes_back_when_told_is_let_in(gaps: list[float]) -> None:
    one, now_s = limiter(), START_S
    for gap in gaps:
        now_s += gap
        decision = one.take("batch", "u:1", now_s)
        if not decision.allowed:
            assert 1 <= decision.reset_s <= 120
            now_s += decision.reset_s
            assert one.take("batch", "u:1", now_s).allowed


def test_news_of_others_make_it_a_share() -> None:
    one = limiter()
    (digest,) = _digest(one)
    one.learn({digest: 300.0})
    minutes = [
        sum(one.take("default", "u:1", start_s + n / 5).allowed for n in range(300))
        for start_s in (START_S + 120, START_S + 180)
    ]
    assert minutes[1] in range(25, 31), "half of the limit, for half of the demand"


def test_there_is_always_a_share_of_one_and_it_is_no_more() -> None:
    one = limiter()
    (digest,) = _digest(one)
    one.learn({digest: 1e8})
    assert [one.take("default", "u:1", START_S + 120).allowed for _ in range(3)] == [True, False, False]


def test_as_long_as_all_together_are_within_the_limit_there_are_no_shares() -> None:
    one = limiter()
    (digest,) = _digest(one)
    one.learn({digest: 50.0})
    decisions = [one.take("default", "u:1", START_S + 120) for _ in range(11)]
    assert [decision.remaining for decision in decisions] == [*range(59, 49, -1), 0], "ten and fifty are the limit"


def _digest(one: Limiter) -> dict[str, float]:
    for _ in range(10):
        one.take("default", "u:1", START_S)
    return one.tell(START_S)


def test_memory_is_bounded() -> None:
    one = Limiter(policies(), b"secret", max_cells=100)
    for n in range(1_000):
        one.take("ip", str(n), START_S)
    assert len(one) == 100


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ([{"a": 1.5, "b": 2}, {"a": 3}], {"a": 4.5, "b": 2}),
        ([{"a": 5}, {"a": "9", "b": 1}], {"a": 5, "b": 1}),
        ([{"a": None}, {"a": 5}], {"a": 5}),
        ([{"a": -1}, {"a": 5}], {"a": 5}),
        ([{"a": 1e9}, {"a": 5}], {"a": 5}),
        ([{"a": float("nan")}, {"a": 5}], {"a": 5}),
        ([{"a": float("inf")}, {"a": [5]}, {"a": {}}, {}], {}),
        ([{"a": 0.5}, {"a": 999_999_999}], {"a": 999_999_999.5}),
    ],
)
def test_what_is_no_demand_is_left_out_and_the_rest_adds_up(
    told: list[dict[str, object]], known: dict[str, float]
) -> None:
    one = limiter()
    one.hear(told)
    assert one._elsewhere == known


def test_as_many_are_told_of_as_fit_and_nobody_by_name() -> None:
    one = limiter()
    for user in range(100):
        for _ in range(6 + user):
            one.take("default", f"u:{user}", START_S)
    told = one.tell(START_S)
    assert len(told) in range(50, 65)
    assert min(told.values()) == 106 - len(told), "those that ask for most"
    assert all(len(digest) == 8 for digest in told)
    assert not one.hot


def test_who_asks_for_the_greatest_part_of_its_limit_is_told_of_first() -> None:
    one = limiter(ip=1_000)
    for address in range(70):
        for _ in range(100):
            one.take("ip", str(address), START_S)
    for _ in range(10):
        one.take("auth", "ip:192.0.2.7", START_S)
    assert next(iter(one.tell(START_S).values())) == 10


@given(st.lists(st.floats(6, 1e12), min_size=60, max_size=80), st.floats(0, 59))
def test_what_is_told_fits_into_kvs_metadata(demands: list[float], after_s: float) -> None:
    one = limiter()
    for user, demand in enumerate(demands):
        one.take("default", f"u:{user}", START_S)
        one._cells["default", f"u:{user}"].offered = int(demand)
    told: dict[str, Any] = {"t": int(START_S), "d": one.tell(START_S + 60 + after_s)}
    assert len(json.dumps(told, separators=(",", ":"))) <= 1024
    assert len(told["d"]) >= 30


def test_what_is_told_is_the_demand_of_the_minute() -> None:
    one = limiter()
    for _ in range(60):
        one.take("default", "u:1", START_S)
    assert [list(one.tell(START_S + after_s).values()) for after_s in (0, 60, 90, 119)] == [[60]] * 4
    assert one.tell(START_S + 120) == {}, "nobody has asked for a whole minute"


@pytest.mark.parametrize(("times", "told"), [(5, False), (6, True)])
def test_who_asks_for_a_tenth_of_its_limit_is_told_of(times: int, told: bool) -> None:
    one = limiter()
    for _ in range(times):
        one.take("default", "u:1", START_S)
    assert (one.hot, bool(one.tell(START_S))) == (told, told)


def test_the_fields_of_a_response() -> None:
    decision = limiter().take("default", "u:1", START_S + 18)
    assert header_fields(decision, START_S + 18) == [
        ("ratelimit-policy", '"default";q=60;w=60'), ("ratelimit", '"default";r=59;t=42'),
        ("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", "59"), ("x-ratelimit-reset", str(int(START_S) + 60)),
    ]  # fmt: skip


def test_a_refusal_says_when_to_come_back_and_which_class() -> None:
    one = limiter(batch=1)
    one.take("batch", "u:1", START_S)
    error = too_many_requests(one.take("batch", "u:1", START_S + 30))
    assert (error.status, error.code, error.retryable) == (429, "RATE_LIMITED", True)
    assert error.headers == {"retry-after": "90"}
    assert error.detail == "more than 1 requests in 60 seconds (class batch); try again in 90 seconds"
    assert error.type == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert error.members == {"violated-policies": ["batch"]}


@pytest.mark.parametrize("text", ["default", "default=", "default=0", "default=-1", "nothing=5", "ip=1.5", "ip=٣"])
def test_numbers_that_cannot_be_read_are_named(text: str) -> None:
    with pytest.raises(ServiceError) as refused:
        policies(f"ai=1 {text}")
    assert refused.value.code == "NOT_CONFIGURED"
    assert refused.value.detail == (
        f"RATE_LIMITS: {text!r} is not class=number; the classes are default, ai, batch, workflows, auth, webhooks, ip"
    )


def test_numbers_can_be_changed() -> None:
    changed = policies("default=600  ip=9")
    assert {name: policy.limit for name, policy in changed.items()} == {**LIMITS, "default": 600, "ip": 9}


def test_the_longest_unused_identity_is_forgotten_first() -> None:
    limiter = Limiter(policies("ip=1"), b"s", max_cells=2)
    assert [limiter.take("ip", who, 0).allowed for who in ("a", "b", "a", "c")] == [True, True, False, True]
    assert [limiter.take("ip", who, 0).allowed for who in ("c", "a", "b")] == [False, False, True]
