"""schedule: the Worker's entrypoint, for calls, requests and cron events."""

import json
from typing import Any

# First, while there is little in memory: what compiling its source takes for a moment is the peak otherwise, and raises the
# snapshot that every isolate starts from by a step, from 38 to 45 MB (tests/runtime/test_deployed.py).
import croniter  # noqa: F401

# isort: split
from dotdo.contracts.schedule import CONTRACT
from dotdo.entry import Isolate, ServiceEntrypoint

# After dotdo, which has something to tell pydantic before it is imported.
# isort: split
from schedule.app import build

__all__ = ["Default"]

_isolate = Isolate(CONTRACT, build)


class TasksFailedError(Exception):
    """The run ids that failed. What each failed of is in its execution and its log line."""


class Default(ServiceEntrypoint, isolate=_isolate):
    """The contract's RPC methods, `callJson` for Python peers, `fetch` and `scheduled`."""

    async def scheduled(self, controller: Any, env: Any = None, ctx: Any = None) -> None:
        """A cron event. Raises when a task failed, so that the platform records the event as failed."""
        params = [controller.cron, int(controller.scheduledTime)]
        result = json.loads(await _isolate.service.call("tick", params, _isolate.defer(self.ctx)))
        if result["failed"]:
            raise TasksFailedError(", ".join(result["failed"]))
