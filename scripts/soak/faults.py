"""What is done to the platform while it works, and what its callers may be told meanwhile."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import psutil

from scripts.soak.client import CONNECTION
from scripts.soak.cron import EVENT_FAILED, Cron
from scripts.soak.gate import Gate
from scripts.stack.process import StartError
from scripts.stack.stack import Stack

POSTGRES, CLICKHOUSE, WORKOS = "postgres", "clickhouse", "workos"
DOWN_S = 3.0
AWAY_S = 6.0
SLOW_S = 1.5
SLOW_FOR_S = 6.0
HELD_FOR_S = 13.0
"""Longer than the 11 s that db waits for a statement of PostgreSQL, and the 10 s that auth waits for WorkOS."""


@dataclass(frozen=True)
class Site:
    """What faults are done to."""

    stack: Stack
    postgres: Gate
    clickhouse: Gate
    workos: Gate
    cron: Cron


@dataclass(frozen=True)
class Fault:
    """`inject` returns when the fault is lifted. Operations on one of `stores` may be refused with one of `codes` from the
    beginning until the platform has recovered, which has to be within `bound_s` of the lifting. `ends_runtime`: the Workers
    begin anew, and so does what can be said of their memory.
    """

    name: str
    inject: Callable[[Site], Awaitable[None]]
    stores: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    bound_s: float = 30.0
    ends_runtime: bool = False


@dataclass(slots=True)
class Window:
    """One occurrence, in seconds of the monotonic clock. `refused`: how often which code was told."""

    fault: Fault
    began_s: float
    lifted_s: float = 0.0
    ended_s: float | None = None
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def recovery_s(self) -> float:
        return (self.ended_s or time.monotonic()) - self.lifted_s

    def excuses(self, stores: frozenset[str], code: str, began_s: float) -> bool:
        """Whether a call on these stores that began then, and ends now, may have been refused so."""
        return (
            (self.ended_s is None or began_s < self.ended_s)
            and code in self.fault.codes
            and (bool(stores & self.fault.stores) or code == CONNECTION)
        )


async def restart(site: Site, name: str) -> None:
    part = site.stack.parts[name]
    await part.stop()
    await asyncio.sleep(DOWN_S)
    await part.start()


async def restart_postgres(site: Site) -> None:
    await restart(site, "PostgreSQL")


async def kill_postgres(site: Site) -> None:
    """Without a chance to write anything down: what was committed is in its log, or lost."""
    part = site.stack.parts["PostgreSQL"]
    folder = str(site.stack.data / "postgres")
    servers = [one for one in _descendants() if _is(one, "postgres") and folder in _words(one)]
    for server in servers:
        server.kill()
    await part.wait()
    await part.stop()
    await asyncio.sleep(DOWN_S)
    await part.start()


async def restart_clickhouse(site: Site) -> None:
    await restart(site, "ClickHouse")


async def restart_endpoint(site: Site) -> None:
    await restart(site, "Neon's SQL over HTTP")


async def kill_runtime(site: Site) -> None:
    """All Workers at once, in the middle of what they do. Miniflare starts the runtime again."""
    (runtime,) = workerd_processes(site.stack.data)
    runtime.kill()
    runtime.wait()


async def cut_postgres(site: Site) -> None:
    await _repeatedly(site.postgres.cut)


async def cut_clickhouse(site: Site) -> None:
    await _repeatedly(site.clickhouse.cut)


async def shut_workos(site: Site) -> None:
    site.workos.shut = True
    site.workos.cut()
    await asyncio.sleep(AWAY_S)
    site.workos.shut = False


async def slow_postgres(site: Site) -> None:
    site.postgres.delay_s = SLOW_S
    await asyncio.sleep(SLOW_FOR_S)
    site.postgres.delay_s = 0.0


async def hold_postgres(site: Site) -> None:
    await _held(site.postgres)


async def hold_workos(site: Site) -> None:
    await _held(site.workos)


async def duplicate_events(site: Site) -> None:
    await site.cron.burst()


async def _held(gate: Gate) -> None:
    gate.hold()
    await asyncio.sleep(HELD_FOR_S)
    gate.release()


async def _repeatedly(act: Callable[[], None]) -> None:
    for _ in range(6):
        act()
        await asyncio.sleep(0.5)


def workerd_processes(data: Path) -> list[psutil.Process]:
    """Of the stack that keeps its data there: another one may run beside it."""
    starters = [one for one in _descendants() if f"{data}/" in " ".join(_words(one)) and not _is(one, "workerd")]
    found = {child for starter in starters for child in _children(starter) if _is(child, "workerd")}
    return list(found)


def _descendants() -> list[psutil.Process]:
    return _children(psutil.Process())


# A process may end while it is looked at, as one of PostgreSQL does with its connection: it is then none of those looked for.


def _children(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        found: list[psutil.Process] = process.children(recursive=True)
        return found
    return []


def _words(process: psutil.Process) -> list[str]:
    with suppress(psutil.NoSuchProcess):
        words: list[str] = process.cmdline()
        return words
    return []


def _is(process: psutil.Process, name: str) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.name() == name)
    return False


_GONE = frozenset({"UNAVAILABLE", EVENT_FAILED})
_STORE = frozenset({POSTGRES})
_ANALYTICS = frozenset({CLICKHOUSE})
_SIGN_IN = frozenset({WORKOS})

FAULTS: tuple[Fault, ...] = (
    Fault("PostgreSQL restarted", restart_postgres, _STORE, _GONE),
    Fault("answers of PostgreSQL slow", slow_postgres),
    Fault("runtime killed", kill_runtime, _STORE | _ANALYTICS, frozenset({CONNECTION, EVENT_FAILED}), bound_s=90.0,
          ends_runtime=True),
    Fault("ClickHouse restarted", restart_clickhouse, _ANALYTICS, _GONE),
    Fault("connections to PostgreSQL cut", cut_postgres, _STORE, _GONE),
    Fault("cron event ten times at once", duplicate_events),
    Fault("connections to ClickHouse cut", cut_clickhouse, _ANALYTICS, _GONE),
    Fault("PostgreSQL killed", kill_postgres, _STORE, _GONE),
    Fault("answers of PostgreSQL held back", hold_postgres, _STORE, _GONE | {"TIMEOUT"}),
    Fault("WorkOS away", shut_workos, _SIGN_IN, frozenset({"UNAVAILABLE"})),
    Fault("Neon's endpoint restarted", restart_endpoint, _STORE, _GONE),
    Fault("answers of WorkOS held back", hold_workos, _SIGN_IN, frozenset({"UNAVAILABLE", "TIMEOUT"})),
)  # fmt: skip

INJECTION_FAILED = (StartError, OSError, psutil.Error, ValueError)


def turns(faults: Sequence[Fault], count: int) -> list[Fault]:
    """Each once, then round and round, but the runtime lives on until the last one: its memory is watched over that time."""
    if count <= len(faults):
        return list(faults)
    others = cycle([fault for fault in faults if not fault.ends_runtime])
    last = [fault for fault in faults if fault.ends_runtime][:1]
    return [*faults, *islice(others, count - len(faults) - len(last)), *last]
