"""The RPC methods. Whoever is bound to this Worker is trusted."""

from dotdo.contracts.common import Health
from dotdo.contracts.schedule import models as m
from dotdo.health import database_health
from dotdo.service import Call
from schedule.handlers.components import Components


class RpcHandlers:
    """One method for each row of the contract's `METHODS`."""

    def __init__(self, components: Components) -> None:
        self._components = components

    async def health(self, call: Call) -> Health:
        return await database_health("schedule", self._components.bindings)

    async def tick(self, call: Call, *, cron: str, scheduled_ms: int) -> m.TickResult:
        return await self._components.scheduler.tick(cron, scheduled_ms)

    async def register_task(self, call: Call, *, task: m.NewTask) -> m.Task:
        return await self._components.catalog.register(task, self._components.now)

    async def unregister_task(self, call: Call, *, name: str) -> bool:
        return await self._components.catalog.delete(name)

    async def enable_task(self, call: Call, *, name: str) -> bool:
        return await self._components.catalog.enable(name, True)

    async def disable_task(self, call: Call, *, name: str) -> bool:
        return await self._components.catalog.enable(name, False)

    async def get_task(self, call: Call, *, name: str) -> m.Task | None:
        return await self._components.catalog.find(name, self._components.now)

    async def list_tasks(self, call: Call, *, limit: int, cursor: str | None) -> m.TaskPage:
        return await self._components.task_page(limit, cursor)

    async def get_task_history(self, call: Call, *, name: str, limit: int, cursor: str | None) -> m.ExecutionPage:
        return await self._components.history.page(limit, cursor, task=name)

    async def get_recent_executions(self, call: Call, *, limit: int, cursor: str | None) -> m.ExecutionPage:
        return await self._components.history.page(limit, cursor)

    async def run_task_now(self, call: Call, *, name: str) -> m.Run:
        return await self._components.manual.run_now(name, None, call.defer, wait=True)

    async def retry_execution(self, call: Call, *, run_id: str) -> m.Run:
        return await self._components.manual.retry(run_id, call.defer, wait=True)

    async def get_available_handlers(self, call: Call) -> list[str]:
        return self._components.handler_names

    async def initialize_default_tasks(self, call: Call) -> m.AddedTasks:
        return await self._components.add_defaults()

    async def stats(self, call: Call) -> m.TaskStatsList:
        return m.TaskStatsList(data=await self._components.history.stats())
