"""One Worker as a deploy leaves it: its modules in one file, and a snapshot of its memory taken after its imports.

Production keeps that snapshot and starts every isolate from it, so no isolate imports anything again. workerd takes the same
one here (`python_dedicated_snapshot`, which the production date implies). It holds for one Worker in a process of its own: the
local stack, with four in one, starts them from the interpreter's.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from scripts.runtime.config import LOCAL_FLAGS
from scripts.stack.process import LOOPBACK, free_port

FLAGS = (*LOCAL_FLAGS, "python_dedicated_snapshot")
TIMEOUT_S = 60

_KINDS = {".py": "pythonModule", ".txt": "text", ".html": "text", ".json": "text", ".sql": "text", ".bin": "data"}
_WORKER, _SNAPSHOT = "worker.bin", "snapshot.bin"
_CONFIGURATION = """
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [{modules}],
  compatibilityDate = "{date}",
  compatibilityFlags = [{flags}],
  bindings = [(name = "ENVIRONMENT", text = "development")],
);
"""


class DeployedError(Exception):
    """workerd could not compile, snapshot or start the Worker; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Upload:
    """`source` None: a Worker in JavaScript that answers 200. `packages`: how the names begin of what goes beside it."""

    source: Path | None
    modules: Path = Path()
    packages: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class Deployed:
    """`folder` holds what a deploy leaves. One process at a time may run from it."""

    workerd: Path
    bundle: Path
    folder: Path

    @property
    def snapshot(self) -> Path:
        """There is none for a Worker in JavaScript."""
        return self.folder / _SNAPSHOT

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
        """A new process of it, as soon as it listens: its address and itself. Killed afterwards. Raises DeployedError."""
        snapshot = (f"--python-load-snapshot={_SNAPSHOT}",) if self.snapshot.exists() else ()
        async with self._serving(self.folder, snapshot) as running:
            yield running

    async def take_snapshot(self) -> None:
        """Raises DeployedError: what is written at import is more than a snapshot can hold, or asks for randomness."""
        with TemporaryDirectory(dir=self.folder) as name:
            async with self._serving(Path(name), ("--python-save-snapshot",)) as (address, process):
                await _answer(address, process)  # whatever it answers: the snapshot was taken before
            taken = Path(name) / _SNAPSHOT
            if not taken.exists():
                raise DeployedError("workerd took no snapshot of the Worker")
            taken.rename(self.snapshot)

    @contextlib.asynccontextmanager
    async def _serving(
        self, snapshots: Path, options: Sequence[str]
    ) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
        port = free_port()
        log = self.folder / "log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                str(self.workerd), "serve", "--experimental", "--binary", f"--socket-addr=http={LOOPBACK}:{port}",
                f"--pyodide-bundle-disk-cache-dir={self.bundle}", f"--python-snapshot-dir={snapshots}", *options,
                str(self.folder / _WORKER), stdout=output, stderr=output,
            )  # fmt: skip
        try:
            await _listening(process, port)
            yield f"http://{LOOPBACK}:{port}", process
        except DeployedError as error:
            raise DeployedError(f"{error}:\n{log.read_text()[-2000:].strip()}") from error
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def deployed(upload: Upload, workerd: Path, bundle: Path, date: str, folder: Path) -> Deployed:
    """Leaves in `folder`, which is empty, what a deploy of the upload leaves. Raises DeployedError."""
    worker = Deployed(workerd, bundle, folder)
    with TemporaryDirectory(dir=folder) as name:
        configuration = Path(name) / "worker.capnp"
        if upload.source is None:
            modules, flags = '(name = "worker.mjs", esModule = "export default { fetch: () => new Response() };")', ""
        else:
            modules = ", ".join(_named(upload, upload.source, Path(name)))
            flags = ", ".join(f'"{flag}"' for flag in FLAGS)
        configuration.write_text(_CONFIGURATION.format(modules=modules, date=date, flags=flags))
        compiler = await asyncio.create_subprocess_exec(
            str(workerd), "compile", "--config-only", str(configuration),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        compiled, said = await compiler.communicate()
        if compiler.returncode != 0:
            raise DeployedError(f"workerd cannot read the Worker:\n{said.decode()[-2000:].strip()}")
        (folder / _WORKER).write_bytes(compiled)
    if upload.source is not None:
        await worker.take_snapshot()
    return worker


async def _answer(address: str, process: asyncio.subprocess.Process) -> httpx.Response:
    """Raises DeployedError when the process ends instead."""
    async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
        request = asyncio.ensure_future(client.get(f"{address}/"))
        ended = asyncio.ensure_future(process.wait())
        await asyncio.wait((request, ended), return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        try:
            return await request
        except httpx.HTTPError as error:
            raise DeployedError(f"no answer from the Worker, {error!r}") from error


async def _listening(process: asyncio.subprocess.Process, port: int) -> None:
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            await asyncio.sleep(0.002)
        else:
            writer.close()
            return
    raise DeployedError(f"workerd ended with code {process.returncode}")


def _named(upload: Upload, source: Path, folder: Path) -> Iterator[str]:
    """The Worker's modules as its configuration names them, each by a link in the folder: the entrypoint first."""
    own = sorted(_files(source), key=lambda file: (file != source / "entry.py", file))
    named = [(file.relative_to(source).as_posix(), file) for file in own if file.suffix in _KINDS]
    kinds = {name: _KINDS[file.suffix] for name, file in named}
    for file in _files(upload.modules):
        name = file.relative_to(upload.modules).as_posix()
        if name.startswith(upload.packages):
            path = f"python_modules/{name}"
            kinds[path] = "esModule" if name.startswith("workers/") and file.suffix in (".js", ".mjs") else "data"
            named.append((path, file))
    for number, (name, file) in enumerate(named):
        (folder / f"m{number}").symlink_to(file)
        yield f'(name = "{name}", {kinds[name]} = embed "m{number}")'


def _files(folder: Path) -> Iterable[Path]:
    return (file for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc" and file.name[0] != ".")
