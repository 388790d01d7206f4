"""The whole local platform: stores, the WorkOS emulator, the four Workers; started together, stopped together."""

import asyncio
import fcntl
import json
import os
import shutil
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from scripts.migrations.clickhouse import migrate_clickhouse
from scripts.migrations.postgres import migrate_postgres
from scripts.runtime.workers import Workers
from scripts.stack.configuration import Addresses, worker_variables
from scripts.stack.ports import Ports
from scripts.stack.private import write_private
from scripts.stack.process import LOOPBACK, StartError
from scripts.stack.secrets import ROLES, local_secrets
from scripts.stack.seed import emulated_users, seed
from scripts.stores.clickhouse import ClickHouse
from scripts.stores.neon import Neon
from scripts.stores.postgres import Postgres
from scripts.stores.workos import API_KEY, CLIENT_ID, WorkOSEmulator

ROOT = Path(__file__).resolve().parents[2]
SERVICE_NAMES = ("gateway", "db", "auth", "schedule")

Step = Callable[[str, Coroutine[Any, Any, None]], Awaitable[None]]
"""Runs one named part of the start, and shows it to whoever watches."""


class Part(Protocol):
    """A process of the stack."""

    async def start(self) -> None: ...

    async def wait(self) -> int: ...

    async def stop(self) -> None: ...


async def unwatched(name: str, work: Coroutine[Any, Any, None]) -> None:
    """A Step that shows nothing."""
    await work


@dataclass
class Stack:
    """`data` keeps the stores, logs, secrets and, while the stack is ready, `dev.json`.

    `watch`: a change of the code is loaded at once, for who works on it; whatever else starts a stack keeps what it began with.
    `variables`: by service, what replaces the local stack's own values.
    """

    data: Path
    ports: Ports
    official_runtime: bool = False
    namespace: bool = False
    inspector_port: int = 0
    v8_flags: str = ""
    watch: bool = False
    extra_workers: list[dict[str, Any]] = field(default_factory=list)
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)
    _lock: IO[str] | None = None

    @property
    def info_file(self) -> Path:
        return self.data / "dev.json"

    async def start(self, step: Step = unwatched, *, fresh: bool = False) -> dict[str, Any]:
        """Returns what dev.json holds. Raises StartError, with everything that had started stopped again."""
        self._take_folder()
        try:
            if fresh:
                self._empty()
            return await self._start(step)
        except BaseExceptionGroup as several:
            await self.stop()
            raise several.exceptions[0] from None  # the first failure; the others are parts that were told to stop
        except BaseException:
            await self.stop()
            raise

    async def wait(self) -> str:
        """Returns, when any part has ended by itself, what a person needs to know of it."""
        waiting = {asyncio.create_task(part.wait()): name for name, part in self.parts.items()}
        done, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        ended = done.pop()
        return f"{waiting[ended]} ended with code {ended.result()}"

    async def stop(self) -> None:
        """Workers first, stores last: no request meets a store that is gone."""
        self.info_file.unlink(missing_ok=True)
        for name in reversed(list(self.parts)):
            await self.parts.pop(name).stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def _start(self, step: Step) -> dict[str, Any]:
        secrets = local_secrets(self.data)
        stores = self._stores(secrets)
        postgres, clickhouse, neon, workos = stores
        workers = self._workers(secrets, *stores)

        async def databases() -> None:
            await self._run(step, "PostgreSQL", postgres)
            await step("PostgreSQL: migrations and seed", asyncio.to_thread(_prepare_postgres, postgres, secrets))

        async def analytics() -> None:
            await self._run(step, "ClickHouse", clickhouse)
            await step("ClickHouse: migrations", asyncio.to_thread(_prepare_clickhouse, clickhouse))

        async with asyncio.TaskGroup() as group:
            group.create_task(databases())
            group.create_task(analytics())
            group.create_task(self._run(step, "Neon's SQL over HTTP", neon))
            group.create_task(self._run(step, "WorkOS emulator", workos))
            group.create_task(self._run(step, "Workers", workers))
        return self._announce(
            {
                "gateway_url": workers.urls["gateway"],
                "workers": workers.urls,
                "postgres_url": postgres.url,
                "clickhouse_url": clickhouse.url,
                "workos_url": workos.url,
                "keys": {role: secrets[role] for role in ROLES},
                "pid": os.getpid(),
            }
        )

    def _workers(
        self, secrets: dict[str, str], postgres: Postgres, clickhouse: ClickHouse, neon: Neon, workos: WorkOSEmulator
    ) -> Workers:
        addresses = Addresses(
            gateway_port=self.ports.gateway,
            postgres_url=postgres.url,
            neon_url=neon.url,
            clickhouse_url=clickhouse.url,
            clickhouse_username=clickhouse.username,
            clickhouse_database=clickhouse.database,
            workos_url=workos.url,
            workos_api_key=API_KEY,
            workos_client_id=CLIENT_ID,
        )
        local = worker_variables(addresses, secrets)
        return Workers(
            data=self.data / "workers",
            ports={name: getattr(self.ports, name) for name in SERVICE_NAMES},
            variables={name: {**values, **self.variables.get(name, {})} for name, values in local.items()},
            log=self.data / "logs" / "workers.log",
            official_runtime=self.official_runtime,
            namespace=self.namespace,
            inspector_port=self.inspector_port,
            v8_flags=self.v8_flags,
            watch=self.watch,
            extra=self.extra_workers,
        )

    def _stores(self, secrets: dict[str, str]) -> tuple[Postgres, ClickHouse, Neon, WorkOSEmulator]:
        logs, ports = self.data / "logs", self.ports
        postgres = Postgres(self.data / "postgres", ports.postgres, logs / "postgres.log", secrets["POSTGRES_PASSWORD"])
        clickhouse = ClickHouse(
            self.data / "clickhouse", ports.clickhouse, logs / "clickhouse.log", secrets["CLICKHOUSE_PASSWORD"]
        )
        neon = Neon(ports.neon, postgres.url, logs / "neon.log")
        webhook = {
            "endpoint_url": f"http://{LOOPBACK}:{ports.gateway}/auth/webhooks/workos",
            "secret": secrets["WORKOS_WEBHOOK_SECRET"],
        }
        return postgres, clickhouse, neon, WorkOSEmulator(ports.workos, logs / "workos.log", emulated_users(), webhook)

    def _announce(self, info: dict[str, Any]) -> dict[str, Any]:
        """Writes dev.json whole or not at all; it holds keys, so only its owner reads it."""
        write_private(self.info_file, json.dumps(info, indent=2) + "\n")
        return info

    async def _run(self, step: Step, name: str, part: Part) -> None:
        async def begin() -> None:
            self.parts[name] = part
            await part.start()

        await step(name, begin())

    def _take_folder(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        lock = (self.data / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise StartError(f"A stack is running on {self.data} already. Stop it first (Ctrl-C there).") from error
        self._lock = lock
        self.info_file.unlink(missing_ok=True)

    def _empty(self) -> None:
        for name in ("postgres", "clickhouse", "workers", "logs"):
            shutil.rmtree(self.data / name, ignore_errors=True)
        (self.data / "secrets.json").unlink(missing_ok=True)


def _prepare_postgres(postgres: Postgres, secrets: dict[str, str]) -> None:
    migrate_postgres(postgres.url, ROOT / "db" / "migrations")
    seed(postgres.url, secrets)


def _prepare_clickhouse(at: ClickHouse) -> None:
    migrate_clickhouse(at.url, at.username, at.password, at.database, ROOT / "db" / "clickhouse")
