"""One stack for all e2e tests: the four Workers on the real runtime with real stores, and two Workers that call them."""

import asyncio
import re
import threading
import zlib
from collections.abc import AsyncIterator, Coroutine, Generator, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.routes import ROUTES
from scripts.runtime.config import compatibility_flags, read_configuration, vendored_packages
from scripts.runtime.services import SERVICES
from scripts.stack.ports import free_ports
from scripts.stack.process import LOOPBACK, free_port
from scripts.stack.stack import Stack
from tests.e2e.fault_proxy import FaultProxy
from tests.e2e.platform import DATA, OFFICIAL_RUNTIME, Platform, Proxies

CALLER = Path(__file__).with_name("caller.mjs")
ODD_SCHEDULE = Path(__file__).parent / "workers" / "odd_schedule"
ECHO = Path(__file__).with_name("echo.mjs")
WITNESS = Path(__file__).with_name("witness.mjs")
MODELS = Path(__file__).with_name("models.mjs")
PYTHON_CALLER = Path(__file__).parent / "workers" / "python_caller"
BOUND = {
    "GATEWAY": "gateway",
    "DB": "db",
    "AUTH": "auth",
    "SCHEDULE": "schedule",
    "FAULTY_DB": "faulty-db",
    "CUT_AUTH": "cut-auth",
    "LIMITED_GATEWAY": "limited-gateway",
    "AI_SCHEDULE": "ai-schedule",
    "QUEUE_SCHEDULE": "queue-schedule",
    "MODELS": "models",
    "ODD_SCHEDULE": "odd-schedule",
}


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


def _variants(proxies: Proxies) -> list[dict[str, Any]]:
    """Services beside the four, whose stores are reached through proxies that tests make fail."""
    stores = {
        "NEON_HTTP_ENDPOINT": f"http://{LOOPBACK}:{proxies.neon}/sql",
        "CLICKHOUSE_URL": f"http://{LOOPBACK}:{proxies.clickhouse}",
    }
    workos = {"WORKOS_API_URL": f"http://{LOOPBACK}:{proxies.workos}"}
    behind = {"FN": "echo", "AGENT": "echo"}
    limits = {"ENVIRONMENT": "limited", "RATE_LIMITS": "", "CORS_ORIGINS": "https://app.example.com https://*.do"}
    strict = {"ATTEMPT_LIMITS": "", "LOCKOUT_MAX_S": ""}
    hasty = {"UPSTREAM_TIMEOUT_S": "0.5"}
    guard = {"LIMIT_AI": {"namespace_id": "1", "simple": {"limit": 2, "period": 60}}}
    mapped = {"ENVIRONMENT": "mapped", "RATE_LIMITS": ""}
    no_hash = {"EMBEDDINGS_PROVIDER": ""}
    return [
        {"variant_of": "db", "name": "faulty-db", "variables": stores, "port": proxies.db},
        {"variant_of": "auth", "name": "cut-auth", "services": {"DB": "faulty-db"}},
        {"variant_of": "auth", "name": "faulty-auth", "variables": workos, "port": proxies.faulty_auth},
        {"variant_of": "gateway", "name": "limited-gateway", "variables": limits, "services": behind, "port": proxies.gateway},
        {"variant_of": "gateway", "name": "hasty-gateway", "variables": hasty, "services": {**behind, "AI": "echo"},
         "ratelimits": guard, "port": proxies.hasty_gateway},
        {"variant_of": "gateway", "name": "mapped-gateway", "variables": mapped, "port": proxies.mapped_gateway,
         "services": {route.binding: "witness" for route in ROUTES}},
        {"variant_of": "schedule", "name": "ai-schedule", "variables": no_hash, "services": {"AI": "models"}},
        {"variant_of": "schedule", "name": "queue-schedule", "services": {"QUEUE": "models"}},
        {"variant_of": "auth", "name": "strict-auth", "variables": strict, "port": proxies.auth},
    ]  # fmt: skip


def in_javascript(name: str, script: Path, **more: Any) -> dict[str, Any]:
    """A Worker that other than ours may be."""
    date = read_configuration(SERVICES[0].configuration)["compatibility_date"]
    return {"name": name, "script": script.read_text(), "compatibility_date": date, "compatibility_flags": [], **more}


def _odd_schedule() -> dict[str, Any]:
    """The schedule service with tasks of the tests, whose database fails when they want it to."""
    schedule = next(service for service in SERVICES if service.name == "schedule")
    own = {"folder": str(schedule.source / "schedule"), "prefix": "schedule/", "skip": ""}
    configuration = read_configuration(schedule.configuration)
    return {
        "name": "odd-schedule", "main": "entry.py", "sources": str(ODD_SCHEDULE),
        "vendored": [*vendored_packages(schedule.modules), own],
        "compatibility_date": configuration["compatibility_date"],
        "compatibility_flags": compatibility_flags(configuration, official_runtime=OFFICIAL_RUNTIME),
        "services": {"DB": "faulty-db"},
    }  # fmt: skip


def _callers() -> tuple[dict[str, Any], dict[str, Any]]:
    """The JavaScript and the Python Worker that make RPC calls for the tests."""
    db = next(service for service in SERVICES if service.name == "db")
    configuration = read_configuration(db.configuration)
    both = {"compatibility_date": configuration["compatibility_date"], "services": BOUND}
    javascript = {
        **both, "name": "caller", "script": CALLER.read_text(), "compatibility_flags": [], "port": free_port(),
    }  # fmt: skip
    python = {
        **both, "name": "python-caller", "main": "entry.py", "sources": str(PYTHON_CALLER),
        "vendored": vendored_packages(db.modules), "port": free_port(),
        "compatibility_flags": compatibility_flags(configuration, official_runtime=OFFICIAL_RUNTIME),
    }  # fmt: skip
    return javascript, python


@pytest.fixture(scope="session")
def platform() -> Iterator[Platform]:
    javascript, python = _callers()
    proxies, ports = Proxies(*(free_port() for _ in fields(Proxies))), free_ports()
    loop = _Loop()
    others = [in_javascript(file.stem, file) for file in (ECHO, WITNESS, MODELS)]
    extra = [javascript, python, *others, _odd_schedule(), *_variants(proxies)]
    stack = Stack(DATA, ports, official_runtime=OFFICIAL_RUNTIME, extra_workers=extra)
    try:
        info = loop.run(stack.start(fresh=True))
        addresses = [f"http://{LOOPBACK}:{caller['port']}" for caller in (javascript, python)]
        yield Platform(info, addresses[0], addresses[1], proxies, ports)
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
    """A namespace of the test's own, of characters that stand for themselves in an address."""
    name: str = request.node.name
    return f"test-{re.sub(r'[^A-Za-z0-9_]+', '-', name)[:60]}-{zlib.crc32(name.encode()):08x}"


@pytest.fixture
async def neon(platform: Platform) -> AsyncIterator[FaultProxy]:
    """Between the Worker with the failing stores and PostgreSQL; nothing listens there without it."""
    async with FaultProxy(platform.proxies.neon, platform.ports.neon) as proxy:
        yield proxy


@pytest.fixture
async def clickhouse(platform: Platform) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(platform.proxies.clickhouse, platform.ports.clickhouse) as proxy:
        yield proxy


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failing test shows what the Workers logged while it ran."""
    if "platform" not in getattr(item, "fixturenames", ()):
        return (yield)
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
