"""How long a Worker takes from nothing to its first answer, and what it holds in memory: one workerd for each, no dev tools.

Every boot starts workerd and the interpreter from the same snapshot, loads the Worker's modules, imports them and answers
`GET /`. In production the imports are in a snapshot that the deploy takes, and are not paid here again: these figures are their
upper bound. The floor imports the SDK and nothing else; the base of memory is a JavaScript Worker.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Iterable, Iterator
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
from scripts.runtime.config import LOCAL_FLAGS, read_configuration
from scripts.runtime.services import ROOT, SERVICES
from scripts.runtime.snapshot import build_snapshot
from scripts.runtime.vendor import vendor_all
from scripts.runtime.workers import workerd_binary
from scripts.stack.process import LOOPBACK, free_port

FLOOR, EMPTY = "boot: SDK only", "boot: JavaScript"
AT_MOST = 1.3
TIMEOUT_S = 60

_HELLO = Path(__file__).with_name("workers") / "hello"
_KINDS = {".py": "pythonModule", ".txt": "text", ".html": "text", ".json": "text", ".sql": "text", ".bin": "data"}
_SDK = ("workers/", "_workers_sdk", "asgi.py")
_EMPTY_SCRIPT = '(name = "worker.mjs", esModule = "export default { fetch: () => new Response() };")'
_CONFIGURATION = """
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "{address}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [{modules}],
  compatibilityDate = "{date}",
  compatibilityFlags = [{flags}],
  bindings = [(name = "ENVIRONMENT", text = "development")],
);
"""


@dataclass(frozen=True, slots=True)
class Boot:
    """`source` None: the JavaScript Worker. `packages`: the beginnings of the names of what is uploaded beside it."""

    name: str
    source: Path | None
    modules: Path = SERVICES[0].modules
    packages: tuple[str, ...] = ("",)


BOOTS = (
    Boot(EMPTY, None),
    Boot(FLOOR, _HELLO, packages=_SDK),
    *(Boot(f"boot: {service.name}", service.source, service.modules) for service in SERVICES),
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
    bundle = build_bundle(ROOT / "node_modules" / "pyodide", ROOT / ".dotdo" / "runtime")
    date = read_configuration(SERVICES[0].configuration)["compatibility_date"]
    snapshot = build_snapshot(workerd_binary(), bundle, date, LOCAL_FLAGS)
    results.figures += figures()
    for _ in range(rounds):
        for boot in BOOTS:
            done: Round | None = None
            try:
                done = await _boot(boot, snapshot, date)
            except (RoundError, OSError, psutil.Error) as error:
                results.fail(boot.name, error)
            results.rounds.setdefault(boot.name, []).append(done)


async def _boot(boot: Boot, snapshot: Path, date: str) -> Round:
    with tempfile.TemporaryDirectory(dir=snapshot.parent) as name:
        folder, port = Path(name), free_port()
        configuration = folder / "worker.capnp"
        flags = ", ".join(f'"{flag}"' for flag in LOCAL_FLAGS)
        modules = _EMPTY_SCRIPT if boot.source is None else ", ".join(_modules(boot, boot.source, folder))
        address = f"{LOOPBACK}:{port}"
        text = _CONFIGURATION.format(address=address, modules=modules, date=date, flags=flags if boot.source else "")
        configuration.write_text(text)
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            str(workerd_binary()), "serve", "--experimental", f"--pyodide-bundle-disk-cache-dir={snapshot.parent}",
            f"--python-snapshot-dir={snapshot.parent}", f"--python-load-snapshot={snapshot.name}", str(configuration),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            await _listening(process, port)
            async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
                answer = await client.get(f"http://{address}/")
            taken_s = time.perf_counter() - started
            if answer.status_code != 200:
                raise RoundError(f"{boot.name}: {answer.status_code} {answer.text[:300]}")
            runtime = Runtime(psutil.Process(process.pid))
            return Round(1 / taken_s, taken_s * 1000, taken_s * 1000, runtime.cpu_s() * 1000, runtime.memory_mb())
        except httpx.HTTPError as error:
            raise RoundError(f"{boot.name}: {error!r}") from error
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _listening(process: asyncio.subprocess.Process, port: int) -> None:
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            await asyncio.sleep(0.002)
        else:
            writer.close()
            return
    raise RoundError(f"workerd ended with code {process.returncode}")


def _modules(boot: Boot, source: Path, folder: Path) -> Iterator[str]:
    """The Worker's modules as its configuration names them, each by a link in the folder: the entrypoint first."""
    own = sorted(_files(source), key=lambda file: (file != source / "entry.py", file))
    named = [(file.relative_to(source).as_posix(), file) for file in own if file.suffix in _KINDS]
    kinds = {name: _KINDS[file.suffix] for name, file in named}
    for file in _files(boot.modules):
        name = file.relative_to(boot.modules).as_posix()
        if name.startswith(boot.packages):
            path = f"python_modules/{name}"
            kinds[path] = "esModule" if name.startswith("workers/") and file.suffix in (".js", ".mjs") else "data"
            named.append((path, file))
    for number, (name, file) in enumerate(named):
        (folder / f"m{number}").symlink_to(file)
        yield f'(name = "{name}", {kinds[name]} = embed "m{number}")'


def _files(folder: Path) -> Iterable[Path]:
    return (file for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc" and file.name[0] != ".")
