"""Runs that somebody asks for: now, or once more."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime

from dotdo.contracts.schedule.models import Run
from dotdo.errors import ServiceError
from dotdo.log import Logger
from dotdo.ports import Clock, Defer
from schedule.domain.catalog import Catalog
from schedule.domain.executor import Executor
from schedule.domain.history import History
from schedule.domain.invocation import CALL_BUDGET_S, Invocation
from schedule.domain.ledger import Claim, Ledger
from schedule.domain.state import TaskState


@dataclass(frozen=True, slots=True)
class ManualRuns:
    clock: Clock
    log: Logger
    ledger: Ledger
    catalog: Catalog
    history: History
    executor: Executor

    async def run_now(self, name: str, key: str | None, defer: Defer, *, wait: bool) -> Run:
        """The run, ended if it was waited for and did so in time. With a key that was used before, that run.

        Raises 404, and 409 when the task is disabled or running.
        """
        known = await self._run_of(key, name) if key is not None else None
        if known is not None:
            return await self.history.run(known)
        task = await self.catalog.runnable(name)
        now = self._now()
        claim = await self.ledger.start_manually(task, now, key)
        if claim is None:
            known = await self._run_of(key, name) if key is not None else None
            if known is None:
                raise _running(name)
            return await self.history.run(known)
        return await self._carry_out(task, claim, now, defer, wait=wait)

    async def retry(self, run_id: str, defer: Defer, *, wait: bool) -> Run:
        """Another attempt, with as many to follow as a new run has. Raises 404, and 409 when there is nothing to repeat, or the
        task is disabled or running.
        """
        run, token = await self.history.run_and_token(run_id)
        if run.status in ("running", "succeeded"):
            raise ServiceError("NOT_RETRYABLE", 409, "Not retryable", f"the run is {run.status}")
        task = await self.catalog.runnable(run.task)
        claim = await self.ledger.resume(task, token, attempts_left=task.retry.max_attempts - 1)
        if claim is None:
            raise _running(run.task)
        return await self._carry_out(task, claim, self._now(), defer, wait=wait)

    async def _carry_out(self, task: TaskState, claim: Claim, now: datetime, defer: Defer, *, wait: bool) -> Run:
        work = asyncio.ensure_future(self._logged(task, claim, now))
        defer(_until(work))
        if wait:
            await asyncio.wait({work}, timeout=CALL_BUDGET_S)
        return await self.history.run(claim.run_id)

    async def _logged(self, task: TaskState, claim: Claim, now: datetime) -> None:
        """A run that cannot be recorded is taken up again by a cron event, once its lease has expired."""
        try:
            await self.executor.carry_out(task, claim, Invocation.of_call(now))
        except Exception as error:
            self.log.error("run.broken", run_id=claim.run_id, error=repr(error))

    async def _run_of(self, key: str, task: str) -> str | None:
        """The run this key was used for. Raises 422 when that is another task's."""
        found = await self.history.run_of_key(key)
        if found is None:
            return None
        run_id, used_for = found
        if used_for != task:
            raise ServiceError(
                "IDEMPOTENCY_KEY_REUSED", 422, "Idempotency key reused", "this key was used for another request before"
            )
        return run_id

    def _now(self) -> datetime:
        return datetime.fromtimestamp(round(self.clock.now_s(), 3), UTC)


async def _until(work: Awaitable[None]) -> None:
    await work


def _running(name: str) -> ServiceError:
    return ServiceError("TASK_RUNNING", 409, "Task running", f"the task {name!r} is running already", retryable=True)
