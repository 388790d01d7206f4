"""What the schedule service offers: its models, RPC methods and HTTP endpoints."""

from typing import Any, Literal

from pydantic import Field

from dotdo.contract import Contract, Endpoint, RpcMethod
from dotdo.contracts.common import Health, ServiceCard
from dotdo.model import Key, Model
from dotdo.paging import Limit

RunStatus = Literal["running", "succeeded", "failed", "skipped"]
Trigger = Literal["cron", "manual", "retry", "catch-up"]


class Task(Model):
    """A named schedule. `handler` is one of `getAvailableHandlers`."""

    name: str
    schedule: str
    handler: str
    enabled: bool
    description: str
    last_scheduled_at: str | None
    next_run_at: str | None


class Execution(Model):
    """One attempt of one run. `run_id` is `task@scheduled_ms`."""

    run_id: str
    task: str
    attempt: int
    trigger: Trigger
    status: RunStatus
    scheduled_at: str
    started_at: str
    finished_at: str | None
    duration_ms: int | None
    result: dict[str, Any] | None
    error_code: str | None
    error_message: str | None


class TickResult(Model):
    """What one cron event did: the run ids by outcome."""

    cron: str
    scheduled_at: str
    succeeded: list[str]
    failed: list[str]
    skipped: list[str]


class TaskList(Model):
    data: list[Task]


class ExecutionList(Model):
    data: list[Execution]


class ExecutionQuery(Model):
    limit: Limit = 100


ScheduledMs = Field(ge=0, le=4_102_444_800_000, description="milliseconds since 1970")

METHODS = (
    RpcMethod("health", "Whether the service and its database answer.", {}, Health),
    RpcMethod("tick", "Runs what is due at a cron event.",
              {"cron": (str, ...), "scheduled_ms": (int, ScheduledMs)}, TickResult),
    RpcMethod("listTasks", "Every task.", {}, TaskList),
    RpcMethod("getRecentExecutions", "The newest executions of all tasks.", {"limit": (Limit, 100)}, ExecutionList),
    RpcMethod("getTaskHistory", "The newest executions of one task.",
              {"name": (Key, ...), "limit": (Limit, 50)}, ExecutionList),
    RpcMethod("getAvailableHandlers", "The handlers a task may name.", {}, list[str]),
)  # fmt: skip

ENDPOINTS = (
    Endpoint("GET", "/", "card", "What this service is.", access="public", result=ServiceCard),
    Endpoint("GET", "/health", "health", "Whether the service answers.", access="public", result=Health),
    Endpoint("GET", "/tasks", "list_tasks", "Every task.", access="admin", result=TaskList),
    Endpoint("GET", "/tasks/{name}/history", "task_history", "The newest executions of one task.",
             access="admin", query=ExecutionQuery, result=ExecutionList),
    Endpoint("GET", "/executions", "list_executions", "The newest executions of all tasks.",
             access="admin", query=ExecutionQuery, result=ExecutionList),
    Endpoint("GET", "/handlers", "handlers", "The handlers a task may name.", access="admin", result=list[str]),
)  # fmt: skip

CONTRACT = Contract("schedule", "0.1.0", METHODS, ENDPOINTS)
