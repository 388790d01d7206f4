"""gateway.breaker: a Worker that does not answer is left alone, and tried again by one request."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo.errors import ServiceError, request_timed_out
from dotdo.ports import HttpError
from gateway.breaker import Breaker, Circuit

FAILURES, OPEN_S = 5, 10.0
"""As documented."""


def fail(breaker: Breaker, times: int, now_s: float = 0.0) -> None:
    for _ in range(times):
        breaker.enter("DB", now_s).leave(now_s, now_s, answered=False)


def test_it_opens_at_the_fifth_failure_in_a_row() -> None:
    breaker = Breaker()
    fail(breaker, FAILURES - 1)
    breaker.enter("DB", 0.0).leave(0.0, 0.0, answered=True)
    fail(breaker, FAILURES)
    with pytest.raises(ServiceError, match="CIRCUIT_OPEN") as refused:
        breaker.enter("DB", 4.5)
    assert (refused.value.status, refused.value.headers) == (503, {"retry-after": "6"})
    assert (refused.value.title, refused.value.retryable) == ("Service unavailable", True)
    assert refused.value.detail == "the db service has not been answering"
    breaker.enter("AUTH", 4.5)


def test_one_probe_at_a_time_decides() -> None:
    breaker = Breaker()
    fail(breaker, FAILURES)
    probe = breaker.enter("DB", OPEN_S)
    with pytest.raises(ServiceError):
        breaker.enter("DB", OPEN_S)
    probe.leave(OPEN_S, OPEN_S, answered=False)
    with pytest.raises(ServiceError):
        breaker.enter("DB", 2 * OPEN_S - 0.1)
    breaker.enter("DB", 2 * OPEN_S).leave(2 * OPEN_S, 2 * OPEN_S, answered=True)
    fail(breaker, FAILURES - 1, 2 * OPEN_S)
    breaker.enter("DB", 2 * OPEN_S)


def test_calls_from_before_it_opened_do_not_put_the_probe_off() -> None:
    """Of a Worker that hangs: their timeouts come one after the other, long after the fifth."""
    breaker = Breaker()
    calls = [breaker.enter("DB", float(n)) for n in range(60)]
    for n in range(FAILURES):
        calls[n].leave(100.0 + n, float(n), answered=False)
    for n in range(FAILURES, 15):
        calls[n].leave(100.0 + n, float(n), answered=False)
    opened_s = 100.0 + FAILURES - 1
    with pytest.raises(ServiceError, match="CIRCUIT_OPEN"):
        breaker.enter("DB", opened_s + OPEN_S - 0.1)
    probe = breaker.enter("DB", opened_s + OPEN_S)
    probe.leave(opened_s + OPEN_S, opened_s + OPEN_S, answered=False)
    with pytest.raises(ServiceError, match="CIRCUIT_OPEN"):
        breaker.enter("DB", opened_s + 2 * OPEN_S - 0.1)


def test_a_probe_that_is_given_up_leaves_its_place_to_another() -> None:
    breaker = Breaker()
    fail(breaker, FAILURES)
    breaker.enter("DB", OPEN_S).abandon(OPEN_S)
    breaker.enter("DB", OPEN_S)


def test_another_call_that_is_given_up_opens_nothing() -> None:
    """It began while all was well, and its client has not sent what it said it would."""
    breaker = Breaker()
    call = breaker.enter("DB", 0.0)
    fail(breaker, FAILURES, 5.0)
    call.abandon(0.0)
    with pytest.raises(ServiceError, match="CIRCUIT_OPEN"):
        breaker.enter("DB", 5.0 + OPEN_S - 0.1)


def test_a_probe_that_never_comes_back_leaves_its_place_after_a_while() -> None:
    """A client hangs up, and the runtime ends the request where it stands."""
    breaker = Breaker()
    fail(breaker, FAILURES)
    breaker.enter("DB", OPEN_S)
    with pytest.raises(ServiceError):
        breaker.enter("DB", 2 * OPEN_S - 0.1)
    breaker.enter("DB", 2 * OPEN_S).leave(2 * OPEN_S, 2 * OPEN_S, answered=True)
    breaker.enter("DB", 2 * OPEN_S)


EIGHTHS = st.integers(0, 160).map(lambda n: n / 8)
"""Seconds whose sums are exact."""


@given(st.lists(st.tuples(EIGHTHS, st.sampled_from([True, False, None]))))
def test_it_is_never_shut_for_good(calls: list[tuple[float, bool | None]]) -> None:
    circuit, now_s = Circuit(), 0.0
    for gap, answered in calls:
        now_s += gap
        left_s = circuit.enter(now_s)
        if left_s is None:
            if answered is not None:
                circuit.leave(now_s, now_s, answered=answered)
        else:
            assert 0 < left_s <= OPEN_S
    assert circuit.enter(now_s + OPEN_S) is None


async def test_a_client_that_does_not_send_its_body_says_nothing_of_the_worker(stage: Any) -> None:
    stage.workers["DB"].fails = request_timed_out(30.0)
    for _ in range(2 * FAILURES):
        refused = await stage.ask("POST", "/db/things", {"authorization": "Bearer admin-key", "content-length": "100"})
        assert (refused.status, json.loads(refused.body)["code"]) == (408, "REQUEST_TIMEOUT")
    stage.workers["DB"].fails = None
    assert (await stage.ask("GET", "/db/things", {"authorization": "Bearer admin-key"})).status == 207


async def test_a_probe_that_is_cancelled_on_its_way_leaves_its_place_to_another(stage: Any) -> None:
    admin, worker = {"authorization": "Bearer admin-key"}, stage.workers["DB"]
    worker.fails = HttpError("refused")
    for _ in range(FAILURES):
        await stage.ask("GET", "/db/things", admin)
    stage.bindings.clock.now += OPEN_S
    worker.fails = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await stage.ask("GET", "/db/things", admin)
    worker.fails = None
    assert (await stage.ask("GET", "/db/things", admin)).status == 207


async def test_half_open_on_a_requests_way(stage: Any) -> None:
    """What answers with an error of its own is not down; what does not answer is left alone, then tried by one."""
    admin = {"authorization": "Bearer admin-key"}
    stage.workers["DB"].fails = HttpError("connection to 10.1.2.3 refused")
    statuses = [(await stage.ask("GET", "/db/things", admin)) for _ in range(FAILURES + 1)]
    assert [json.loads(one.body)["code"] for one in statuses] == ["UNAVAILABLE"] * FAILURES + ["CIRCUIT_OPEN"]
    assert len(stage.workers["DB"].passed) == FAILURES
    stage.workers["DB"].fails = None
    stage.bindings.clock.now += OPEN_S
    assert [(await stage.ask("GET", "/db/things", admin)).status for _ in range(3)] == [207] * 3
