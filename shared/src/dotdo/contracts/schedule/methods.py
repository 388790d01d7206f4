"""The RPC methods of the schedule service."""

from pydantic import Field

from dotdo.contract import RpcMethod
from dotdo.contracts.common import Health
from dotdo.contracts.schedule import models as m
from dotdo.model import Key
from dotdo.paging import MAX_LIMIT, Limit

_NAME = (Key, ...)
_CURSOR = (str | None, None)
_SCHEDULED_MS = Field(ge=0, le=4_102_444_800_000, description="milliseconds since 1970")

METHODS = (
    RpcMethod("health", "Whether the service and its database answer.", {}, Health),
    RpcMethod("tick", "Runs what is due at a cron event.",
              {"cron": (str, ...), "scheduled_ms": (int, _SCHEDULED_MS)}, m.TickResult),
    RpcMethod("registerTask", "Adds a task.", {"task": (m.NewTask, ...)}, m.Task),
    RpcMethod("unregisterTask", "Deletes a task; false when there is none.", {"name": _NAME}, bool),
    RpcMethod("enableTask", "Lets a task run from now on; false when there is none.", {"name": _NAME}, bool),
    RpcMethod("disableTask", "Keeps a task from running; false when there is none.", {"name": _NAME}, bool),
    RpcMethod("getTask", "One task, or null.", {"name": _NAME}, m.Task | None),
    RpcMethod("listTasks", "The tasks, by name.", {"limit": (Limit, MAX_LIMIT), "cursor": _CURSOR}, m.TaskPage),
    RpcMethod("getTaskHistory", "The newest attempts of one task.",
              {"name": _NAME, "limit": (Limit, 50), "cursor": _CURSOR}, m.ExecutionPage),
    RpcMethod("getRecentExecutions", "The newest attempts of all tasks.",
              {"limit": (Limit, 100), "cursor": _CURSOR}, m.ExecutionPage),
    RpcMethod("runTaskNow", "Runs a task and waits for its end, at most 25 seconds.", {"name": _NAME}, m.Run),
    RpcMethod("retryExecution", "Another attempt of a run that failed, was skipped or missed; waits like `runTaskNow`.",
              {"run_id": (Key, ...)}, m.Run),
    RpcMethod("getAvailableHandlers", "The handlers a task may name.", {}, list[str]),
    RpcMethod("initializeDefaultTasks", "Adds the default tasks that were never there.", {}, m.AddedTasks),
    RpcMethod("stats", "How the runs of each task went.", {}, m.TaskStatsList),
)  # fmt: skip
