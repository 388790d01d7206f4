"""What both surfaces are made of, and what they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dotdo.contracts.schedule.models import AddedTasks, TaskPage
from dotdo.paging import decode_cursor, page_of
from dotdo.ports import Bindings
from schedule.domain.catalog import Catalog
from schedule.domain.history import History
from schedule.domain.manual import ManualRuns
from schedule.domain.registry import TaskDefinition
from schedule.domain.scheduler import Scheduler


@dataclass(frozen=True, slots=True)
class Components:
    bindings: Bindings
    scheduler: Scheduler
    manual: ManualRuns
    catalog: Catalog
    history: History
    handler_names: list[str]
    defaults: Sequence[TaskDefinition]

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.bindings.clock.now_s(), UTC)

    async def task_page(self, limit: int, cursor: str | None) -> TaskPage:
        after = decode_cursor(cursor, 1)[0] if cursor else None
        data, page = page_of(await self.catalog.page(after, limit + 1, self.now), limit, lambda task: [task.name])
        return TaskPage(data=data, page=page)

    async def add_defaults(self) -> AddedTasks:
        return AddedTasks(added=await self.catalog.add_defaults(self.defaults))
