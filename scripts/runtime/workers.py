"""The four Workers on the real workerd, as one part of the local stack."""

import asyncio
import json
import os
import stat
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

from scripts.runtime.bundle import PACKAGE, build_bundle
from scripts.runtime.bytecode import compile_modules
from scripts.runtime.config import LOCAL_FLAGS, local_worker, read_configuration
from scripts.runtime.namespace import into_namespace
from scripts.runtime.services import ROOT, SERVICES, SHARED_PACKAGE
from scripts.runtime.snapshot import build_snapshot
from scripts.runtime.vendor import vendor_all
from scripts.stack.node import node
from scripts.stack.private import write_private
from scripts.stack.process import LOOPBACK, Child, ChildPart, StartError, require_free

SCRIPT = Path(__file__).with_name("workers.mjs")
CRON_FRONT = Path(__file__).with_name("cron_front.mjs")
START_TIMEOUT_S = 120.0


def workerd_binary(packages: Path = ROOT / "node_modules") -> Path:
    """The workerd that the pinned Miniflare depends on; pnpm keeps a package's dependencies beside it, and older ones too.

    Raises StartError.
    """
    miniflare = (packages / "miniflare").resolve()
    workerd = (miniflare.parent / "workerd").resolve()
    for found in (workerd.parent / "@cloudflare").glob("workerd-*/bin/workerd"):
        return found.resolve()
    raise StartError("workerd is not installed. Run: make install")


def workerd_with_bundle(folder: Path, date: str) -> Path:
    """A script in place of workerd that tells it where our bundle and snapshot are: Miniflare has no setting for that."""
    workerd = workerd_binary()
    snapshot = build_snapshot(workerd, folder, date, LOCAL_FLAGS)
    script = snapshot.with_suffix(".workerd")
    partial = snapshot.with_suffix(f".{os.getpid()}")
    partial.write_text(
        "#!/bin/sh\n"
        "command=$1; shift\n"
        "here=${0%/*}\n"
        '[ "$command" = serve ] && set -- "--pyodide-bundle-disk-cache-dir=$here" "--python-snapshot-dir=$here" '
        f'"--python-load-snapshot={snapshot.name}" "$@"\n'
        f'exec "{workerd}" "$command" "$@"\n'
    )
    partial.chmod(partial.stat().st_mode | stat.S_IXUSR)
    partial.rename(script)  # at once: another stack may be starting from the same folder
    return script


@dataclass
class Workers(ChildPart):
    """`ports` and `variables` are by service name. `extra` are more Workers in the form `workers.mjs` takes, or variants of a
    service: `{"variant_of": service, "name", "variables", "services", "ratelimits"}`, where what is given replaces what the
    service has.

    With `namespace` the four find each other as in a dispatch namespace, and the gateway's port is the dispatch Worker's. At
    `inspector_port`, unless it is 0, V8's inspector shows the isolates. `v8_flags` go to V8, separated by spaces. With `watch`
    a change of the code is loaded at once.
    """

    data: Path
    ports: dict[str, int]
    variables: dict[str, dict[str, str]]
    log: Path
    official_runtime: bool = False
    namespace: bool = False
    inspector_port: int = 0
    v8_flags: str = ""
    watch: bool = False
    extra: list[dict[str, Any]] = field(default_factory=list)

    @property
    def urls(self) -> dict[str, str]:
        return {name: f"http://{LOOPBACK}:{port}" for name, port in self.ports.items()}

    async def start(self) -> None:
        """Returns when every Worker answers. Raises StartError, BundleError, BytecodeError, VendorError, ConfigurationError."""
        for name, port in self.ports.items():
            require_free(port, name, "PORT" if name == "gateway" else f"{name.upper()}_PORT")
        await asyncio.to_thread(vendor_all)
        environment = {"WRANGLER_SEND_METRICS": "false"}
        if self.v8_flags:
            environment["MINIFLARE_WORKERD_V8_FLAGS"] = self.v8_flags
        bytecode: Path | None = None
        if not self.official_runtime:
            folder = await asyncio.to_thread(build_bundle)
            bytecode = folder / "bytecode"
            await asyncio.to_thread(compile_modules, PACKAGE, bytecode, _python_folders())
            date = read_configuration(SERVICES[0].configuration)["compatibility_date"]
            environment["MINIFLARE_WORKERD_PATH"] = str(await asyncio.to_thread(workerd_with_bundle, folder, date))
        self.data.mkdir(parents=True, exist_ok=True)
        configuration = self.data / "configuration.json"
        write_private(configuration, json.dumps({**self._configuration(), "bytecode": bytecode and str(bytecode)}))
        command = [str(node()), str(SCRIPT), str(configuration)]
        self.child = Child("the Workers' runtime", command, self.log, environment, ROOT)
        await self.child.start(self._answering, START_TIMEOUT_S)

    def _configuration(self) -> dict[str, Any]:
        workers = [self._worker(service.name, {}, self.ports[service.name]) for service in SERVICES]
        if self.namespace:
            workers.append(into_namespace(workers))
        fronts = [_cron_front(worker) for worker in workers if worker["crons"]]
        return {
            "persist": str(self.data / "storage"),
            "inspector_port": self.inspector_port,
            "workers": workers + fronts + [self._extra(worker) for worker in self.extra],
            "watch": [*(str(service.source) for service in SERVICES), str(SHARED_PACKAGE)] if self.watch else [],
        }

    def _worker(self, name: str, variables: dict[str, str], port: int) -> dict[str, Any]:
        service = next(service for service in SERVICES if service.name == name)
        merged = {**self.variables[name], **variables}
        return asdict(local_worker(service, merged, port, official_runtime=self.official_runtime))

    def _extra(self, worker: dict[str, Any]) -> dict[str, Any]:
        if "variant_of" not in worker:
            return worker
        base = self._worker(worker["variant_of"], worker.get("variables", {}), worker.get("port", 0))
        return {
            **base,
            "name": worker["name"],
            "crons": [],
            "services": {**base["services"], **worker.get("services", {})},
            "ratelimits": worker.get("ratelimits", {}),
        }

    async def _answering(self) -> bool:
        return await all_answer(self.urls.values())


async def all_answer(addresses: Iterable[str]) -> bool:
    """Whether each answers 200. Every request has ended by then: one left behind would keep its connection open."""
    async with httpx.AsyncClient(timeout=START_TIMEOUT_S) as client:
        return all(await asyncio.gather(*(_answers(client, address) for address in addresses)))


async def _answers(client: httpx.AsyncClient, address: str) -> bool:
    try:
        return (await client.get(f"{address}/")).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _python_folders() -> list[Path]:
    return [SHARED_PACKAGE, *(folder for service in SERVICES for folder in (service.source, service.modules))]


def _cron_front(worker: dict[str, Any]) -> dict[str, Any]:
    """Takes over the Worker's port: passes requests on and turns /cdn-cgi/handler/scheduled into cron events."""
    front = {
        "name": f"{worker['name']}-cron-front",
        "script": CRON_FRONT.read_text(),
        "compatibility_date": worker["compatibility_date"],
        "compatibility_flags": ["service_binding_extra_handlers", "experimental"],
        "services": {"WORKER": worker["name"]},
        "port": worker["port"],
    }
    worker["port"] = 0
    return front
