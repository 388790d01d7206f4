"""One attempt: a handler called, cut off at its timeout, and whatever becomes of it as an outcome."""

import asyncio
import json
from dataclasses import dataclass

from dotdo.errors import ServiceError, internal, timed_out
from schedule.domain.registry import Handler, Skipped, TaskContext, TaskResult

CANCEL_GRACE_S = 1.0
"""What a cancelled task has to clean up in. One that goes on all the same is left to itself."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One of `result`, `skipped` (the reason) and `error`. `cause`: what was raised, for the log alone."""

    duration_ms: int
    result: TaskResult | None = None
    skipped: str | None = None
    error: ServiceError | None = None
    cause: str | None = None


def handler_not_found(name: str) -> ServiceError:
    return ServiceError("HANDLER_NOT_FOUND", 500, "Handler not found", f"there is no handler {name!r}")


async def perform(handler: Handler, context: TaskContext, timeout_s: float) -> Outcome:
    """Calls the handler. A result that comes after the timeout does not count: the attempt timed out."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    work = asyncio.ensure_future(handler(context))
    try:
        done, _ = await asyncio.wait({work}, timeout=timeout_s)
        if not done:
            work.cancel()
            await asyncio.wait({work}, timeout=CANCEL_GRACE_S)
    finally:
        work.cancel()  # this invocation itself is being ended
    duration_ms = round((loop.time() - began_s) * 1000)
    if not done:
        if work.done() and not work.cancelled():
            work.exception()  # looked at, so that nobody complains of it
        return Outcome(duration_ms, error=timed_out(f"took longer than {timeout_s:.0f} s"))
    return _outcome(work, duration_ms)


def _outcome(work: "asyncio.Future[TaskResult]", duration_ms: int) -> Outcome:
    try:
        result = work.result()
        if not isinstance(result, dict):
            raise TypeError(f"a task answers with an object, not {type(result).__name__}")
        json.dumps(result, allow_nan=False)
        return Outcome(duration_ms, result=result)
    except Skipped as skipped:
        return Outcome(duration_ms, skipped=skipped.reason)
    except ServiceError as error:
        return Outcome(duration_ms, error=error)
    except (Exception, asyncio.CancelledError) as unexpected:
        return Outcome(duration_ms, error=internal(), cause=repr(unexpected))
