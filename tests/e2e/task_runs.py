"""Running one built-in task alone, on the real runtime."""

import asyncio
from dataclasses import dataclass
from typing import Any

from tests.e2e.platform import Platform


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of the last attempt of a run."""

    status: str
    result: dict[str, Any] | None
    error: str | None

    @property
    def answer(self) -> dict[str, Any]:
        """The result of a run that has to succeed."""
        assert self.status == "succeeded", self
        assert self.result is not None
        return self.result


async def run_task(platform: Platform, task: str, binding: str = "SCHEDULE") -> Outcome:
    """A run of the schedule Worker behind `binding`, started by hand and waited for."""
    await platform.result(binding, "initializeDefaultTasks")
    run = await platform.result(binding, "runTaskNow", task)
    last = run["attempts"][-1]
    while last["status"] == "running":
        await asyncio.sleep(0.2)
        last = await newest_attempt(platform, task, binding)
    return Outcome(last["status"], last["result"], last["errorMessage"])


async def newest_attempt(platform: Platform, task: str, binding: str = "SCHEDULE") -> dict[str, Any]:
    newest: dict[str, Any] = (await platform.result(binding, "getTaskHistory", task, 1))["data"][0]
    return newest
