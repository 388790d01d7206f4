"""One soak: the platform behind gates, a steady load, a fault at every turn, and the account that is made of it."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from scripts.runtime.config import read_configuration
from scripts.runtime.services import SERVICES
from scripts.soak import readback
from scripts.soak.accounts import Accounts
from scripts.soak.book import Book
from scripts.soak.client import Client, Refused, Wrong
from scripts.soak.cron import Cron
from scripts.soak.faults import FAULTS, INJECTION_FAILED, Fault, Site, Window, turns
from scripts.soak.gate import Gate
from scripts.soak.load import MAX_RATE, Load
from scripts.soak.memory import Memory
from scripts.soak.operations import Operation, cron_event, operations
from scripts.soak.things import Things
from scripts.stack.ports import free_ports
from scripts.stack.process import LOOPBACK, free_port
from scripts.stack.secrets import local_secrets
from scripts.stack.stack import Stack

CALLER = Path(__file__).with_name("caller.mjs")
CONNECTIONS = 8
SHARE = 0.6
"""The part of the measured capacity that is asked for."""
V8 = "--gc-global --max-semi-space-size=4"
"""Every collection of V8's takes the old objects along. Left to itself it lets them lie for tens of thousands of requests, with
what they hold outside of its heap, some 8 KB a request: the process grows for half an hour, and lets go of it in the end."""
PROBE_S = 0.2
GIVEN_UP_S = 240.0
DRAINED_S = 60.0

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """`every_s`: from one fault to the next, when the platform has recovered by then. `cron_s`: from one event to the next."""

    minutes: float
    every_s: float = 60.0
    measured_s: float = 10.0
    cron_s: float = 10.0
    faults: Sequence[Fault] = FAULTS
    seed: int = 1


@dataclass
class Outcome:
    """`findings`: what must not be, a line each; none means that everything held."""

    plan: Plan
    capacity: float
    rate: float
    seconds: float
    load: Load
    book: Book
    cron: Cron
    memory: Memory
    runs: dict[str, dict[str, int]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)


async def soak(plan: Plan, data: Path, tell: Tell) -> Outcome:
    """Raises StartError when the platform does not start."""
    ports = free_ports()
    postgres, clickhouse, workos = (
        Gate(free_port(), upstream) for upstream in (ports.neon, ports.clickhouse, ports.workos)
    )
    caller = _caller()
    through = {
        "NEON_HTTP_ENDPOINT": f"http://{LOOPBACK}:{postgres.port}/sql",
        "CLICKHOUSE_URL": f"http://{LOOPBACK}:{clickhouse.port}",
    }
    sign_in = {"WORKOS_API_URL": f"http://{LOOPBACK}:{workos.port}"}
    stack = Stack(data, ports, v8_flags=V8, extra_workers=[caller], variables={"db": through, "auth": sign_in})
    async with AsyncExitStack() as ends:
        for gate in (postgres, clickhouse, workos):
            await gate.start()
            ends.push_async_callback(gate.stop)
        info = await stack.start(fresh=True)
        ends.push_async_callback(stack.stop)
        client = Client(
            info["gateway_url"], f"http://{LOOPBACK}:{caller['port']}", info["keys"], (workos.port, ports.workos)
        )
        ends.push_async_callback(client.close)
        cron = Cron(info["workers"]["schedule"], client)
        return await _Soak(plan, Site(stack, postgres, clickhouse, workos, cron), client, info, tell).run()


def _caller() -> dict[str, Any]:
    date = read_configuration(SERVICES[0].configuration)["compatibility_date"]
    return {
        "name": "soak-caller", "script": CALLER.read_text(), "compatibility_date": date, "compatibility_flags": [],
        "services": {"AUTH": "auth", "SCHEDULE": "schedule"}, "port": free_port(),
    }  # fmt: skip


class _Soak:
    def __init__(self, plan: Plan, site: Site, client: Client, info: dict[str, Any], tell: Tell) -> None:
        chance = random.Random(plan.seed)
        self._plan, self._site, self._client, self._info, self._tell = plan, site, client, info, tell
        self._book = Book(chance)
        self._things = Things(client, self._book)
        mix = operations(self._things, Accounts(client, self._book))
        self._load = Load(mix, chance)
        self._memory = Memory(site.stack.data, site.cron.midnights_s)
        self._findings: list[str] = []

    async def run(self) -> Outcome:
        began_s = time.monotonic()
        await self._load.capacity(self._plan.measured_s / 3, CONNECTIONS)  # imports, pools, caches
        capacity = await self._load.capacity(self._plan.measured_s, CONNECTIONS)
        rate = min(capacity * SHARE, MAX_RATE)
        self._tell(f"{capacity:.0f} operations/s at most, {rate:.0f} asked for")
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._load.steady(rate, over))
            group.create_task(self._load.every(self._plan.cron_s, cron_event(self._site.cron), over))
            group.create_task(self._memory.watch(over))
            await self._faults(began_s + self._plan.minutes * 60)
            over.set()
        await self._drain()
        outcome = Outcome(
            self._plan,
            capacity,
            rate,
            time.monotonic() - began_s,
            self._load,
            self._book,
            self._site.cron,
            self._memory,
        )
        await self._read_back(outcome)
        return outcome

    async def _faults(self, ends_s: float) -> None:
        """One a turn; each of them at least once, however long that takes."""
        plan = self._plan
        for fault in turns(plan.faults, int(plan.minutes * 60 / plan.every_s)) if plan.faults else ():
            turn_s = time.monotonic()
            await asyncio.sleep(plan.every_s / 4)
            await self._inject(fault)
            await asyncio.sleep(max(0.0, turn_s + plan.every_s - time.monotonic()))
        await asyncio.sleep(max(0.0, ends_s - time.monotonic()))

    async def _inject(self, fault: Fault) -> None:
        window = Window(fault, time.monotonic())
        self._load.windows.append(window)
        try:
            await fault.inject(self._site)
        except INJECTION_FAILED as error:
            self._findings.append(f"{fault.name}: could not be done: {error}")
        except Refused as refusal:  # of the load itself, when that is the fault
            self._findings.append(f"{fault.name}: {refusal}")
        window.lifted_s = time.monotonic()
        try:
            async with asyncio.timeout(GIVEN_UP_S):
                await self._recovered()
        except TimeoutError:
            self._findings.append(f"{fault.name}: not recovered after {GIVEN_UP_S:.0f} s")
        window.ended_s = time.monotonic()
        if window.recovery_s > fault.bound_s:
            self._findings.append(f"{fault.name}: recovered after {window.recovery_s:.1f} s, not {fault.bound_s:.0f}")
        told = ", ".join(f"{count} {code}" for code, count in sorted(window.refused.items())) or "nothing refused"
        lasted_s = window.lifted_s - window.began_s
        self._tell(f"{fault.name}: {lasted_s:.1f} s, recovered {window.recovery_s:.1f} s later; {told}")

    async def _recovered(self) -> None:
        """Returns when every way through the platform works, twice in a row."""
        in_a_row = 0
        while in_a_row < 2:
            try:
                await self._probe()
                in_a_row += 1
            except (Refused, Wrong):
                in_a_row = 0
                await asyncio.sleep(PROBE_S)

    async def _probe(self) -> None:
        body = {"type": "soak.probe"}
        for role, method, path, sent, status in (
            ("", "GET", "/ready", None, 200),
            ("admin", "PUT", "/db/things/soak-probe/probe", body, 0),
            ("admin", "POST", "/db/events", body, 201),
            ("admin", "GET", "/auth/me", None, 200),
            ("admin", "GET", "/schedule/tasks", None, 200),
        ):
            answer = await self._client.send(role, method, path, sent)
            answer.expect(*([status] if status else [200, 201]))

    async def _drain(self) -> None:
        """Writes whose answers were lost are sent until each is answered: then it is known what has to be there."""
        ends_s = time.monotonic() + DRAINED_S
        again = [Operation("open write", self._put_open, 0), Operation("open batch", self._things.batch, 0)]
        while (self._book.open or self._book.batches) and time.monotonic() < ends_s:
            await self._load.once(again[0 if self._book.open else 1])
        if self._book.open or self._book.batches:
            self._findings.append(
                f"{len(self._book.open)} writes and {len(self._book.batches)} batches never went through"
            )

    async def _put_open(self) -> None:
        await self._things.write(self._book.to_write(), "put")

    async def _read_back(self, outcome: Outcome) -> None:
        found = [*self._findings, *(f"wrong: {one}" for one in self._load.wrong)]
        if self._load.wrong_count > len(self._load.wrong):
            found.append(f"and {self._load.wrong_count - len(self._load.wrong)} more wrong answers")
        with psycopg.connect(self._info["postgres_url"]) as connection:
            found += [
                *readback.things(connection, self._book),
                *readback.edges(connection, self._book),
                *readback.credentials(connection, self._book),
                *readback.runs(connection, self._site.cron.acknowledged),
                *readback.overlaps(connection),
            ]
            outcome.runs = readback.outcomes(connection)
        password = local_secrets(self._site.stack.data)["CLICKHOUSE_PASSWORD"]
        stored = await asyncio.to_thread(
            readback.stored_events, self._info["clickhouse_url"], "default", password, "dotdo"
        )
        outcome.findings = [*found, *readback.events(stored, self._book)]
