"""Carries a claimed run through its attempts and writes down how each ended."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from dotdo.errors import ServiceError
from dotdo.log import Logger
from dotdo.ports import Bindings
from dotdo.sql import Sql
from schedule.domain.attempt import Outcome, handler_not_found, perform
from schedule.domain.invocation import Invocation
from schedule.domain.ledger import Claim, Ending, Ledger
from schedule.domain.registry import Registry, TaskContext, Unfinished
from schedule.domain.state import TaskState

INLINE_DELAY_S = 5.0
"""A longer wait than this is left to a later cron event."""

_RECORD_DELAYS_S = (0.5, 1.0, 2.0)

Outcomes = Literal["succeeded", "failed", "retrying", "skipped", "lost"]
"""`lost`: the lease was taken over, so that another isolate says what becomes of the run."""

_BECAME: Mapping[str, Outcomes] = {
    "succeeded": "succeeded",
    "failed": "retrying",
    "dead": "failed",
    "skipped": "skipped",
}

Jitter = Callable[[], float]


def random_fraction() -> float:
    """In [0, 1), from the operating system: the generator of `random` is the same in every isolate of a snapshot."""
    return secrets.randbelow(1 << 32) / (1 << 32)


@dataclass(frozen=True, slots=True)
class Executor:
    bindings: Bindings
    log: Logger
    handlers: Registry
    ledger: Ledger
    jitter: Jitter = random_fraction

    async def carry_out(self, task: TaskState, claim: Claim, invocation: Invocation) -> Outcomes:
        """Attempt after attempt while there is time, each on a claim of its own. What is unfinished waits for an event."""
        while True:
            outcome = await self._attempt(task, claim, invocation)
            delay_s = self._delay_s(task, claim, outcome)
            ending = _ending(outcome, delay_s, invocation)
            became = await self._record(claim, ending, outcome)
            if became != "retrying" or delay_s is None or isinstance(outcome.error, Unfinished):
                return became
            if not self._waits_here(task, delay_s, invocation):
                return became
            await self.bindings.clock.sleep(delay_s)
            following = await self.ledger.resume(task, claim.token)
            if following is None:
                return "lost"
            claim = following

    async def _attempt(self, task: TaskState, claim: Claim, invocation: Invocation) -> Outcome:
        handler = self.handlers.get(task.handler)
        if handler is None:
            return Outcome(0, error=handler_not_found(task.handler))
        timeout_s = invocation.room_s(task.timeout_s) or task.timeout_s
        now_s = self.bindings.clock.now_s()
        context = TaskContext(self.bindings, Sql(self.bindings), self.log, now_s, now_s + timeout_s)
        return await perform(handler, context, timeout_s)

    def _delay_s(self, task: TaskState, claim: Claim, outcome: Outcome) -> float | None:
        """Before the next attempt; None when there is none."""
        if outcome.error is None or not outcome.error.retryable or claim.attempts_left == 0:
            return None
        return task.retry.delay_s(claim.attempts_left, self.jitter())

    def _waits_here(self, task: TaskState, delay_s: float, invocation: Invocation) -> bool:
        return delay_s <= INLINE_DELAY_S and invocation.room_s(task.timeout_s, delay_s) is not None

    async def _record(self, claim: Claim, ending: Ending, outcome: Outcome) -> Outcomes:
        """Tries again when the database does not answer: what is not written down is done once more."""
        status, written = await self._finish(claim, ending)
        if not written:
            self.log.warn("run.fenced", task=claim.task, run_id=claim.run_id, attempt=claim.attempt, now=status or None)
            return "lost"
        report = self.log.error if status == "dead" else self.log.warn if status == "failed" else self.log.info
        report(
            "run", task=claim.task, run_id=claim.run_id, attempt=claim.attempt, status=status,
            duration_ms=ending.duration_ms, code=ending.error_code, detail=ending.error_message, error=outcome.cause,
        )  # fmt: skip
        return _BECAME[status]

    async def _finish(self, claim: Claim, ending: Ending) -> tuple[str, bool]:
        """As the ledger's. An answer that was lost is asked for again; a result it does not take is left out."""
        lost = False
        for delay_s in _RECORD_DELAYS_S:
            try:
                status, written = await self.ledger.finish(claim, ending)
            except ServiceError as error:
                self.log.warn("run.not_recorded", run_id=claim.run_id, attempt=claim.attempt, code=error.code)
                if not error.retryable:
                    ending = Ending("dead", ending.duration_ms, None, "RESULT_REFUSED", "its end could not be stored")
                lost = True
                await self.bindings.clock.sleep(delay_s)
                continue
            return status, written or (lost and status == ending.status)
        return await self.ledger.finish(claim, ending)


def _ending(outcome: Outcome, delay_s: float | None, invocation: Invocation) -> Ending:
    if outcome.skipped is not None:
        return Ending("skipped", outcome.duration_ms, None, "SKIPPED", outcome.skipped)
    if outcome.error is None:
        return Ending("succeeded", outcome.duration_ms, outcome.result)
    code, detail = outcome.error.code, outcome.error.detail
    if delay_s is None:
        return Ending("dead", outcome.duration_ms, None, code, detail)
    return Ending("failed", outcome.duration_ms, None, code, detail, invocation.moment(delay_s))
