"""How long a Worker takes from nothing to its first answer, and what it holds in memory: one workerd for each, no dev tools.

Each boot starts workerd and the Worker from what a deploy leaves of it (`scripts/runtime/deployed.py`) and answers `GET /`. The
floor imports the SDK and nothing else; the base of memory is a JavaScript Worker.
"""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from rich.console import Console

from scripts.bench.figures import Figure, Memory, Time
from scripts.bench.load import Round, RoundError
from scripts.bench.runner import Results
from scripts.bench.runtime import Runtime
from scripts.runtime.bundle import build_bundle
from scripts.runtime.config import read_configuration
from scripts.runtime.deployed import Deployed, DeployedError, Upload, deployed
from scripts.runtime.services import SERVICES
from scripts.runtime.vendor import vendor_all
from scripts.runtime.workers import workerd_binary

FLOOR, EMPTY = "boot: SDK only", "boot: JavaScript"
AT_MOST = 1.3
TIMEOUT_S = 60

_HELLO = Path(__file__).with_name("workers") / "hello"
_SDK = ("workers/", "_workers_sdk", "asgi.py")


@dataclass(frozen=True, slots=True)
class Boot:
    name: str
    upload: Upload


BOOTS = (
    Boot(EMPTY, Upload(None)),
    Boot(FLOOR, Upload(_HELLO, SERVICES[0].modules, _SDK)),
    *(Boot(f"boot: {service.name}", Upload(service.source, service.modules)) for service in SERVICES),
)


def figures() -> list[Figure]:
    times: list[Figure] = [
        Time(f"cold_start_{service.name}_vs_sdk", f"boot: {service.name}", FLOOR, AT_MOST) for service in SERVICES
    ]
    return [*times, *(Memory(f"memory_{boot.name.split()[1].lower()}_mb", boot.name, EMPTY) for boot in BOOTS[1:])]


async def cold_starts(rounds: int, results: Results, console: Console) -> None:
    """Adds the boots to the results."""
    console.print("[dim]Booting each Worker by itself …[/dim]")
    vendor_all()
    bundle = build_bundle()
    date = read_configuration(SERVICES[0].configuration)["compatibility_date"]
    results.figures += figures()
    with tempfile.TemporaryDirectory(dir=bundle) as name:
        workers: dict[str, Deployed] = {}
        for boot in BOOTS:
            folder = Path(name) / str(len(workers))
            folder.mkdir()
            workers[boot.name] = await deployed(boot.upload, workerd_binary(), bundle, date, folder)
        for _ in range(rounds):
            for boot_name, worker in workers.items():
                done: Round | None = None
                try:
                    done = await _boot(worker)
                except (RoundError, DeployedError, OSError, psutil.Error) as error:
                    results.fail(boot_name, error)
                results.rounds.setdefault(boot_name, []).append(done)


async def _boot(worker: Deployed) -> Round:
    async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
        started = time.perf_counter()
        async with worker.running() as (address, process):
            answer = await client.get(f"{address}/")
            taken_s = time.perf_counter() - started
            if answer.status_code != 200:
                raise RoundError(f"{answer.status_code} {answer.text[:300]}")
            runtime = Runtime(psutil.Process(process.pid))
            return Round(1 / taken_s, taken_s * 1000, taken_s * 1000, runtime.cpu_s() * 1000, runtime.memory_mb())
