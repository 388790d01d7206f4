"""One stack for all e2e tests: the four Workers on the real runtime with real stores, and a JavaScript caller bound to them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Generator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from scripts.runtime.config import read_configuration
from scripts.runtime.services import ROOT
from scripts.stack.ports import free_ports
from scripts.stack.process import LOOPBACK, free_port
from scripts.stack.stack import Stack
from tests.e2e.platform import DATA, Platform

CALLER = Path(__file__).with_name("caller.mjs")


class _Loop:
    """An event loop in a thread, so that the stack lives beside the tests' own loops."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    production = read_configuration(ROOT / "gateway" / "wrangler.jsonc")
    port = free_port()
    caller = {
        "name": "caller",
        "script": CALLER.read_text(),
        "compatibility_date": production["compatibility_date"],
        "compatibility_flags": [],
        "services": {"GATEWAY": "gateway", "DB": "db", "AUTH": "auth", "SCHEDULE": "schedule"},
        "port": port,
    }
    loop = _Loop()
    stack = Stack(DATA, free_ports(), extra_workers=[caller])
    try:
        info = loop.run(stack.start(fresh=True))
        yield Platform(info, f"http://{LOOPBACK}:{port}")
    finally:
        loop.run(stack.stop())
        loop.close()


@pytest.fixture
async def admin(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    async with platform.client("admin") as client:
        yield client


@pytest.fixture
async def user(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    async with platform.client("user") as client:
        yield client


@pytest.fixture
async def viewer(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    async with platform.client("viewer") as client:
        yield client


@pytest.fixture
async def anonymous(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    async with platform.client() as client:
        yield client


@pytest.fixture
def ns(request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own."""
    return f"test-{request.node.name}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failing test shows what the Workers logged while it ran."""
    log = DATA / "logs" / "workers.log"
    if call.when == "setup":
        item.stash[_LOG_START] = log.stat().st_size if log.exists() else 0
    report = yield
    if call.when == "call" and report.failed and log.exists():
        with log.open("rb") as lines:
            lines.seek(item.stash.get(_LOG_START, 0))
            report.sections.append(("the Workers' log", lines.read().decode(errors="replace")))
    return report


_LOG_START = pytest.StashKey[int]()
