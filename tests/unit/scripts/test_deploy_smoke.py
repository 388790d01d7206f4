"""scripts.deploy.smoke: for how long what was deployed just now is asked again."""

from collections.abc import Iterator

from scripts.deploy.checks import Problem
from scripts.deploy.smoke import Patience, patiently

DOWN, COLD = [Problem("db is down", "…")], [Problem("the gateway does not answer", "…")]


class Clock:
    """Time passes by waiting, and by asking: `asking_s` each time."""

    def __init__(self, asking_s: float = 0.0) -> None:
        self.now_s, self.asking_s = 1000.0, asking_s
        self.waited: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now_s += seconds

    def patience(self, total_s: float) -> Patience:
        return Patience(total_s, 5.0, lambda: self.now_s, self.wait)


def asked(answers: list[list[Problem]], clock: Clock, total_s: float) -> tuple[list[Problem], list[str], int]:
    """What is left, what was told, and how many answers were used. The last answer is given for ever."""
    told: list[str] = []
    used = 0

    def one() -> list[Problem]:
        nonlocal used
        used += 1
        clock.now_s += clock.asking_s
        return answers[min(used, len(answers)) - 1]

    return patiently(one, clock.patience(total_s), told.append), told, used


def test_what_is_well_is_asked_once() -> None:
    clock = Clock()
    assert asked([[]], clock, 90) == ([], [], 1)
    assert clock.waited == []


def test_what_becomes_well_in_time_is_well() -> None:
    clock = Clock()
    left, told, used = asked([COLD, DOWN, []], clock, 90)
    assert (left, used, clock.waited) == ([], 3, [5.0, 5.0])
    assert told == [
        "not yet: the gateway does not answer; asking again for 90 s", "not yet: db is down; asking again for 85 s",
    ]  # fmt: skip


def test_what_stays_broken_is_told_when_the_time_is_over() -> None:
    clock = Clock()
    left, told, used = asked([COLD, DOWN], clock, 12)
    assert (left, used, clock.waited) == (DOWN, 4, [5.0, 5.0, 2.0])
    assert len(told) == 3


def test_slow_answers_count() -> None:
    clock = Clock(asking_s=30)
    left, _, used = asked([DOWN], clock, 90)
    assert (left, used, clock.now_s) == (DOWN, 3, 1100.0), "after 30, 65 and 100 s"


def test_without_patience_it_is_asked_once() -> None:
    assert asked([DOWN, []], Clock(), 0) == (DOWN, [], 1)


def test_ninety_seconds_unless_told() -> None:
    assert Patience().total_s == 90


def test_patience_is_the_machines_clock_unless_told() -> None:
    answers: Iterator[list[Problem]] = iter([DOWN, []])
    assert patiently(lambda: next(answers), Patience(60, 0.0), lambda _: None) == []
