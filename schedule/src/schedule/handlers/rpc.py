"""The RPC methods. Whoever is bound to this Worker is trusted."""

from dotdo.contracts.common import Health
from dotdo.contracts.schedule import ExecutionList, TaskList, TickResult
from dotdo.health import database_health
from dotdo.ports import Bindings
from dotdo.service import Call
from schedule.domain.scheduler import Scheduler


class RpcHandlers:
    """One method for each row of the contract's `METHODS`."""

    def __init__(self, scheduler: Scheduler, bindings: Bindings) -> None:
        self._scheduler = scheduler
        self._bindings = bindings

    async def health(self, call: Call) -> Health:
        return await database_health("schedule", self._bindings)

    async def tick(self, call: Call, *, cron: str, scheduled_ms: int) -> TickResult:
        return await self._scheduler.tick(cron, scheduled_ms)

    async def list_tasks(self, call: Call) -> TaskList:
        return TaskList(data=await self._scheduler.tasks())

    async def get_recent_executions(self, call: Call, *, limit: int) -> ExecutionList:
        return ExecutionList(data=await self._scheduler.history.newest(limit))

    async def get_task_history(self, call: Call, *, name: str, limit: int) -> ExecutionList:
        return ExecutionList(data=await self._scheduler.history.newest_of(name, limit))

    async def get_available_handlers(self, call: Call) -> list[str]:
        return self._scheduler.handler_names
