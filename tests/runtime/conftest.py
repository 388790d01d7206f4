"""Runs the Workers of tests/runtime/cases on the project's own runtime, each case copied so that a test may edit it."""

import asyncio
import json
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from scripts.runtime.bundle import PACKAGE, build_bundle
from scripts.runtime.bytecode import compile_modules
from scripts.runtime.config import LOCAL_FLAGS, vendored_packages
from scripts.runtime.services import SERVICES, SHARED_PACKAGE
from scripts.runtime.vendor import vendor
from scripts.runtime.workers import CRON_FRONT, SCRIPT, workerd_with_bundle
from scripts.stack.node import node
from scripts.stack.process import LOOPBACK, Child, free_port

CASES = Path(__file__).with_name("cases")
DATE = "2026-09-08"
PATIENCE_S = 60.0
AUTH = next(service for service in SERVICES if service.name == "auth")


async def until(holds: Callable[[], bool]) -> None:
    """Returns when it holds; fails the test after PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "did not come true"
        await asyncio.sleep(0.05)


@dataclass
class CaseRuntime:
    """A runtime of test Workers; `folder` holds the copies they run from, its state and its log."""

    folder: Path
    workers: list[dict[str, Any]] = field(default_factory=list)
    child: Child = field(init=False)

    def python(self, name: str, services: Mapping[str, str] | None = None, **options: Any) -> str:
        """Adds a Python Worker from tests/runtime/cases; its address."""
        source = self.folder / name
        shutil.copytree(CASES / name, source)
        return self.add(
            name=name, main="entry.py", sources=str(source), vendored=vendored_packages(AUTH.modules),
            compatibility_flags=list(LOCAL_FLAGS), services=dict(services or {}), **options,
        )  # fmt: skip

    def javascript(self, name: str, script: Path, services: Mapping[str, str], **options: Any) -> str:
        """Adds a JavaScript Worker; its address."""
        return self.add(name=name, script=script.read_text(), services=dict(services), **options)

    def cron_front(self, worker: str) -> str:
        """Adds the Worker that fires cron events at another one; its address."""
        flags = ["service_binding_extra_handlers", "experimental"]
        return self.javascript(f"{worker}-front", CRON_FRONT, {"WORKER": worker}, compatibility_flags=flags)

    def add(self, **worker: Any) -> str:
        port = free_port()
        self.workers.append({"compatibility_date": DATE, "variables": {}, "kv": {}, "r2": {}, **worker, "port": port})
        return f"http://{LOOPBACK}:{port}"

    async def start(self) -> None:
        watched = [worker["sources"] for worker in self.workers if "sources" in worker]
        configuration = self.folder / "configuration.json"
        bundle = build_bundle()
        bytecode = self.folder / "bytecode"
        compile_modules(PACKAGE, bytecode, [*map(Path, watched), AUTH.modules, SHARED_PACKAGE])
        configuration.write_text(
            json.dumps({
                "persist": str(self.folder / "storage"), "workers": self.workers, "watch": watched,
                "bytecode": str(bytecode),
            })
        )  # fmt: skip
        self.child = Child(
            "the runtime of the test Workers", [str(node()), str(SCRIPT), str(configuration)],
            self.folder / "workers.log", {"MINIFLARE_WORKERD_PATH": str(workerd_with_bundle(bundle, DATE))},
            stop_signal=signal.SIGTERM,
        )  # fmt: skip
        await self.child.start(self._answers, timeout_s=60)

    async def stop(self) -> None:
        await self.child.stop()

    def log(self) -> str:
        return self.child.log.read_text()

    async def _answers(self) -> bool:
        """Whether the last Worker added takes connections; the runtime opens all ports at once."""
        try:
            async with httpx.AsyncClient(timeout=60) as client:
                await client.get(f"http://{LOOPBACK}:{self.workers[-1]['port']}/")
        except httpx.TransportError:
            return False
        return True


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runtime(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CaseRuntime]:
    """A runtime without Workers yet; what a test has started is stopped for it."""
    vendor(AUTH)
    case = CaseRuntime(tmp_path_factory.mktemp("runtime"))
    yield case
    if hasattr(case, "child"):
        await case.stop()


@dataclass(frozen=True)
class Addresses:
    caller: str
    callee: str
    javascript: str
    front: str
    runtime: CaseRuntime


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cases(runtime: CaseRuntime) -> Addresses:
    """The caller, with the front that fires its cron events, the callee and a JavaScript caller of it, running."""
    addresses = Addresses(
        callee=runtime.python("callee"),
        caller=runtime.python("caller", {"CALLEE": "callee"}, kv={"STORE": "store"}, variables={"PLACE": "local"}),
        javascript=runtime.javascript("javascript", CASES / "javascript.mjs", {"CALLEE": "callee"}),
        front=runtime.cron_front("caller"),
        runtime=runtime,
    )
    await runtime.start()
    return addresses


@pytest_asyncio.fixture(loop_scope="module")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60) as client:
        yield client
