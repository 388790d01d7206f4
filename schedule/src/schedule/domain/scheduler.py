"""A cron event from beginning to end: what is due is read, planned and carried out, each run by one isolate only."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from dotdo.contracts.schedule.models import TickResult
from dotdo.errors import ServiceError, invalid_argument
from dotdo.instants import rfc3339
from dotdo.log import Logger
from dotdo.ports import Clock
from schedule.domain.catalog import Catalog
from schedule.domain.executor import Executor
from schedule.domain.history import History
from schedule.domain.invocation import Invocation
from schedule.domain.ledger import Ledger, Snapshot, run_id
from schedule.domain.plan import NotRun, Plan, Resume, Start, plan
from schedule.domain.registry import TaskDefinition
from schedule.domain.state import OpenRun

CONCURRENT_TASKS = 4
FURTHEST_AHEAD = timedelta(days=1)
"""An event from further in the future would take instants that are to come from the events they belong to."""

_OUTCOMES = ("succeeded", "failed", "retrying", "skipped", "missed", "yielded")

Settled = tuple[str, str] | None
"""The outcome, and the run or task it is of. None: another isolate was first."""

Job = tuple[str, Callable[[], Awaitable[Settled]]]
"""What it is called if it breaks, and what to do."""


class Scheduler:
    def __init__(
        self,
        clock: Clock,
        log: Logger,
        *,
        ledger: Ledger,
        catalog: Catalog,
        history: History,
        executor: Executor,
        defaults: Sequence[TaskDefinition],
    ) -> None:
        self._clock = clock
        self._log = log
        self._ledger = ledger
        self._catalog = catalog
        self._history = history
        self._executor = executor
        self._defaults = defaults

    async def tick(self, cron: str, scheduled_ms: int) -> TickResult:
        """Runs what is due at the event's scheduled time. A duplicate event does nothing.

        Raises when the database does not answer at the beginning: the next event does what this one would have.
        """
        at = datetime.fromtimestamp(scheduled_ms / 1000, UTC)
        if at > datetime.fromtimestamp(self._clock.now_s(), UTC) + FURTHEST_AHEAD:
            raise invalid_argument("scheduledMs: more than a day ahead")
        invocation = Invocation.of_event(at)
        snapshot = await self._read()
        todo = plan(snapshot.tasks, snapshot.runs, at)
        for name in todo.unreadable:
            self._log.error("task.schedule_invalid", task=name)
        # What is abandoned is so before its task begins anew: while it counts as running, no other run of the task begins.
        settled = await self._do([(run.run_id, partial(self._abandon, run)) for run in todo.abandon])
        settled += await self._do(self._jobs(todo, invocation))
        if _first_of_the_day(at):
            await self._forget()
        by_outcome = {outcome: sorted(of for kind, of in settled if kind == outcome) for outcome in _OUTCOMES}
        self._log.info("tick", cron=cron, **{outcome: len(runs) for outcome, runs in by_outcome.items()})
        return TickResult(cron=cron, scheduled_at=rfc3339(scheduled_ms / 1000), **by_outcome)

    async def _read(self) -> Snapshot:
        names = [task.name for task in self._defaults]
        snapshot = await self._ledger.read(names)
        if snapshot.incomplete:
            await self._catalog.add_defaults(self._defaults)
            snapshot = await self._ledger.read(names)
        return snapshot

    def _jobs(self, todo: Plan, invocation: Invocation) -> list[Job]:
        return [
            *((run_id(one.task.name, one.instant), partial(self._write_not_run, one)) for one in todo.not_run),
            *((one.run.run_id, partial(self._resume, one, invocation)) for one in todo.resume),
            *((run_id(one.task.name, one.instant), partial(self._start, one, invocation)) for one in todo.start),
        ]

    async def _do(self, jobs: Sequence[Job]) -> list[tuple[str, str]]:
        """At most four at once. One that breaks keeps no other from its turn."""
        slots = asyncio.Semaphore(CONCURRENT_TASKS)  # of this invocation alone, shared with no other request

        async def settle(called: str, call: Callable[[], Awaitable[Settled]]) -> Settled:
            async with slots:
                try:
                    return await call()
                except Exception as error:
                    self._log.error("run.broken", run_id=called, error=repr(error))
                    return "failed", called

        settled = await asyncio.gather(*(settle(*job) for job in jobs))
        return [one for one in settled if one is not None]

    async def _start(self, start: Start, invocation: Invocation) -> Settled:
        if invocation.room_s(start.task.timeout_s) is None:
            return "yielded", start.task.name
        claim = await self._ledger.start(start)
        if claim is None:
            return None
        return await self._executor.carry_out(start.task, claim, invocation), claim.run_id

    async def _resume(self, resume: Resume, invocation: Invocation) -> Settled:
        if invocation.room_s(resume.task.timeout_s) is None:
            return "yielded", resume.task.name
        claim = await self._ledger.resume(resume.task, resume.run.token)
        if claim is None:
            return None
        return await self._executor.carry_out(resume.task, claim, invocation), claim.run_id

    async def _write_not_run(self, not_run: NotRun) -> Settled:
        claim = await self._ledger.write_not_run(not_run)
        if claim is None:
            return None
        self._log.warn("run", task=claim.task, run_id=claim.run_id, status=not_run.status, detail=not_run.reason)
        return not_run.status, claim.run_id

    async def _abandon(self, run: OpenRun) -> Settled:
        if not await self._ledger.abandon(run):
            return None
        self._log.error(
            "run", task=run.task, run_id=run.run_id, attempt=run.attempt, status="dead", code="LEASE_EXPIRED"
        )
        return "failed", run.run_id

    async def _forget(self) -> None:
        """A history that stays a day too long fails no event."""
        try:
            deleted = await self._history.forget()
        except ServiceError as error:
            self._log.error("history.not_forgotten", code=error.code)
        else:
            self._log.info("history.forgotten", deleted=deleted)


def _first_of_the_day(at: datetime) -> bool:
    return at.hour == 0 and at.minute < 5
