"""What a figure is: a value made of the rates of one run, and what it is to reach."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

Rates = Mapping[str, float]
"""Calls per second by the name of the target: medians over the rounds."""


class Figure(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def goal(self) -> str: ...

    def value(self, rates: Rates) -> float: ...

    def reached(self, value: float) -> bool: ...


@dataclass(frozen=True, slots=True)
class Throughput:
    """The rate of a path as a part of its floor's: 1 is as many as the floor."""

    name: str
    path: str
    floor: str
    at_least: float = 0.0

    @property
    def goal(self) -> str:
        return f"≥ {self.at_least:g}" if self.at_least else ""

    def value(self, rates: Rates) -> float:
        return rates[self.path] / rates[self.floor]

    def reached(self, value: float) -> bool:
        return value >= self.at_least


@dataclass(frozen=True, slots=True)
class Time:
    """How many times as long a call of the path takes as one of its floor."""

    name: str
    path: str
    floor: str
    at_most: float

    @property
    def goal(self) -> str:
        return f"≤ {self.at_most:g}"

    def value(self, rates: Rates) -> float:
        return rates[self.floor] / rates[self.path]

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

    @property
    def goal(self) -> str:
        return f"≥ {self.at_least:g} {self.unit}"

    def value(self, rates: Rates) -> float:
        return rates[self.path] * self.each

    def reached(self, value: float) -> bool:
        return value >= self.at_least
