"""The HTTP endpoints, for admins."""

import hashlib
from urllib.parse import quote

from dotdo.contracts.common import Health, ServiceCard, service_card
from dotdo.contracts.schedule import CONTRACT
from dotdo.contracts.schedule import models as m
from dotdo.health import database_health
from dotdo.http import HttpResponse, json_text_response
from dotdo.instants import utc_text
from dotdo.service import Call
from schedule.dashboard import dashboard
from schedule.domain.catalog import no_such_task
from schedule.domain.expressions import next_instants, parse
from schedule.handlers.components import Components


class HttpHandlers:
    """One method for each row of the contract's `ENDPOINTS`."""

    def __init__(self, components: Components) -> None:
        self._components = components

    async def card(self, call: Call) -> ServiceCard:
        return service_card(CONTRACT)

    async def health(self, call: Call) -> Health:
        return await database_health("schedule", self._components.bindings)

    async def list_tasks(self, call: Call, *, query: m.TaskQuery) -> m.TaskPage:
        return await self._components.task_page(query.limit, query.cursor)

    async def register_task(self, call: Call, *, body: m.NewTask) -> HttpResponse:
        task = await self._components.catalog.register(body, self._components.now)
        location = call.http_request.reference(f"/tasks/{task.name}")
        return json_text_response(task.model_dump_json(by_alias=False), 201, [("location", location)])

    async def get_task(self, call: Call, *, name: str) -> m.Task:
        return await self._components.catalog.get(name, self._components.now)

    async def patch_task(self, call: Call, *, name: str, body: m.TaskPatch) -> m.Task:
        return await self._components.catalog.patch(name, body, self._components.now)

    async def delete_task(self, call: Call, *, name: str) -> HttpResponse:
        if not await self._components.catalog.delete(name):
            raise no_such_task()
        return HttpResponse(204)

    async def enable_task(self, call: Call, *, name: str) -> m.Task:
        return await self._enabled(name, True)

    async def disable_task(self, call: Call, *, name: str) -> m.Task:
        return await self._enabled(name, False)

    async def run_task(self, call: Call, *, name: str, query: m.RunQuery) -> HttpResponse:
        run = await self._components.manual.run_now(name, _idempotency_key(call), call.defer, wait=query.wait)
        return _run_response(call, run, wait=query.wait)

    async def task_history(self, call: Call, *, name: str, query: m.HistoryQuery) -> m.ExecutionPage:
        return await self._components.history.page(query.limit, query.cursor, task=name)

    async def next_runs(self, call: Call, *, name: str, query: m.NextQuery) -> m.NextRuns:
        task = await self._components.catalog.get(name, self._components.now)
        if not task.enabled:
            return m.NextRuns(data=[])
        upcoming = next_instants(parse(task.schedule), self._components.now, query.count)
        return m.NextRuns(data=[utc_text(instant) for instant in upcoming])

    async def list_executions(self, call: Call, *, query: m.ExecutionQuery) -> m.ExecutionPage:
        return await self._components.history.page(query.limit, query.cursor, status=query.status)

    async def get_execution(self, call: Call, *, id: str) -> m.Run:
        return await self._components.history.run(id)

    async def retry_execution(self, call: Call, *, id: str, query: m.RunQuery) -> HttpResponse:
        run = await self._components.manual.retry(id, call.defer, wait=query.wait)
        return _run_response(call, run, wait=query.wait)

    async def handlers(self, call: Call) -> m.HandlerList:
        return m.HandlerList(data=self._components.handler_names)

    async def stats(self, call: Call) -> m.TaskStatsList:
        return m.TaskStatsList(data=await self._components.history.stats())

    async def dashboard(self, call: Call) -> HttpResponse:
        return dashboard().answer(call.http_request.headers.get("if-none-match", ""))

    async def init(self, call: Call) -> m.AddedTasks:
        return await self._components.add_defaults()

    async def _enabled(self, name: str, enabled: bool) -> m.Task:
        if not await self._components.catalog.enable(name, enabled):
            raise no_such_task()
        return await self._components.catalog.get(name, self._components.now)


def _run_response(call: Call, run: m.Run, *, wait: bool) -> HttpResponse:
    """200 for a run that was waited for and has ended, else 202; `Location` is where it can be looked up."""
    status = 200 if wait and run.status != "running" else 202
    location = call.http_request.reference(f"/executions/{quote(run.run_id, safe='@')}")
    return json_text_response(run.model_dump_json(by_alias=False), status, [("location", location)])


def _idempotency_key(call: Call) -> str | None:
    """The header's, apart for each caller."""
    key = call.http_request.idempotency_key
    if key is None:
        return None
    scope = f"{call.identity.subject}\n{call.identity.key_id}\n{key}"
    return hashlib.sha256(scope.encode(errors="surrogatepass")).hexdigest()
