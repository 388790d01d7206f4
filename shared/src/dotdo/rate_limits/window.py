"""The sliding-window counter: the last minute weighted by how much of it is still inside the window, plus this one."""

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Cell:
    """Counts of one identity in windows number `index` and the one before. `admitted`: let through; `offered`: all.

    `limit`: the one that held for it last.
    """

    digest: str
    index: int = 0
    admitted_before: int = 0
    admitted: int = 0
    offered_before: int = 0
    offered: int = 0
    limit: int = 0

    def move_to(self, index: int) -> None:
        """Into the window of this number. A clock that has gone back stays where it is: nothing is forgotten."""
        if index <= self.index:
            return
        follows = index == self.index + 1
        self.admitted_before = self.admitted if follows else 0
        self.offered_before = self.offered if follows else 0
        self.index, self.admitted, self.offered = index, 0, 0

    def estimate(self, elapsed: float) -> float:
        """Requests admitted in the last window's length. `elapsed`: the part of this window that has passed, 0 to 1."""
        return self.admitted_before * (1 - elapsed) + self.admitted

    def demand(self, elapsed: float) -> float:
        """What the identity asks for in a window, whether it gets it or not: the same while we refuse and while we admit."""
        return max(self.offered_before, self.offered_before * (1 - elapsed) + self.offered)

    def admits_after(self, limit: float, elapsed: float) -> float:
        """In how many windows' lengths one more fits, if nothing else comes. 0 for now."""
        if self.estimate(elapsed) + 1 <= limit:
            return 0.0
        if self.admitted + 1 <= limit:
            return max(0.0, 1 - (limit - 1 - self.admitted) / self.admitted_before - elapsed)
        return 1 - elapsed + max(0.0, 1 - (limit - 1) / self.admitted)


def position(now_s: float, window_s: float) -> tuple[int, float]:
    """The window's number, and the part of it that has passed."""
    whole = math.floor(now_s / window_s)
    return whole, (now_s - whole * window_s) / window_s
