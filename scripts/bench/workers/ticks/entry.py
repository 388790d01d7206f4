"""N cron events for eight tasks that do nothing: `/idle/N` with none of them due, `/due/N` with all of them."""

from typing import Any
from urllib.parse import urlsplit

from workers import Response, WorkerEntrypoint

from dotdo.log import Logger
from dotdo.runtime import WorkerBindings
from schedule.app import assemble
from schedule.domain.registry import TaskContext, TaskResult
from schedule.handlers.components import Components

__all__ = ["Default"]

CRON, MINUTE_MS = "* * * * *", 60_000


class Silent(Logger):
    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        pass


class Minutes:
    """The scheduled time of the last event. Goes on where the tables say the one before this isolate was."""

    last_ms = 0

    async def begin(self, parts: Components) -> None:
        (task, *_) = (await parts.task_page(1, None)).data
        (run,) = (await parts.history.page(1, None, task=task.name)).data or (None,)
        self.last_ms = int(run.run_id.partition("@")[2]) if run else MINUTE_MS


_minutes = Minutes()


async def nothing(context: TaskContext) -> TaskResult:
    return {}


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        kind, calls = urlsplit(request.url).path[1:].split("/")
        parts = assemble(WorkerBindings(), Silent("ticks"), {"nothing": nothing}, (), lambda: 0.0)
        if not _minutes.last_ms:
            await _minutes.begin(parts)
        done = 0
        for _ in range(int(calls)):
            _minutes.last_ms += MINUTE_MS * (kind == "due")
            done += len((await parts.scheduler.tick(CRON, _minutes.last_ms)).succeeded)
        return Response("", status=200 if done == (8 * int(calls) if kind == "due" else 0) else 502)
