"""Sends operations of the mix, as fast as they are answered or at a steady rate, and keeps account of the answers."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from scripts.soak.client import Refused, Wrong
from scripts.soak.faults import Window
from scripts.soak.operations import Operation

MAX_RATE = 200.0
"""Operations a second, whatever this machine could do."""
MOST_AT_ONCE = 32
MOST_WRONG = 100
"""So many wrong answers are kept with their text."""


@dataclass(slots=True)
class Account:
    """Of one operation: how often it went as it should, and how often a fault excused a refusal."""

    done: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    times_ms: list[float] = field(default_factory=list)
    """Of those answered outside of faults."""


@dataclass
class Load:
    operations: Sequence[Operation]
    chance: random.Random
    windows: list[Window] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    wrong_count: int = 0
    not_sent: int = 0
    """What the rate would have had, had there been room: everything in flight was waiting."""

    async def once(self, operation: Operation) -> None:
        account = self.accounts.setdefault(operation.name, Account())
        began_s = time.monotonic()
        try:
            await operation.run()
        except Refused as refusal:
            excuse = next((one for one in self.windows if one.excuses(operation.stores, refusal.code, began_s)), None)
            if excuse is None:
                self._wrong(operation, refusal)
            else:
                excuse.refused[refusal.code] += 1
                account.refused[refusal.code] += 1
        except Wrong as wrong:
            self._wrong(operation, wrong)
        except Exception as unexpected:  # an answer of another shape than its contract's
            self._wrong(operation, unexpected)
        else:
            account.done += 1
            if all(one.ended_s is not None and one.ended_s < began_s for one in self.windows):
                account.times_ms.append((time.monotonic() - began_s) * 1000)

    def pick(self) -> Operation:
        weights = [operation.weight for operation in self.operations]
        return self.chance.choices(self.operations, weights)[0]

    async def capacity(self, seconds: float, connections: int) -> float:
        """Operations a second when each of so many callers asks again as soon as it is answered."""
        ends_s = time.monotonic() + seconds
        done = 0

        async def caller() -> None:
            nonlocal done
            while time.monotonic() < ends_s:
                await self.once(self.pick())
                done += 1

        began_s = time.monotonic()
        await asyncio.gather(*(caller() for _ in range(connections)))
        return done / (time.monotonic() - began_s)

    async def steady(self, rate: float, until: asyncio.Event) -> None:
        """Returns when everything sent has been answered."""
        interval_s = 1 / min(rate, MAX_RATE)
        under_way: set[asyncio.Task[None]] = set()
        next_s = time.monotonic()
        while not until.is_set():
            next_s = max(next_s + interval_s, time.monotonic() - 1)
            await asyncio.sleep(max(0.0, next_s - time.monotonic()))
            if len(under_way) >= MOST_AT_ONCE:
                self.not_sent += 1
                continue
            task = asyncio.create_task(self.once(self.pick()))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)

    async def every(self, seconds: float, operation: Operation, until: asyncio.Event) -> None:
        """One after the other, beginning so far apart where that is possible."""
        while not until.is_set():
            began_s = time.monotonic()
            await self.once(operation)
            left_s = began_s + seconds - time.monotonic()
            if left_s > 0:
                await wait(until, left_s)

    def _wrong(self, operation: Operation, error: Exception) -> None:
        self.wrong_count += 1
        if len(self.wrong) < MOST_WRONG:
            open_now = [one.fault.name for one in self.windows if one.ended_s is None]
            during = f" (during: {', '.join(open_now)})" if open_now else ""
            self.wrong.append(f"{operation.name}: {type(error).__name__} {error}{during}")


async def wait(until: asyncio.Event, seconds: float) -> None:
    """Until the event, but no longer than so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await until.wait()
    except TimeoutError:
        pass
