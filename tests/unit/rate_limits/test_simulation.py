"""Many isolates over a KV that shows writes up to a minute late: what they admit together, against the bounds of the design.

`python -m tests.unit.rate_limits.test_simulation` prints the figures.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dotdo.fakes import Deferred, FakeClock
from dotdo.log import Logger
from dotdo.rate_limits.gossip import PERIOD_S, Gossip
from dotdo.rate_limits.limiter import Limiter
from dotdo.rate_limits.policies import LIMITS, policies

LIMIT = LIMITS["default"]
STALE_S = 60.0
MINUTES = 10
WARM_S = 130.0
"""Until the first news of everybody have reached everybody."""


class StaleKv:
    """A namespace as one location sees it: a snapshot that is renewed when it is a minute old."""

    def __init__(self, store: dict[str, Any], clock: FakeClock, first_s: float) -> None:
        self._store, self._clock = store, clock
        self._seen: dict[str, Any] = {}
        self._renewed_s = first_s

    async def put(self, key: str, value: str, *, ttl_s: int, metadata: Any) -> None:
        self._store[key] = metadata

    async def list(self, prefix: str) -> list[tuple[str, Any]]:
        if self._clock.now_s() - self._renewed_s >= STALE_S:
            self._seen, self._renewed_s = dict(self._store), self._clock.now_s()
        return list(self._seen.items())


class Isolate:
    def __init__(self, kv: StaleKv, clock: FakeClock) -> None:
        self.clock, self.later, self.due_s = clock, Deferred(), float("inf")
        self.limiter = Limiter(policies(), b"secret")
        self.gossip = Gossip(self.limiter, kv, _AtOnce(clock), Logger("test"), "rl1/test/")

    async def ask(self) -> bool:
        allowed = self.limiter.take("default", "u:1", self.clock.now_s()).allowed
        self.gossip.exchange(self.later)
        if self.later.work and self.due_s == float("inf"):
            self.due_s = self.clock.now_s() + PERIOD_S
        return allowed

    async def settle(self) -> None:
        if self.clock.now_s() >= self.due_s:
            self.due_s = float("inf")
            await self.later.run()


class _AtOnce(FakeClock):
    """The exchange's own wait has passed already when it is run."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def now_s(self) -> float:
        return self._clock.now_s()

    async def sleep(self, seconds: float) -> None:
        return


Load = Callable[[float, int, int], float]
"""Time in s, isolate, isolates → requests a second of the one identity there."""


def steady(times: float) -> Load:
    return lambda at_s, isolate, of: times * LIMIT / 60 / of


def skewed(times: float) -> Load:
    """Nine tenths at one isolate."""
    return lambda at_s, isolate, of: times * LIMIT / 60 * (0.9 if isolate == 0 else 0.1 / (of - 1))


def bursty(times: float) -> Load:
    """Ten seconds on, fifty off."""
    return lambda at_s, isolate, of: times * LIMIT / 60 / of * (6 if at_s % 60 < 10 else 0)


def moving(times: float) -> Load:
    """All of it at another isolate each minute."""
    return lambda at_s, isolate, of: times * LIMIT / 60 if int(at_s // 60) % of == isolate else 0


@dataclass
class Result:
    """Admitted requests as parts of the limit."""

    offered_first: float
    first_minute: float
    steady: float
    worst: float


async def simulate(load: Load, locations: int, isolates_each: int, seed: int = 1) -> Result:
    chance = random.Random(seed)
    start_s = 1_790_000_040.0
    clock, store = FakeClock(start_s), dict[str, Any]()
    kvs = [StaleKv(store, clock, start_s - chance.uniform(0, STALE_S)) for _ in range(locations)]
    isolates = [Isolate(kv, clock) for kv in kvs for _ in range(isolates_each)]
    admitted, offered_first, step_s = list[float](), 0, 0.1
    for tick in range(int(MINUTES * 60 / step_s)):
        at_s = tick * step_s
        clock.now = start_s + at_s
        for n, isolate in enumerate(isolates):
            for _ in range(_poisson(chance, load(at_s, n, len(isolates)) * step_s)):
                offered_first += at_s < 60
                if await isolate.ask():
                    admitted.append(at_s)
            await isolate.settle()
    after = [at_s for at_s in admitted if at_s >= WARM_S]
    return Result(
        offered_first / LIMIT,
        sum(at_s < 60 for at_s in admitted) / LIMIT,
        len(after) / (MINUTES * 60 - WARM_S) * 60 / LIMIT,
        max(_rolling(after), default=0) / LIMIT,
    )


def _poisson(chance: random.Random, mean: float) -> int:
    count, left = 0, chance.expovariate(1)
    while left < mean:
        count, left = count + 1, left + chance.expovariate(1)
    return count


def _rolling(times: list[float]) -> Iterator[int]:
    first = 0
    for last, at_s in enumerate(times):
        while times[first] <= at_s - 60:
            first += 1
        yield last - first + 1


# load, locations, isolates at each, bounds: mean after the first two minutes, worst rolling minute then
CASES = [
    pytest.param(steady(0.8), 1, 4, 0.85, 1.15, id="steady 0.8x, 1x4"),
    pytest.param(steady(2), 1, 4, 1.1, 1.35, id="steady 2x, 1x4"),
    pytest.param(steady(10), 1, 4, 1.1, 1.35, id="steady 10x, 1x4"),
    pytest.param(steady(10), 3, 2, 1.1, 1.35, id="steady 10x, 3x2"),
    pytest.param(steady(50), 10, 2, 1.1, 1.35, id="steady 50x, 10x2"),
    pytest.param(skewed(5), 3, 2, 1.1, 1.35, id="skewed 5x, 3x2"),
    pytest.param(bursty(3.4), 3, 2, 1.2, 1.35, id="bursty 3.4x, 3x2"),
    pytest.param(moving(5), 3, 2, 1.1, 1.35, id="moving 5x, 3x2"),
]


@pytest.mark.parametrize(("load", "locations", "isolates_each", "mean", "worst"), CASES)
async def test_together_they_stay_within_the_bounds(
    load: Load, locations: int, isolates_each: int, mean: float, worst: float
) -> None:
    result = await simulate(load, locations, isolates_each)
    assert result.first_minute <= min(result.offered_first, locations * isolates_each)
    assert result.steady <= mean
    assert result.worst <= worst


async def test_who_stays_below_the_limit_is_let_through() -> None:
    result = await simulate(steady(0.8), 3, 2)
    assert result.steady > 0.75


async def _print() -> None:
    print(f"{'load':24}{'first minute':>14}{'then, mean':>12}{'worst minute':>14}")
    for case in CASES:
        load, locations, isolates_each, *_ = case.values
        result = await simulate(load, locations, isolates_each)  # type: ignore[arg-type]
        print(f"{case.id:24}{result.first_minute:>14.2f}{result.steady:>12.2f}{result.worst:>14.2f}")


if __name__ == "__main__":
    import asyncio

    asyncio.run(_print())
