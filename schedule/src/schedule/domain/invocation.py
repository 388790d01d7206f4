"""The time that one cron event or call has: where it stands, how much is left, what still fits."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

EVENT_BUDGET_S = 240.0
"""Less than the five minutes to the next cron event, and than the fifteen that the platform gives one."""

CALL_BUDGET_S = 25.0
"""The platform lets work go on for 30 seconds after an answer; the rest is for writing down how it ended."""

RESERVE_S = 2.0
"""For what comes after a task: cancelling it, and recording its end."""

_SHORTEST_ATTEMPT_S = 5.0


@dataclass(frozen=True, slots=True)
class Invocation:
    """`at`: the scheduled time of a cron event, or the clock's of a call. Elapsed time is the event loop's, which nothing
    sets back. `cuts`: an attempt may get less time than its task asks for, rather than wait for the next event.
    """

    at: datetime
    began_s: float
    budget_s: float
    cuts: bool

    @classmethod
    def of_event(cls, scheduled: datetime) -> "Invocation":
        return cls(scheduled, _elapsed_s(), EVENT_BUDGET_S, cuts=False)

    @classmethod
    def of_call(cls, now: datetime) -> "Invocation":
        return cls(now, _elapsed_s(), CALL_BUDGET_S, cuts=True)

    def moment(self, in_s: float) -> datetime:
        """So many seconds from now, on the time line of cron events."""
        return self.at + timedelta(seconds=_elapsed_s() - self.began_s + in_s)

    def room_s(self, timeout_s: float, after_s: float = 0.0) -> float | None:
        """The timeout of an attempt that starts in `after_s`; None when it has to wait for another invocation."""
        left_s = self.budget_s - (_elapsed_s() - self.began_s) - after_s - RESERVE_S
        if self.cuts and left_s >= _SHORTEST_ATTEMPT_S:
            return min(timeout_s, left_s)
        return timeout_s if left_s >= timeout_s else None


def _elapsed_s() -> float:
    return asyncio.get_running_loop().time()
