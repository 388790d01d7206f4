"""How much memory the runtime takes, over time and over restarts."""

import asyncio
import math
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import psutil

from scripts.soak.faults import workerd_processes

PERIOD_S = 1.0
SETTLING = 0.5
"""The part of a process's life that does not count for the slope: imports, pools and caches fill."""

STEP_TAKES_S = 60.0

MIB = 1024 * 1024


@dataclass
class Life:
    """One process of the runtime: (seconds of the monotonic clock, resident MiB). `steps_s`: see Memory."""

    pid: int
    samples: list[tuple[float, float]] = field(default_factory=list)
    steps_s: list[float] = field(default_factory=list)

    @property
    def minutes(self) -> float:
        return (self.samples[-1][0] - self.samples[0][0]) / 60

    @property
    def peak_mib(self) -> float:
        return max(mib for _, mib in self.samples)

    @property
    def settled(self) -> list[tuple[float, float]]:
        """What comes after settling; of that the longest stretch without a step."""
        second = self.samples[int(len(self.samples) * SETTLING) :]
        edges = [-math.inf, *self.steps_s, math.inf]
        stretches = [
            [sample for sample in second if begin + STEP_TAKES_S <= sample[0] < end] for begin, end in pairwise(edges)
        ]
        return max(stretches, key=len)

    @property
    def slope_mib_a_minute(self) -> float:
        """By least squares, of what comes after settling."""
        return slope(self.settled) * 60


def slope(samples: list[tuple[float, float]]) -> float:
    """Of the straight line that fits best; 0 for fewer than two points."""
    if len(samples) < 2:
        return 0.0
    mean_x = sum(x for x, _ in samples) / len(samples)
    mean_y = sum(y for _, y in samples) / len(samples)
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    return sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread if spread else 0.0


@dataclass
class Memory:
    """Of the runtime of the stack that keeps its data there.

    `steps_s`: when something began that leaves memory larger, once, such as the daily backup: Python's memory does not shrink.
    """

    data: Path
    steps_s: list[float] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)

    async def watch(self, until: asyncio.Event) -> None:
        while not until.is_set():
            self.sample()
            await asyncio.sleep(PERIOD_S)

    def sample(self) -> None:
        try:
            for process in workerd_processes(self.data):
                if not self.lives or self.lives[-1].pid != process.pid:
                    self.lives.append(Life(process.pid, steps_s=self.steps_s))
                self.lives[-1].samples.append((time.monotonic(), process.memory_info().rss / MIB))
        except psutil.NoSuchProcess:
            return  # just killed

    @property
    def peak_mib(self) -> float:
        return max(life.peak_mib for life in self.lives)
