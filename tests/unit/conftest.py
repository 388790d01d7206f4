"""What unit tests of several modules use: a log that can be read, and time that passes at once."""

import asyncio
import json
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from dotdo.log import Logger

# A slow machine is no reason to fail.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

RunAtOnce = Callable[[Coroutine[Any, Any, Any]], Any]


class LogLines:
    """`log` writes to memory; `lines` reads back what it wrote."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.log = Logger("test", self._lines.append)

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._lines]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


@pytest.fixture
def logged() -> LogLines:
    return LogLines()


class _SkippingSelector(selectors.DefaultSelector):
    """Adds the time it was to wait to the loop's clock, in place of waiting."""

    skipped_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0 if timeout else timeout)
        if timeout and not ready:
            self.skipped_s += timeout
        return ready


class _SkippingLoop(asyncio.SelectorEventLoop):
    """Its clock begins at 0 and shows what was skipped, to the last digit: what the machine takes meanwhile does not count."""

    def __init__(self) -> None:
        self._skipping = _SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.skipped_s


@pytest.fixture
def run_at_once() -> RunAtOnce:
    """Runs a coroutine on an event loop where timeouts and sleeps take no real time."""

    def run(work: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=_SkippingLoop) as runner:
            return runner.run(work)

    return run
