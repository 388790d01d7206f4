"""The HTTP endpoints, for admins."""

from dotdo.contracts.common import Health, ServiceCard, service_card
from dotdo.contracts.schedule import CONTRACT, ExecutionList, ExecutionQuery, TaskList
from dotdo.health import database_health
from dotdo.ports import Bindings
from dotdo.service import Call
from schedule.domain.scheduler import Scheduler


class HttpHandlers:
    """One method for each row of the contract's `ENDPOINTS`."""

    def __init__(self, scheduler: Scheduler, bindings: Bindings) -> None:
        self._scheduler = scheduler
        self._bindings = bindings

    async def card(self, call: Call) -> ServiceCard:
        return service_card(CONTRACT)

    async def health(self, call: Call) -> Health:
        return await database_health("schedule", self._bindings)

    async def list_tasks(self, call: Call) -> TaskList:
        return TaskList(data=await self._scheduler.tasks())

    async def task_history(self, call: Call, *, name: str, query: ExecutionQuery) -> ExecutionList:
        return ExecutionList(data=await self._scheduler.history.newest_of(name, query.limit))

    async def list_executions(self, call: Call, *, query: ExecutionQuery) -> ExecutionList:
        return ExecutionList(data=await self._scheduler.history.newest(query.limit))

    async def handlers(self, call: Call) -> list[str]:
        return self._scheduler.handler_names
