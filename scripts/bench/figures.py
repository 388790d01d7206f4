"""What a figure is: a value made of one round of several targets, and what it is to reach."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from scripts.bench.load import Round

OneRound = Mapping[str, Round]
"""By the name of the target."""

Rounds = Mapping[str, Sequence[Round | None]]
"""By the name of the target; None for a round that failed."""

Measure = Callable[[Round], float]
"""How much of a target there was in a unit of something: its rate."""


def per_second(one: Round) -> float:
    return one.requests_per_s


def per_cpu_second(one: Round) -> float:
    """Calls for each second of the runtime's processor time: what remains when nothing has to be waited for."""
    return 1000 / max(one.cpu_ms, 1e-6)


class Figure(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def goal(self) -> str: ...

    @property
    def is_ratio(self) -> bool: ...

    def value(self, one: OneRound, rate: Measure = per_second) -> float: ...

    def reached(self, value: float) -> bool: ...


def median_of(figure: Figure, rounds: Rounds, rate: Measure = per_second) -> float | None:
    """The median over the rounds in which every target of the figure answered; None when there is none.

    Of the figure in each round, not of its targets' medians: what slows the machine for a while slows both sides of a ratio.
    """
    values = []
    for index in range(max(map(len, rounds.values()), default=0)):
        one = {name: row for name, rows in rounds.items() if index < len(rows) and (row := rows[index]) is not None}
        try:
            values.append(figure.value(one, rate))
        except KeyError:
            continue
    return statistics.median(values) if values else None


@dataclass(frozen=True, slots=True)
class Throughput:
    """The rate of a path as a part of its floor's: 1 is as many as the floor."""

    name: str
    path: str
    floor: str
    at_least: float = 0.0
    is_ratio: bool = True

    @property
    def goal(self) -> str:
        return f"≥ {self.at_least:g}" if self.at_least else ""

    def value(self, one: OneRound, rate: Measure = per_second) -> float:
        return rate(one[self.path]) / rate(one[self.floor])

    def reached(self, value: float) -> bool:
        return value >= self.at_least


@dataclass(frozen=True, slots=True)
class Time:
    """How many times as long a call of the path takes as one of its floor."""

    name: str
    path: str
    floor: str
    at_most: float
    is_ratio: bool = True

    @property
    def goal(self) -> str:
        return f"≤ {self.at_most:g}"

    def value(self, one: OneRound, rate: Measure = per_second) -> float:
        return rate(one[self.floor]) / rate(one[self.path])

    def reached(self, value: float) -> bool:
        return value <= self.at_most


@dataclass(frozen=True, slots=True)
class Amount:
    """What a path moves in a second; `each` is what one call moves."""

    name: str
    path: str
    each: float
    at_least: float
    unit: str
    is_ratio: bool = False

    @property
    def goal(self) -> str:
        return f"≥ {self.at_least:g} {self.unit}"

    def value(self, one: OneRound, rate: Measure = per_second) -> float:
        return rate(one[self.path]) * self.each

    def reached(self, value: float) -> bool:
        return value >= self.at_least


@dataclass(frozen=True, slots=True)
class Memory:
    """What a boot of the path holds more than one of its floor, in MB."""

    name: str
    path: str
    floor: str
    goal: str = ""
    is_ratio: bool = False

    def value(self, one: OneRound, rate: Measure = per_second) -> float:
        return one[self.path].memory_mb - one[self.floor].memory_mb

    def reached(self, value: float) -> bool:
        return True
