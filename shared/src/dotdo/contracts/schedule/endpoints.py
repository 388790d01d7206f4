"""The HTTP endpoints of the schedule service."""

from dotdo.contract import Endpoint
from dotdo.contracts.common import Health, ServiceCard
from dotdo.contracts.schedule import models as m

ENDPOINTS = (
    Endpoint("GET", "/", "card", "What this service is.", access="public", result=ServiceCard),
    Endpoint("GET", "/health", "health", "Whether the service answers.", access="public", result=Health),
    Endpoint("GET", "/tasks", "list_tasks", "The tasks, by name.", access="admin", query=m.TaskQuery, result=m.TaskPage),
    Endpoint("POST", "/tasks", "register_task", "Adds a task.",
             access="admin", body=m.NewTask, result=m.Task, status=201, problems=(409,)),
    Endpoint("GET", "/tasks/{name}", "get_task", "One task.", access="admin", result=m.Task),
    Endpoint("PATCH", "/tasks/{name}", "patch_task", "Changes parts of a task.",
             access="admin", body=m.TaskPatch, result=m.Task),
    Endpoint("DELETE", "/tasks/{name}", "delete_task", "Deletes a task; its history stays.", access="admin", status=204),
    Endpoint("POST", "/tasks/{name}/enable", "enable_task", "Lets a task run from now on.", access="admin", result=m.Task),
    Endpoint("POST", "/tasks/{name}/disable", "disable_task", "Keeps a task from running.",
             access="admin", result=m.Task),
    Endpoint("POST", "/tasks/{name}/run", "run_task", "Runs a task now; 200 with `wait` when it has ended.",
             access="admin", query=m.RunQuery, result=m.Run, status=202, also=(200,), headers=("Idempotency-Key",)),
    Endpoint("GET", "/tasks/{name}/history", "task_history", "The newest attempts of one task.",
             access="admin", query=m.HistoryQuery, result=m.ExecutionPage),
    Endpoint("GET", "/tasks/{name}/next", "next_runs", "When a task is to run.",
             access="admin", query=m.NextQuery, result=m.NextRuns),
    Endpoint("GET", "/executions", "list_executions", "The newest attempts of all tasks.",
             access="admin", query=m.ExecutionQuery, result=m.ExecutionPage),
    Endpoint("GET", "/executions/{id}", "get_execution", "A run with its attempts.", access="admin", result=m.Run),
    Endpoint("POST", "/executions/{id}/retry", "retry_execution",
             "Another attempt of a run that failed, was skipped or missed; 200 with `wait` when it has ended.",
             access="admin", query=m.RunQuery, result=m.Run, status=202, also=(200,), problems=(409,)),
    Endpoint("GET", "/handlers", "handlers", "The handlers a task may name.", access="admin", result=m.HandlerList),
    Endpoint("GET", "/stats", "stats", "How the runs of each task went.", access="admin", result=m.TaskStatsList),
    Endpoint("GET", "/dashboard", "dashboard", "A page with the tasks, how their runs went, and buttons.",
             access="admin", result=str, also=(304,), headers=("If-None-Match",), media="text/html"),
    Endpoint("POST", "/init", "init", "Adds the default tasks that were never there.",
             access="admin", result=m.AddedTasks),
)  # fmt: skip
